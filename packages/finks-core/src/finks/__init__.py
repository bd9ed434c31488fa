"""finks: a library-first SDK for a financial data lake.

import finks

lake = finks.open("lake")
lake.latest("fmp_daily_bars").polars()
lake.gold("daily_portfolio_summary").pandas()
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finks import returns
    from finks.contract import Contract
    from finks.errors import FinksError
    from finks.lake import Lake
    from finks.source import BaseSource, Stream

_LAZY = {
    "Contract": "finks.contract",
    "Lake": "finks.lake",
    "BaseSource": "finks.source",
    "Stream": "finks.source",
    "FinksError": "finks.errors",
}


def open(path: str | Path = "lake") -> Lake:
    """Open a lake for reading.

    Args:
        path: The lake's directory, or `s3://bucket/prefix`.

    Raises:
        ConfigurationError: There is no lake.
    """
    from finks.lake import Lake

    return Lake.open(path)


def __getattr__(name: str) -> Any:
    """Load the public names at their first use, so that `import finks` stays light."""
    if name == "returns":
        return import_module("finks.returns")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'finks' has no attribute {name!r}")


__all__ = ["BaseSource", "Contract", "FinksError", "Lake", "Stream", "open", "returns"]
