"""What the endpoint remembers: small JSON records by kind and key, in SQLite, so that they survive `kill -9`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from threading import Lock
from typing import Any, Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (kind, key)
)
"""

Record = dict[str, Any]


class Store:
    """Records by kind and key. Every change is one transaction; threads may share one store.

    Args:
        path: The SQLite file; its directory must exist. None keeps the records in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._scope = ""
        self._lock = Lock()
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_SCHEMA)

    def within(self, scope: str) -> Store:
        """The same records, seen as if those of this scope were all."""
        view = copy(self)
        view._scope = f"{self._scope}{scope}/"
        return view

    def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Write a record; one of the same kind and key is replaced and keeps its place in the order."""
        self._run(
            "INSERT INTO record (kind, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            self._scope + kind,
            key,
            json.dumps(value),
        )

    def get(self, kind: str, key: str) -> Record | None:
        """A record, or None."""
        rows = self._run("SELECT value FROM record WHERE kind = ? AND key = ?", self._scope + kind, key)
        return json.loads(rows[0][0]) if rows else None

    def keys(self, kind: str) -> list[str]:
        """The keys of a kind, the oldest record first."""
        rows = self._run("SELECT key FROM record WHERE kind = ? ORDER BY number", self._scope + kind)
        return [row[0] for row in rows]

    def values(self, kind: str) -> list[Record]:
        """The records of a kind, the oldest first."""
        rows = self._run("SELECT value FROM record WHERE kind = ? ORDER BY number", self._scope + kind)
        return [json.loads(row[0]) for row in rows]

    def delete(self, kind: str, key: str) -> bool:
        """Remove a record; whether there was one."""
        statement = "DELETE FROM record WHERE kind = ? AND key = ? RETURNING number"
        return bool(self._run(statement, self._scope + kind, key))

    def count(self, kind: str) -> int:
        """How many records a kind has."""
        return self._run("SELECT count(*) FROM record WHERE kind = ?", self._scope + kind)[0][0]

    def clear(self) -> None:
        """Remove everything of this scope."""
        self._run("DELETE FROM record WHERE kind GLOB ?", f"{self._scope}*")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()
