"""Small builders of Iceberg row filters from Python values."""

# pyright: reportCallIssue=false
# pyiceberg's expressions are pydantic models whose positional arguments type checkers do not see.

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    In,
    LessThanOrEqual,
    NotNull,
)

Value = str | bool | int | float | Decimal | date | datetime


def literal(value: Value) -> bool | int | float | str | Decimal:
    """The form in which pyiceberg takes a date or an aware datetime."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.replace(tzinfo=UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def equal(column: str, value: Value) -> BooleanExpression:
    """`column = value`."""
    return EqualTo(column, literal(value))


def present(column: str) -> BooleanExpression:
    """`column` is not null."""
    return NotNull(column)


def at_least(column: str, value: Value) -> BooleanExpression:
    """`column >= value`."""
    return GreaterThanOrEqual(column, literal(value))


def at_most(column: str, value: Value) -> BooleanExpression:
    """`column <= value`."""
    return LessThanOrEqual(column, literal(value))


def one_of(column: str, values: Iterable[Value | None]) -> BooleanExpression:
    """`column` is one of the values; nulls among them are left out."""
    return In(column, {literal(value) for value in values if value is not None})


def all_of(*terms: BooleanExpression) -> BooleanExpression:
    """Every term holds; true without terms."""
    result: BooleanExpression = AlwaysTrue()
    for term in terms:
        result = And(result, term)
    return result
