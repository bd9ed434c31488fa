"""What an engine must do for the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from finks.lake.releases import Release

from finks_api.query import Query


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
        fields: Name, type, whether it is required, and description of each column of the contract.
    """

    table: str
    contract: str
    version: str
    source: str
    licence: str | None
    key: tuple[str, ...]
    event_time: str | None
    fields: tuple[tuple[str, str, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a Silver table there is.

    Attributes:
        records: Records known now.
        first, last: The range of the event time, as ISO 8601 text; None without one, or without records.
        known_at: When the newest version became known, as ISO 8601 text.
    """

    records: int
    first: str | None
    last: str | None
    known_at: str | None


class Backend(Protocol):
    """An engine. Every method blocks, and is called in a thread; several at once."""

    def releases(self) -> Sequence[Release]:
        """Every Gold release, newest first.

        Raises:
            Problem: `unavailable`.
        """
        ...

    def rows(self, query: Query, release: Release) -> pa.Table:
        """The rows of a query at a release, with the query's schema.

        Raises:
            StillRunning: The engine is at it.
            Problem: `expired-version`, `busy`, `unavailable`, `query-failed` or `too-much-data`.
        """
        ...

    def datasets(self) -> Sequence[SilverFacts]:
        """The Silver tables of the lake, by name."""
        ...

    def coverage(self, facts: SilverFacts, release: Release) -> Coverage:
        """How much of a Silver table a release has.

        Raises:
            As `rows`.
        """
        ...
