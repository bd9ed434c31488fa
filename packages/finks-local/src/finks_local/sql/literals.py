"""Literals: text, numbers, typed literals, rows, and the query's time (language/types)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlglot import exp

from finks_local.sql.casting import cast
from finks_local.sql.errors import QueryError
from finks_local.sql.types import BIGINT, DATE, DOUBLE, INTEGER, UTC, TrinoType, decimal, row, timestamp_tz, varchar
from finks_local.sql.value import Value, cast_sql, text_literal

_BIGINT_MAX: Final = 2**63 - 1
_INTEGER_MAX: Final = 2**31 - 1


def now_value(now: datetime, digits: int) -> Value:
    """The query's time with that many digits after the second."""
    unit = 10 ** (6 - digits)
    cut = now.replace(microsecond=now.microsecond // unit * unit)
    return Value(f"TIMESTAMPTZ '{cut:%Y-%m-%d %H:%M:%S.%f}+00'", timestamp_tz(digits, UTC))


def millis_text(now: datetime) -> str:
    """A moment to the millisecond, without its zone."""
    return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"


def typed_literal(text: str, target: TrinoType, node: exp.DataType) -> Value:
    """`DECIMAL '1.50'`, `DATE '2020-01-31'` and the like.

    Raises:
        QueryError: INVALID_LITERAL.
    """
    if target.base == "decimal" and not node.expressions:
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text):
            raise QueryError("INVALID_LITERAL", f"'{text}' is not a valid decimal literal")
        whole, _, fraction = text.lstrip("+-").partition(".")
        target = decimal(max(1, len(whole) + len(fraction)), len(fraction))
    if target.base == "date":
        return Value(f"DATE '{_day(text):%Y-%m-%d}'", DATE)
    return cast(text_value(text), target)


def _day(text: str) -> date:
    match = re.fullmatch(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*", text)
    try:
        if match is not None:
            return date(*map(int, match.groups()))
    except ValueError:
        pass
    raise QueryError("INVALID_LITERAL", f"'{text}' is not a valid date literal")


def text_value(text: str) -> Value:
    """A text literal: varchar of its length."""
    return Value(text_literal(text), varchar(len(text)), text)


def number_value(text: str) -> Value:
    """A numeric literal: integer, bigint, decimal or double by its form (language/types)."""
    if re.search(r"[eE]", text):
        return Value(cast_sql(text_literal(text), "DOUBLE"), DOUBLE, Decimal(text))
    if "." not in text:
        number = int(text)
        if -_INTEGER_MAX - 1 <= number <= _INTEGER_MAX:
            return Value(str(number) if number >= 0 else f"({number})", INTEGER, number)
        if -_BIGINT_MAX - 1 <= number <= _BIGINT_MAX:
            return Value(cast_sql(str(number), "BIGINT"), BIGINT, number)
        raise QueryError("INVALID_LITERAL", f"Invalid numeric literal: {text}")
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    precision = max(1, len(whole) + len(fraction))
    if precision > 38:
        raise QueryError("INVALID_LITERAL", f"Invalid decimal literal: {text}")
    kind = decimal(precision, len(fraction))
    number = f"{sign}{whole or '0'}.{fraction}".rstrip(".")
    return Value(cast_sql(text_literal(number), kind.duckdb), kind, Decimal(number))


def row_value(values: Sequence[Value]) -> Value:
    """A row of nameless fields."""
    fields = ", ".join(f"'field{i}': {value.sql}" for i, value in enumerate(values))
    return Value(f"{{{fields}}}", row([(None, value.type) for value in values]))
