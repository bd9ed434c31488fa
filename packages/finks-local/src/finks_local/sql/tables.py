"""The tables that a query names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from finks_local.sql.types import Column
from finks_local.sql.value import name_literal


@dataclass(frozen=True, slots=True)
class TableRef:
    """A table as a query names it.

    Args:
        database: In lower case.
        name: In lower case, without a metadata suffix.
        version: The snapshot of `FOR VERSION AS OF`.
        at: The moment of `FOR TIMESTAMP AS OF`, with a zone.
        metadata: The suffix of `"name$snapshots"`.
    """

    database: str
    name: str
    version: int | None = None
    at: datetime | None = None
    metadata: str | None = None

    @property
    def relation(self) -> str:
        """The quoted two-part name under which DuckDB must have the table."""
        suffix = f"${self.metadata}" if self.metadata else ""
        if self.version is not None or self.at is not None:
            moment = f"{self.version} {self.at.isoformat() if self.at else ''}"
            suffix += "@" + hashlib.sha256(moment.encode()).hexdigest()[:12]
        return f"{name_literal(self.database)}.{name_literal(self.name + suffix)}"


class Resolver(Protocol):
    """Knows the columns of tables."""

    def columns(self, table: TableRef) -> Sequence[Column]:
        """The table's columns, hidden ones too.

        Raises:
            QueryError: TABLE_NOT_FOUND, SCHEMA_NOT_FOUND.
        """
        ...
