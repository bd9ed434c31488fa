"""Where data lives: an Iceberg lake in four zones, its reads over time, its releases and its upkeep.

The names below are loaded when they are first used, because pyiceberg takes a second to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finks.lake.bronze import BRONZE_SCHEMA, BronzeTable
    from finks.lake.dataset import Dataset
    from finks.lake.lake import Lake
    from finks.lake.quarantine import QUARANTINE_SCHEMA, QuarantineTable
    from finks.lake.reads import Selection
    from finks.lake.releases import Release
    from finks.lake.silver import SHARE_REJECTED, SilverTable
    from finks.lake.silver_rows import VersionCounts

__all__ = [
    "BRONZE_SCHEMA",
    "QUARANTINE_SCHEMA",
    "SHARE_REJECTED",
    "BronzeTable",
    "Dataset",
    "Lake",
    "QuarantineTable",
    "Release",
    "Selection",
    "SilverTable",
    "VersionCounts",
]

_MODULES = {
    "BRONZE_SCHEMA": "bronze",
    "BronzeTable": "bronze",
    "Dataset": "dataset",
    "Lake": "lake",
    "QUARANTINE_SCHEMA": "quarantine",
    "QuarantineTable": "quarantine",
    "Release": "releases",
    "SHARE_REJECTED": "silver",
    "Selection": "reads",
    "SilverTable": "silver",
    "VersionCounts": "silver_rows",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"finks.lake.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
