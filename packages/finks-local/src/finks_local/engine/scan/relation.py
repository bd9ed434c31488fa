"""What every scan comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from finks_local.engine.storage import LOCATION, MODIFIED, SIZE, name
from finks_local.sql.types import BIGINT, VARCHAR, Column, TrinoType, timestamp_tz

FILE: Final = "lake_file"
"""The column under which a scan knows its file."""

HIDDEN: Final = (
    (Column("$path", VARCHAR, hidden=True), LOCATION),
    (Column("$file_size", BIGINT, hidden=True), SIZE),
    (Column("$file_modified_time", timestamp_tz(3), hidden=True), f"cast({MODIFIED} as timestamptz)"),
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table's columns, and the DuckDB SELECT that gives its rows under those names."""

    columns: tuple[Column, ...]
    sql: str


def hidden_columns() -> tuple[Column, ...]:
    """The columns that tell of a row's file."""
    return tuple(column for column, _ in HIDDEN)


def nothing(columns: Sequence[Column]) -> str:
    """The SELECT of no rows."""
    return f"select {', '.join(null(column.name, column.type) for column in columns)} where false"


def null(column: str, kind: TrinoType) -> str:
    """A NULL of a type, named."""
    return f"cast(null as {kind.duckdb}) as {name(column)}"


def to_millis(expression: str) -> str:
    """A timestamp rounded as Trino rounds one to three digits."""
    return f"date_trunc('milliseconds', {expression} + interval 500 microseconds)"
