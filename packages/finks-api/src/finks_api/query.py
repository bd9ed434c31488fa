"""A read of one table, and the one SELECT that both engines run for it. Pure.

Callers never reach the text: names come from the records of the API, values go as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import pyarrow as pa

Value = str | date | datetime | Decimal | int | bool
Operator = Literal["=", ">=", "<="]

_VERSION_ORDER: Final = ("_known_at", "_seq", "_retracted", "_row_hash")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column.

    Attributes:
        value: Never null.
    """

    column: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of one table in the order of their key.

    Attributes:
        table: `gold.<mart>` or `silver.<table>`.
        schema: The columns wanted and their types.
        key: What makes a row unique; the order of the rows.
        filters: Every one of them holds.
        known_at: Of a Silver table, what was known then; what is known now when None.
        after: The key of the last row of the page before; None for the first page.
        limit: At most so many rows.
    """

    table: str
    schema: pa.Schema
    key: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    known_at: datetime | None = None
    after: tuple[Value, ...] | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What an engine is told.

    Attributes:
        sql: One SELECT that DuckDB and Athena read alike; each `?` is a parameter.
        parameters: Their values, in their order.
        schema: The columns of the result and their types.
    """

    sql: str
    parameters: tuple[Value, ...]
    schema: pa.Schema


def render(query: Query, relation: Callable[[str], str]) -> Statement:
    """The statement of a query.

    Args:
        query: What to read.
        relation: What the engine calls a table, pinned to its snapshot.
    """
    conditions = [(f"{_name(each.column)} {each.operator} ?", (each.value,)) for each in query.filters]
    after = [_after(query.key, query.after)] if query.after is not None else []
    if query.table.startswith("silver."):
        if query.known_at is not None:
            conditions.append((f"{_name('_known_at')} <= ?", (query.known_at,)))
        source, parameters = _newest(query, relation(query.table), conditions)
        where, more = _where([("_nth = 1", ()), ("not _retracted", ()), *after])
        parameters += more
    else:
        source = relation(query.table)
        where, parameters = _where([*conditions, *after])
    order = ", ".join(_name(name) for name in query.key)
    limit = f" limit {query.limit:d}" if query.limit is not None else ""
    columns = ", ".join(_name(name) for name in query.schema.names)
    return Statement(f"select {columns} from {source}{where} order by {order}{limit}", parameters, query.schema)  # noqa: S608


def _newest(query: Query, relation: str, conditions: Sequence[tuple[str, tuple[Value, ...]]]) -> tuple[str, _Values]:
    """The versions with their rank within their key, the newest first; as `finks.lake.reads` orders them."""
    wanted = dict.fromkeys([*query.schema.names, *query.key, "_retracted"])
    partition = ", ".join(_name(name) for name in query.key)
    order = ", ".join(f"{_name(name)} desc" for name in _VERSION_ORDER)
    rank = f"row_number() over (partition by {partition} order by {order}) as _nth"
    where, parameters = _where(conditions)
    columns = ", ".join(_name(name) for name in wanted)
    return f"(select {columns}, {rank} from {relation}{where}) as versions", parameters  # noqa: S608


_Values = tuple[Value, ...]


def _where(conditions: Sequence[tuple[str, _Values]]) -> tuple[str, _Values]:
    if not conditions:
        return "", ()
    text = " and ".join(text for text, _ in conditions)
    return f" where {text}", tuple(value for _, values in conditions for value in values)


def _after(key: Sequence[str], last: _Values) -> tuple[str, _Values]:
    """Later in the order of the key: `a > ? or (a = ? and b > ?)`."""

    def terms() -> Iterator[tuple[str, _Values]]:
        for depth, name in enumerate(key):
            equal = [f"{_name(before)} = ?" for before in key[:depth]]
            yield " and ".join([*equal, f"{_name(name)} > ?"]), last[: depth + 1]

    parts = list(terms())
    return "(" + " or ".join(f"({text})" for text, _ in parts) + ")", tuple(v for _, values in parts for v in values)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
