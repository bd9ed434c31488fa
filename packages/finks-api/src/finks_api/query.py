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
Operator = Literal["=", ">=", "<=", "in"]

_VERSION_ORDER: Final = ("_known_at", "_seq", "_retracted", "_row_hash")

KNOWN_AT: Final = "known_at"
"""What the API calls the column `_known_at` of a Silver table."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column.

    Attributes:
        value: Never null; for `in` the values, at least one.
    """

    column: str
    operator: Operator
    value: Value | tuple[Value, ...]


def between(column: str, start: date | None, end: date | None) -> tuple[Filter, ...]:
    """The filters of a range, both ends included."""
    first = (Filter(column, ">=", start),) if start is not None else ()
    last = (Filter(column, "<=", end),) if end is not None else ()
    return first + last


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
class Totals:
    """How many records of a Silver table are known, and the range of their times; one row.

    Attributes:
        table: `silver.<table>`.
        key: What makes a record unique.
        event_time: The column of the event time and its type; None without one.
        known_at: What was known then; what is known now when None.
    """

    table: str
    key: tuple[str, ...]
    event_time: tuple[str, pa.DataType] | None = None
    known_at: datetime | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns of the row and their types."""
        event = self.event_time[1] if self.event_time is not None else pa.date32()
        fields = [("records", pa.int64()), ("first", event), ("last", event), (KNOWN_AT, INSTANT)]
        return pa.schema(fields)


INSTANT: Final = pa.timestamp("us", tz="UTC")
Read = Query | Totals


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


def render(read: Read, relation: Callable[[str], str]) -> Statement:
    """The statement of a read.

    Args:
        read: What to read.
        relation: What the engine calls a table, pinned to its snapshot.
    """
    if isinstance(read, Totals):
        return _totals(read, relation(read.table))
    conditions = [_condition(each) for each in read.filters]
    after: list[_Condition] = [_after(read.key, read.after)] if read.after is not None else []
    if read.table.startswith("silver."):
        columns = [name for name in read.schema.names if name != KNOWN_AT]
        source, first = _newest(relation(read.table), read.key, [*columns, *read.key], conditions, read.known_at)
        where, second = _where([*_NEWEST, *after])
        parameters = first + second
    else:
        source = relation(read.table)
        where, parameters = _where([*conditions, *after])
    order = ", ".join(_name(name) for name in read.key)
    limit = f" limit {read.limit:d}" if read.limit is not None else ""
    shown = ", ".join(_name(name) for name in read.schema.names)
    return Statement(f"select {shown} from {source}{where} order by {order}{limit}", parameters, read.schema)  # noqa: S608


_Values = tuple[Value, ...]
_Condition = tuple[str, _Values]
_NEWEST: Final[tuple[_Condition, ...]] = (("_nth = 1", ()), ("not _retracted", ()))


def _condition(wanted: Filter) -> _Condition:
    if isinstance(wanted.value, tuple):
        return f"{_name(wanted.column)} in ({', '.join('?' for _ in wanted.value)})", wanted.value
    return f"{_name(wanted.column)} {wanted.operator} ?", (wanted.value,)


def _totals(read: Totals, relation: str) -> Statement:
    event = read.event_time[0] if read.event_time is not None else None
    source, parameters = _newest(relation, read.key, [event] if event else [], [], read.known_at)
    bounds = f"min({_name(event)}), max({_name(event)})" if event else "cast(null as date), cast(null as date)"
    where, _ = _where(_NEWEST)
    sql = f"select count(*), {bounds}, max({_name(KNOWN_AT)}) from {source}{where}"  # noqa: S608
    return Statement(sql, parameters, read.schema)


def _newest(
    relation: str,
    key: Sequence[str],
    columns: Sequence[str],
    conditions: Sequence[_Condition],
    known_at: datetime | None,
) -> _Condition:
    """The versions with their rank within their key, the newest first; as `finks.lake.reads` orders them."""
    bound: list[_Condition] = [('"_known_at" <= ?', (known_at,))] if known_at is not None else []
    wanted = ", ".join(_name(name) for name in dict.fromkeys([*columns, "_retracted"]))
    partition = ", ".join(_name(name) for name in key)
    order = ", ".join(f"{_name(name)} desc" for name in _VERSION_ORDER)
    rank = f"row_number() over (partition by {partition} order by {order}) as _nth"
    where, parameters = _where([*conditions, *bound])
    return f'(select {wanted}, "_known_at" as {KNOWN_AT}, {rank} from {relation}{where}) as versions', parameters  # noqa: S608


def _where(conditions: Sequence[_Condition]) -> _Condition:
    if not conditions:
        return "", ()
    text = " and ".join(text for text, _ in conditions)
    return f" where {text}", tuple(value for _, values in conditions for value in values)


def _after(key: Sequence[str], last: _Values) -> _Condition:
    """Later in the order of the key: `a > ? or (a = ? and b > ?)`."""

    def terms() -> Iterator[_Condition]:
        for depth, name in enumerate(key):
            equal = [f"{_name(before)} = ?" for before in key[:depth]]
            yield "(" + " and ".join([*equal, f"{_name(name)} > ?"]) + ")", last[: depth + 1]

    parts = list(terms())
    return f"({' or '.join(text for text, _ in parts)})", tuple(v for _, values in parts for v in values)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
