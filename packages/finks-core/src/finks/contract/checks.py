"""Rules across the fields of one record: the tree of a closed expression language, and its two readers.

`to_polars` reads the tree for whole columns, `holds` for one record. Both use three-valued logic: an
operand that is absent makes its comparison unknown, and a rule that is not plainly false passes.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from functools import reduce
from typing import Any, cast

import polars as pl

from finks.contract.spec import Kind
from finks.errors import InvariantError

EXACT = Context(prec=200)
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: EXACT.add,
    ast.Sub: EXACT.subtract,
    ast.Mult: EXACT.multiply,
}


@dataclass(frozen=True, slots=True)
class Name:
    """A field of the record."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: Decimal, float, str, bool, date or aware datetime."""

    value: Decimal | float | str | bool | date | datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Exact `+ - *` on decimals and integers."""

    operation: type[ast.operator]
    left: Node
    right: Node
    kind: Kind = Kind.DECIMAL


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison."""

    operation: type[ast.cmpop]
    left: Node
    right: Node
    kind: Kind = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Absent:
    """`is None`, or `is not None` when negated."""

    operand: Node
    negated: bool
    kind: Kind = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Every:
    """All parts (`and`), or any of them (`or`)."""

    parts: tuple[Node, ...]
    any_of: bool
    kind: Kind = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    operand: Node
    kind: Kind = Kind.BOOLEAN


Node = Name | Literal | Arithmetic | Compare | Absent | Every | Not


def names(node: Node) -> set[str]:
    """The fields that a check reads."""
    match node:
        case Name(name=name):
            return {name}
        case Literal():
            return set()
        case Arithmetic(left=left, right=right) | Compare(left=left, right=right):
            return names(left) | names(right)
        case Absent(operand=operand) | Not(operand=operand):
            return names(operand)
        case Every(parts=parts):
            return set().union(*(names(part) for part in parts))


def has_arithmetic(node: Node) -> bool:
    """Whether a check computes; polars rounds or overflows there, so such a check runs record by record."""
    match node:
        case Arithmetic():
            return True
        case Compare(left=left, right=right):
            return has_arithmetic(left) or has_arithmetic(right)
        case Absent(operand=operand) | Not(operand=operand):
            return has_arithmetic(operand)
        case Every(parts=parts):
            return any(has_arithmetic(part) for part in parts)
        case Name() | Literal():
            return False


def to_polars(node: Node) -> pl.Expr:
    """The check as a Boolean polars expression, null where unknown. Not for checks with arithmetic."""
    match node:
        case Name(name=name, kind=kind):
            # Integers join decimals as decimals: polars would compare the two as floats.
            return pl.col(name).cast(pl.Decimal(38, 0)) if kind is Kind.INTEGER else pl.col(name)
        case Literal(value=value):
            return pl.lit(value)
        case Compare(operation=operation, left=left, right=right):
            return _apply(operation, to_polars(left), to_polars(right))
        case Absent(operand=operand, negated=negated):
            inner = to_polars(operand)
            return inner.is_not_null() if negated else inner.is_null()
        case Every(parts=parts, any_of=any_of):
            return reduce(operator.or_ if any_of else operator.and_, [to_polars(part) for part in parts])
        case Not(operand=operand):
            return ~to_polars(operand)
        case Arithmetic():
            raise InvariantError("a check with arithmetic has no column form", where="finks.contract.checks")


def _apply(operation: type[ast.cmpop], left: pl.Expr, right: pl.Expr) -> pl.Expr:
    # The operators are polars' own overloads; the table is typed for plain objects.
    return cast("pl.Expr", COMPARE[operation](left, right))


def holds(node: Node, record: Mapping[str, object]) -> bool | None:
    """The check on one record of Python values: true, false, or None where unknown."""
    return cast("bool | None", _value(node, record))


def _value(node: Node, record: Mapping[str, object]) -> object:
    match node:
        case Name(name=name, kind=kind):
            value = record[name]
            return Decimal(value) if kind is Kind.INTEGER and isinstance(value, int) else value
        case Literal(value=value):
            return value
        case Arithmetic(operation=operation, left=left, right=right):
            a, b = _value(left, record), _value(right, record)
            return ARITHMETIC[operation](a, b) if isinstance(a, Decimal) and isinstance(b, Decimal) else None
        case Compare(operation=operation, left=left, right=right):
            a, b = _value(left, record), _value(right, record)
            return None if a is None or b is None else COMPARE[operation](a, b)
        case Absent(operand=operand, negated=negated):
            return (_value(operand, record) is None) != negated
        case Every(parts=parts, any_of=any_of):
            return _every([_value(part, record) for part in parts], any_of)
        case Not(operand=operand):
            inner = _value(operand, record)
            return None if inner is None else not inner


def _every(values: list[object], any_of: bool) -> bool | None:
    """Kleene's `and` and `or`: the deciding value wins over an unknown one."""
    if any_of in values:
        return any_of
    return None if None in values else not any_of
