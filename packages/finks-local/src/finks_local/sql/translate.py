"""A Trino query as DuckDB SQL with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from finks_local.sql.errors import QueryError
from finks_local.sql.query import Statement
from finks_local.sql.tables import Resolver, TableRef
from finks_local.sql.types import UNKNOWN, Column
from finks_local.sql.value import cast_sql, name_literal


@dataclass(frozen=True, slots=True)
class Session:
    """What a query takes from outside its text; its time zone is always UTC.

    Args:
        database: For tables without one.
        now: The time of the query, with a zone.
    """

    database: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Translation:
    """A query for DuckDB.

    Args:
        sql: To run by a `Runtime` whose connection has the tables under `TableRef.relation`.
        columns: Names and types of the result, in order; DuckDB's own names of them are unique.
        tables: The tables that it reads, each once.
    """

    sql: str
    columns: tuple[Column, ...]
    tables: tuple[TableRef, ...]


def translate(query: exp.Expr, resolver: Resolver, session: Session) -> Translation:
    """Translate SELECT, VALUES, WITH and set operations.

    Args:
        query: From `parse`, or composed of its parts.
        resolver: Knows the tables' columns.
        session: Database and time.

    Raises:
        QueryError: What Athena would say of the query; NOT_SUPPORTED for what it could do and this cannot.
    """
    if not isinstance(query, exp.Query | exp.Values):
        raise QueryError("NOT_SUPPORTED", f"Not a query: {type(query).__name__}")
    statement = Statement(resolver, session.database.lower(), session.now.astimezone(UTC))
    result = statement.query(query, None)
    columns: list[Column] = []
    outputs: list[str] = []
    names = _unique([field.name or f"_col{i}" for i, field in enumerate(result.fields)])
    for index, (field, name) in enumerate(zip(result.fields, names, strict=True)):
        columns.append(Column(field.name or f"_col{index}", field.type))
        inner = f"q.{name_literal(field.physical)}"
        sql = inner if field.type == UNKNOWN else cast_sql(inner, field.type.duckdb)
        outputs.append(f"{sql} AS {name_literal(name)}")
    sql = f"SELECT {', '.join(outputs)} FROM ({result.sql}) AS q"  # noqa: S608
    return Translation(sql, tuple(columns), tuple(statement.tables))


def _unique(names: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, count = name, 1
        while candidate.lower() in seen:
            candidate, count = f"{name}_{count}", count + 1
        seen.add(candidate.lower())
        result.append(candidate)
    return result


__all__ = ["Resolver", "Session", "TableRef", "Translation", "translate"]
