"""How data is fetched: streams, slices, requests and answers; the driver that spends the vendor's budget."""

from __future__ import annotations

from finks.source.model import (
    Action,
    Limits,
    Outcome,
    Page,
    Rate,
    Request,
    Response,
    Slice,
    Snapshot,
    Stream,
    Verdict,
    Windows,
)
from finks.source.protocol import BaseSource, Source, SourceConfig

__all__ = [
    "Action",
    "BaseSource",
    "Limits",
    "Outcome",
    "Page",
    "Rate",
    "Request",
    "Response",
    "Slice",
    "Snapshot",
    "Source",
    "SourceConfig",
    "Stream",
    "Verdict",
    "Windows",
]
