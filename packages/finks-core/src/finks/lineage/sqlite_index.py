"""The index of a lake in a directory: a SQLite file beside its catalog."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from finks.errors import ConfigurationError
from finks.lineage.edges import Happening
from finks.lineage.index import by_job
from finks.lineage.model import Edge

_SCHEMA: Final = """
create table if not exists edges (
    source text, target text, job text, run_id text, at text, columns text,
    primary key (target, job, source)
) without rowid;
create index if not exists downstream on edges (source);
create table if not exists datasets (name text primary key) without rowid;
create table if not exists events (
    run_id text, job text, type text, at text,
    primary key (run_id, job, type)
) without rowid;
"""

_SELECT: Final = "select source, target, job, run_id, at, columns from edges"


class SqliteIndex:
    """See `LineageIndex`.

    Args:
        path: The file; made at the first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, happenings: Iterable[Happening], edges: Iterable[Edge]) -> None:
        """See `LineageIndex`."""
        with self._connected() as connection:
            connection.executemany(
                "insert or replace into events values (?, ?, ?, ?)",
                [(item.run_id, item.job, item.type, item.at.isoformat()) for item in happenings],
            )
            for (target, job), group in by_job(edges).items():
                known = connection.execute("select max(at) from edges where target = ? and job = ?", (target, job))
                (last,) = known.fetchone()
                if last is None or datetime.fromisoformat(last) <= group[0].at:
                    connection.execute("delete from edges where target = ? and job = ?", (target, job))
                    connection.executemany("insert into edges values (?, ?, ?, ?, ?, ?)", map(_row, group))
                    names = {name for edge in group for name in (edge.source, edge.target)}
                    connection.executemany("insert or ignore into datasets values (?)", [(name,) for name in names])

    def upstream(self, dataset: str) -> list[Edge]:
        """See `LineageIndex`."""
        return self._edges(f"{_SELECT} where target = ? order by source, job", dataset)

    def downstream(self, dataset: str) -> list[Edge]:
        """See `LineageIndex`."""
        return self._edges(f"{_SELECT} where source = ? order by target, job", dataset)

    def datasets(self) -> list[str]:
        """See `LineageIndex`."""
        with self._connected() as connection:
            return [name for (name,) in connection.execute("select name from datasets order by name")]

    def run(self, run_id: str) -> list[Happening]:
        """See `LineageIndex`."""
        query = "select run_id, job, type, at from events where run_id = ? order by at, job, type <> 'START', type"
        with self._connected() as connection:
            rows = connection.execute(query, (run_id,)).fetchall()
        return [Happening(run, job, kind, datetime.fromisoformat(at)) for run, job, kind, at in rows]

    def clear(self) -> None:
        """See `LineageIndex`."""
        with self._connected() as connection:
            for table in ("edges", "datasets", "events"):
                connection.execute(f"delete from {table}")  # noqa: S608

    def _edges(self, query: str, dataset: str) -> list[Edge]:
        with self._connected() as connection:
            return [_edge(row) for row in connection.execute(query, (dataset,))]

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        try:
            with closing(sqlite3.connect(self._path, timeout=60)) as connection, connection:
                connection.executescript(_SCHEMA)
                yield connection
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(
                "The index of lineage cannot be used.",
                where=str(self._path),
                got=str(error),
                hint="If it is damaged, delete it; `finks lineage --rebuild` makes it again.",
            ) from None


def as_text(columns: Mapping[str, Iterable[str]] | None) -> str | None:
    """The columns of an edge as JSON."""
    return None if columns is None else json.dumps({name: list(found) for name, found in columns.items()})


def from_text(text: str | None) -> dict[str, tuple[str, ...]] | None:
    """The columns of an edge, back from JSON."""
    return None if text is None else {name: tuple(found) for name, found in json.loads(text).items()}


def _row(edge: Edge) -> tuple[Any, ...]:
    return edge.source, edge.target, edge.job, edge.run_id, edge.at.isoformat(), as_text(edge.columns)


def _edge(row: tuple[Any, ...]) -> Edge:
    source, target, job, run_id, at, columns = row
    return Edge(source, target, job, run_id, datetime.fromisoformat(at), from_text(columns))
