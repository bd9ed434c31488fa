"""What the endpoint remembers: small JSON records by kind and key, in SQLite, so that they survive `kill -9`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
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
        self._lock = Lock()
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_SCHEMA)

    def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Write a record; one of the same kind and key is replaced and keeps its place in the order."""
        self._run(
            "INSERT INTO record (kind, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            kind,
            key,
            json.dumps(value),
        )

    def get(self, kind: str, key: str) -> Record | None:
        """A record, or None."""
        rows = self._run("SELECT value FROM record WHERE kind = ? AND key = ?", kind, key)
        return json.loads(rows[0][0]) if rows else None

    def keys(self, kind: str) -> list[str]:
        """The keys of a kind, the oldest record first."""
        return [row[0] for row in self._run("SELECT key FROM record WHERE kind = ? ORDER BY number", kind)]

    def values(self, kind: str) -> list[Record]:
        """The records of a kind, the oldest first."""
        rows = self._run("SELECT value FROM record WHERE kind = ? ORDER BY number", kind)
        return [json.loads(row[0]) for row in rows]

    def delete(self, kind: str, key: str) -> bool:
        """Remove a record; whether there was one."""
        return bool(self._run("DELETE FROM record WHERE kind = ? AND key = ? RETURNING number", kind, key))

    def count(self, kind: str) -> int:
        """How many records a kind has."""
        return self._run("SELECT count(*) FROM record WHERE kind = ?", kind)[0][0]

    def clear(self) -> None:
        """Remove everything."""
        self._run("DELETE FROM record")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()
