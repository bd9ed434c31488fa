"""Interval literals (language/types, functions/datetime): counts of milliseconds or of months."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from sqlglot import exp

from finks_local.sql.errors import QueryError
from finks_local.sql.types import DAY_SECOND, YEAR_MONTH
from finks_local.sql.value import Value, cast_sql

MILLIS_OF: Final = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}
_MONTHS_OF: Final = {"year": 12, "month": 1}
_FIELDS: Final = ("day", "hour", "minute", "second")


def interval_literal(node: exp.Interval) -> Value:
    """The value of `INTERVAL '2' DAY`, `INTERVAL '3 04:05' DAY TO MINUTE`, `INTERVAL '-1' YEAR`.

    Raises:
        QueryError: INVALID_LITERAL, SYNTAX_ERROR for a unit that Trino does not have.
    """
    amount = node.this
    sign = 1
    while isinstance(amount, exp.Neg):
        sign, amount = -sign, amount.this
    if not isinstance(amount, exp.Literal) or not amount.is_string:
        raise QueryError("SYNTAX_ERROR", "mismatched input after INTERVAL. Expecting: '+', '-', <string>")
    unit = node.args.get("unit")
    first, last = _units(unit)
    text = amount.this.strip()
    if text.startswith(("-", "+")):
        sign, text = (-sign if text[0] == "-" else sign), text[1:]
    if first in _MONTHS_OF:
        return Value(cast_sql(str(sign * _months(text, first, last)), "INTEGER"), YEAR_MONTH)
    return Value(cast_sql(str(sign * _millis(text, first, last)), "BIGINT"), DAY_SECOND)


def _units(unit: exp.Expr | None) -> tuple[str, str]:
    if isinstance(unit, exp.IntervalSpan):
        first, last = unit.this.name.lower(), unit.expression.name.lower()
    elif unit is not None:
        first = last = unit.name.lower()
    else:
        raise QueryError("SYNTAX_ERROR", "mismatched input after INTERVAL. Expecting: a unit")
    known = {*MILLIS_OF, *_MONTHS_OF}
    if first not in known or last not in known or (first in _MONTHS_OF) != (last in _MONTHS_OF):
        raise QueryError(
            "SYNTAX_ERROR", f"mismatched input '{first}'. Expecting: 'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'"
        )
    return first, last


def _months(text: str, first: str, last: str) -> int:
    if first != last:
        match = re.fullmatch(r"(\d+)-(\d+)", text)
        if match is None:
            raise QueryError("INVALID_LITERAL", f"Invalid INTERVAL YEAR TO MONTH value: {text}")
        return int(match[1]) * 12 + int(match[2])
    if not text.isdigit():
        raise QueryError("INVALID_LITERAL", f"Invalid INTERVAL {first.upper()} value: {text}")
    return int(text) * _MONTHS_OF[first]


def _millis(text: str, first: str, last: str) -> int:
    fields = _FIELDS[_FIELDS.index(first) : _FIELDS.index(last) + 1]
    numbers = re.split(r"[ :]", text)
    if len(numbers) != len(fields) or not all(re.fullmatch(r"\d+(\.\d+)?", number) for number in numbers):
        raise QueryError("INVALID_LITERAL", f"Invalid INTERVAL value: {text}")
    total = Decimal(0)
    for name, number in zip(fields, numbers, strict=True):
        if "." in number and name != "second":
            raise QueryError("INVALID_LITERAL", f"Invalid INTERVAL value: {text}")
        total += Decimal(number) * MILLIS_OF[name]
    return int(total)
