"""Results made to fit the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

from finks_local.engine.storage import name
from finks_local.sql.coercion import coerce, converts
from finks_local.sql.errors import QueryError
from finks_local.sql.types import UNKNOWN, Column, TrinoType
from finks_local.sql.value import Value


def numbered(sql: str, count: int) -> str:
    """A query as a FROM item whose columns are `c0`, `c1`...: results may repeat a name."""
    return f"({sql}) as r({', '.join(f'c{i}' for i in range(count))})"


def fitted(position: int, source: TrinoType, target: TrinoType) -> str:
    """The column at a position of a numbered query as the type that is stored."""
    value = coerce(Value(f"c{position}", source), target)
    # A timestamp with time zone is stored as its instant.
    varying = value.type.base == "timestamp with time zone" and value.type.zone is None
    return f"{value.sql}.t" if varying else value.sql


def check_insert(query: Sequence[Column], table: Sequence[Column]) -> None:
    """Whether a query's columns may be inserted into these.

    Raises:
        QueryError: TYPE_MISMATCH, in Trino's words.
    """
    pairs = zip(query, table, strict=False)
    if len(query) != len(table) or not all(converts(one.type, other.type) for one, other in pairs):
        told = [", ".join(column.type.trino for column in columns) for columns in (table, query)]
        message = f"Insert query has mismatched column types: Table: [{told[0]}], Query: [{told[1]}]"
        raise QueryError("TYPE_MISMATCH", message)


def insert_select(sql: str, query: Sequence[Column], table: Sequence[Column], named: Sequence[str] | None) -> str:
    """DuckDB's SELECT of a table's columns from a query's.

    Args:
        named: The columns that the statement lists; the others become NULL.

    Raises:
        QueryError: TYPE_MISMATCH, COLUMN_NOT_FOUND, DUPLICATE_COLUMN_NAME.
    """
    known = {column.name: column for column in table}
    names = list(named) if named is not None else list(known)
    for one in names:
        if one not in known:
            raise QueryError("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {one}")
        if names.count(one) > 1:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Insert column name is specified more than once: {one}")
    check_insert(query, [known[one] for one in names])
    values = [
        fitted(names.index(column.name), query[names.index(column.name)].type, column.type)
        if column.name in names
        else f"cast(null as {column.type.duckdb})"
        for column in table
    ]
    selected = ", ".join(f"{value} as {name(column.name)}" for value, column in zip(values, table, strict=True))
    return f"select {selected} from {numbered(sql, len(query))}"  # noqa: S608


def created_columns(columns: Sequence[Column]) -> list[Column]:
    """The columns of a table made from a query.

    Raises:
        QueryError: MISSING_COLUMN_NAME, DUPLICATE_COLUMN_NAME, COLUMN_TYPE_UNKNOWN.
    """
    names: set[str] = set()
    for position, column in enumerate(columns):
        if not column.name or column.name == f"_col{position}":
            raise QueryError("MISSING_COLUMN_NAME", f"Column name not specified at position {position + 1}")
        if column.name.lower() in names:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Column name '{column.name}' specified more than once")
        if column.type == UNKNOWN:
            raise QueryError("COLUMN_TYPE_UNKNOWN", f"Column type is unknown at position {position + 1}: {column.name}")
        names.add(column.name.lower())
    return [Column(column.name.lower(), column.type) for column in columns]
