"""Trino's implicit conversions (language/types, and `TypeCoercion` in Trino): which exist, and their SQL."""

from __future__ import annotations

from typing import Final

from finks_local.sql.types import (
    INTEGERS,
    MAX_PRECISION,
    UNKNOWN,
    UTC,
    TrinoType,
    decimal,
    row,
    timestamp,
    timestamp_tz,
    varchar,
)
from finks_local.sql.value import Value, cast_sql, text_literal

_DIGITS: Final = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_ORDER: Final = (*INTEGERS, "decimal", "real", "double")

INTEGRAL: Final = frozenset(INTEGERS)
APPROXIMATE: Final = frozenset({"real", "double"})
NUMERIC: Final = INTEGRAL | APPROXIMATE | {"decimal"}


def as_decimal(kind: TrinoType) -> TrinoType:
    """The decimal that holds every value of an integer type."""
    return kind if kind.base == "decimal" else decimal(_DIGITS[kind.base], 0)


def common_type(left: TrinoType, right: TrinoType) -> TrinoType | None:
    """The least type to which both convert by themselves; None when there is none."""
    if left == right:
        return left
    if left == UNKNOWN or right == UNKNOWN:
        return right if left == UNKNOWN else left
    if left.base in NUMERIC and right.base in NUMERIC:
        return _common_number(left, right)
    if left.base in {"varchar", "char"} and right.base in {"varchar", "char"}:
        return _common_text(left, right)
    if left.base in _INSTANTS and right.base in _INSTANTS:
        return _common_instant(left, right)
    if left.base == right.base and len(left.args) == len(right.args) and left.args:
        return _common_nested(left, right)
    if left.base == right.base == "time":
        return left if left.precision >= right.precision else right
    return None


_INSTANTS: Final = ("date", "timestamp", "timestamp with time zone")


def _common_number(left: TrinoType, right: TrinoType) -> TrinoType:
    if left.base == right.base != "decimal":
        return left
    wider = max(left, right, key=lambda kind: _ORDER.index(kind.base))
    if wider.base != "decimal":
        return wider
    one, two = as_decimal(left), as_decimal(right)
    scale = max(one.scale, two.scale)
    whole = max(one.precision - one.scale, two.precision - two.scale)
    return decimal(min(MAX_PRECISION, whole + scale), scale)


def _common_text(left: TrinoType, right: TrinoType) -> TrinoType | None:
    if left.base != right.base:
        return None
    if left.base == "char":
        return left if (left.length or 0) >= (right.length or 0) else right
    if left.length is None or right.length is None:
        return varchar(None)
    return varchar(max(left.length, right.length))


def _common_instant(left: TrinoType, right: TrinoType) -> TrinoType:
    wider = max(left, right, key=lambda kind: _INSTANTS.index(kind.base))
    digits = max(kind.precision for kind in (left, right) if kind.base != "date")
    if wider.base == "timestamp":
        return timestamp(digits)
    zones = {kind.zone if kind.base == "timestamp with time zone" else UTC for kind in (left, right)}
    return timestamp_tz(digits, zones.pop() if len(zones) == 1 else None)


def _common_nested(left: TrinoType, right: TrinoType) -> TrinoType | None:
    args = [common_type(one, two) for one, two in zip(left.args, right.args, strict=True)]
    found = [kind for kind in args if kind is not None]
    if len(found) < len(args):
        return None
    if left.base != "row":
        return TrinoType(left.base, args=tuple(found))
    names = [one if one == two else None for one, two in zip(left.names, right.names, strict=True)]
    return row(list(zip(names, found, strict=True)))


def converts(source: TrinoType, target: TrinoType) -> bool:
    """Whether Trino converts `source` to `target` by itself."""
    if source.base == "char" and target.base == "varchar":
        return True
    common = common_type(source, target)
    if common is None:
        return False
    return common == target or (common.base == "row" == target.base and common.args == target.args)


def coerce(value: Value, target: TrinoType) -> Value:
    """The value as `target`, to which its type converts by itself.

    Only widening conversions come here: none of them can change a value.
    """
    source = value.type
    if source == target:
        return value
    if target.base == "timestamp with time zone":
        return _coerce_zoned(value, target)
    if source.base == target.base == "char":
        return Value(f"rpad({value.sql}, {target.length}, ' ')", target)
    if source.duckdb != target.duckdb:
        return Value(_cast(value.sql, source, target), target)
    return value.typed(target)


def _cast(sql: str, source: TrinoType, target: TrinoType) -> str:
    """Nested types hold zoned timestamps of varying zones only through a lambda; DuckDB casts the others itself."""
    if source.base == "array" and target.base == "array" and _zoned(target):
        inner = coerce(Value("e", source.element), target.element)
        return f"list_transform({sql}, lambda e: {inner.sql})"
    return cast_sql(sql, target.duckdb)


def _zoned(kind: TrinoType) -> bool:
    return kind.base == "timestamp with time zone" or any(_zoned(arg) for arg in kind.args)


def _coerce_zoned(value: Value, target: TrinoType) -> Value:
    source = value.type
    if source == UNKNOWN:
        return Value(cast_sql("NULL", target.duckdb), target)
    if source.base != "timestamp with time zone":
        instant = cast_sql(value.sql, "TIMESTAMPTZ")
        value = Value(instant, timestamp_tz(target.precision, UTC))
    if target.zone is not None or value.type.zone is None:
        return value.typed(target)
    packed = f"CASE WHEN {value.sql} IS NOT NULL THEN {{'t': {value.sql}, 'z': {text_literal(value.type.zone)}}} END"
    return Value(f"({packed})", target)
