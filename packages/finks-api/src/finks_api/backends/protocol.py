"""What an engine must do for the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from finks.lake.releases import Release

from finks_api.query import Read


class StillRunning(Exception):  # noqa: N818 - nothing is wrong
    """The engine has not ended the query yet. The same call again goes on waiting for it, and starts no second one."""


@dataclass(frozen=True, slots=True)
class SilverFacts:
    """What a Silver table says of itself.

    Attributes:
        table: Its name, without the zone.
        contract: Name and version of its contract.
        source: The source plugin.
        licence: The contract's licence tag; None when it has none.
        key: What makes a record unique.
        event_time: The column of the event time; None when there is none.
        schema: The columns of the contract; the metadata `doc` of a field describes it.
    """

    table: str
    contract: str
    version: str
    source: str
    licence: str | None
    key: tuple[str, ...]
    event_time: str | None
    schema: pa.Schema


class Backend(Protocol):
    """An engine. Every method blocks, and is called in a thread; several at once."""

    def releases(self) -> Sequence[Release]:
        """Every Gold release, newest first.

        Raises:
            Problem: `unavailable`.
        """
        ...

    def rows(self, read: Read, release: Release) -> pa.Table:
        """The rows of a read at a release, with the read's schema.

        Raises:
            StillRunning: The engine is at it.
            Problem: `expired-version`, `busy`, `unavailable`, `query-failed` or `too-much-data`.
        """
        ...

    def datasets(self, release: Release) -> Sequence[SilverFacts]:
        """The Silver tables that a release was built of, by name.

        Raises:
            Problem: `expired-version` or `unavailable`.
        """
        ...
