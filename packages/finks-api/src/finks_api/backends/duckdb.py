"""DuckDB on the lake's files: each release has a connection of its own, whose views show its snapshots alone."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
from finks.errors import FinksError
from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.lake.duck import confine, create_view
from finks.lake.releases import Release
from sqlalchemy.exc import SQLAlchemyError

from finks_api.backends.facts import silver_facts, to_schema
from finks_api.backends.protocol import SilverFacts
from finks_api.problems import Problem
from finks_api.query import Read, render
from finks_api.versions import snapshot_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

_LOG: Final = logging.getLogger("finks.api")
_KEPT: Final = 4
_BROKEN: Final = (duckdb.Error, FinksError, OSError, SQLAlchemyError)
"""What a lake raises whose files or catalog are damaged, gone or busy."""


class DuckDbBackend:
    """Reads a lake in this process.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = Lock()
        self._pinned: OrderedDict[int, _Pinned] = OrderedDict()

    def releases(self) -> Sequence[Release]:
        """See `Backend`."""
        try:
            return self._lake.releases()
        except _BROKEN as error:
            raise _unavailable(error) from None

    def rows(self, read: Read, release: Release) -> pa.Table:
        """See `Backend`."""
        try:
            return self._at(release).rows(read)
        except _BROKEN as error:
            raise self._why(error, read, release) from None

    def datasets(self, release: Release) -> Sequence[SilverFacts]:
        """See `Backend`."""
        try:
            return silver_facts(self._lake.catalog, release)
        except _BROKEN as error:
            raise _unavailable(error) from None

    def _why(self, error: Exception, read: Read, release: Release) -> Problem:
        """A release may have been expired while it was read."""
        try:
            gone = find_snapshot(self._lake, read.table, release) is None
        except _BROKEN:
            gone = False
        return expired(release) if gone else _unavailable(error)

    def _at(self, release: Release) -> _Pinned:
        with self._lock:
            found = self._pinned.get(release.release_id)
            if found is None:
                found = self._pinned[release.release_id] = _Pinned(self._lake, release)
                # Whoever still reads one that goes keeps it until it is done.
                while len(self._pinned) > _KEPT:
                    self._pinned.popitem(last=False)
            self._pinned.move_to_end(release.release_id)
            return found


class _Pinned:
    """A connection on which every view shows the snapshot of one release. Views are made when first read."""

    def __init__(self, lake: Lake, release: Release) -> None:
        self._lake = lake
        self._release = release
        self._lock = Lock()
        self._views: set[str] = set()
        self._connection = duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")
        lake.place.attach(self._connection)
        confine(self._connection, lake.place)
        for zone in ("silver", "gold"):
            self._connection.execute(f"create schema {zone}")

    def rows(self, read: Read) -> pa.Table:
        self._show(read.table)
        statement = render(read, lambda table: table)
        cursor = self._connection.cursor()
        try:
            found = cursor.sql(statement.sql, params=list(statement.parameters)).to_arrow_table()
        finally:
            cursor.close()
        return to_schema(found, statement.schema)

    def _show(self, name: str) -> None:
        with self._lock:
            if name not in self._views:
                table = find_snapshot(self._lake, name, self._release)
                if table is None:
                    raise expired(self._release)
                create_view(self._connection, name, table, self._lake.place, snapshot_of(name, self._release))
                self._views.add(name)


def find_snapshot(lake: Lake, name: str, release: Release) -> Table | None:
    """The table, if it still has the snapshot of a release."""
    table = find_table(lake.catalog, name)
    snapshot = snapshot_of(name, release)
    if table is None or snapshot is None or table.snapshot_by_id(snapshot) is None:
        return None
    return table


def expired(release: Release) -> Problem:
    """The answer for a release whose files are gone."""
    return Problem("expired-version", f"Release {release.release_id} is no longer kept.")


def _unavailable(error: Exception) -> Problem:
    _LOG.error("the lake cannot be read: %s", error)
    return Problem("unavailable", "The lake cannot be read now.")
