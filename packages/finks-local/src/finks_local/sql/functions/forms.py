"""Syntax that computes like a function: subscripts, LIKE, IN, quantified comparisons, TRY, AT TIME ZONE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from finks_local.sql.coercion import INTEGRAL, coerce, common_type
from finks_local.sql.errors import QueryError
from finks_local.sql.operators import compare, compare_sql, sort_key
from finks_local.sql.types import BIGINT, BOOLEAN, DAY_SECOND, UTC, VARCHAR, TrinoType, timestamp_tz
from finks_local.sql.value import Value, cast_sql, unsupported
from finks_local.sql.zones import canonical_zone, instant

_APPROXIMATE: Final = {"real", "double"}


def subscript(base: Value, index: Value) -> Value:
    """`base[index]`: a missing element or key is an error; fields of a row are counted from 1.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    kind = base.type
    if kind.base == "array" and index.type.base in INTEGRAL:
        return Value(f"trino_subscript({base.sql}, {coerce(index, BIGINT).sql})", kind.element)
    if kind.base == "map" and _is_key(index, kind.args[0]):
        key = Value(cast_sql(index.sql, kind.args[0].duckdb), kind.args[0])
        shown = f"CAST({key.sql} AS VARCHAR)"
        return Value(f"trino_map_subscript({base.sql}, {key.sql}, {shown})", kind.args[1])
    if kind.base == "row" and isinstance(index.constant, int) and 1 <= index.constant <= len(kind.args):
        name, field = kind.named_fields[index.constant - 1]
        return Value(f"struct_extract({base.sql}, '{name.replace(chr(39), chr(39) * 2)}')", field)
    raise QueryError("TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {kind}")


def _is_key(index: Value, key: TrinoType) -> bool:
    """Whether a value can be looked up: a longer text than the keys' type has is a key that is not there."""
    common = common_type(key, index.type)
    return common is not None and common.base == key.base and common.duckdb == key.duckdb


def like(value: Value, pattern: Value, escape: Value | None) -> Value:
    """`value LIKE pattern [ESCAPE escape]`.

    Raises:
        QueryError: TYPE_MISMATCH, INVALID_FUNCTION_ARGUMENT for a bad escape.
    """
    for part in (value, pattern, *([escape] if escape else [])):
        if part.type.base not in {"varchar", "char", "unknown"}:
            raise QueryError(
                "TYPE_MISMATCH", f"Left side of LIKE expression must evaluate to a varchar (actual: {part.type})"
            )
    text, wanted = coerce(value, VARCHAR).sql, coerce(pattern, VARCHAR).sql
    if escape is None:
        return Value(f"({text} LIKE {wanted})", BOOLEAN)
    mark = escape.constant
    if isinstance(mark, str) and len(mark) != 1:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
    if isinstance(mark, str) and isinstance(pattern.constant, str):
        _check_escapes(pattern.constant, mark)
    return Value(f"({text} LIKE {wanted} ESCAPE {coerce(escape, VARCHAR).sql})", BOOLEAN)


def _check_escapes(pattern: str, mark: str) -> None:
    index = 0
    while index < len(pattern):
        if pattern[index] == mark:
            if pattern[index + 1 : index + 2] not in ("%", "_", mark) or index + 1 == len(pattern):
                message = "Escape character must be followed by '%', '_' or the escape character itself"
                raise QueryError("INVALID_FUNCTION_ARGUMENT", message)
            index += 1
        index += 1


def in_list(value: Value, items: Sequence[Value]) -> Value:
    """`value IN (items)`, all of one type."""
    kind = value.type
    if kind.base in _APPROXIMATE or kind.args:
        terms = " OR ".join(compare_sql("=", value, item) for item in items)
        return Value(f"({terms})", BOOLEAN)
    return Value(f"({sort_key(value)} IN ({', '.join(sort_key(item) for item in items)}))", BOOLEAN)


def in_subquery(value: Value, sql: str, types: Sequence[TrinoType]) -> Value:
    """`value IN (subquery)`; a row is compared with several columns.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    if len(types) > 1 or value.type.args:
        raise unsupported("IN with a subquery of rows or nested values")
    kind = common_type(value.type, types[0])
    if kind is None:
        raise QueryError(
            "TYPE_MISMATCH",
            f"value and result of subquery must be of the same type for IN expression: {value.type} vs {types[0]}",
        )
    inner = coerce(Value("v.c1", types[0]), kind)
    return Value(f"({sort_key(coerce(value, kind))} IN (SELECT {sort_key(inner)} FROM {sql} AS v(c1)))", BOOLEAN)  # noqa: S608


def quantified(operator: str, value: Value, sql: str, kind: TrinoType, *, every: bool) -> Value:
    """`value operator ALL|ANY|SOME (subquery)`."""
    wanted = common_type(value.type, kind)
    if wanted is None or wanted.args:
        raise QueryError("TYPE_MISMATCH", f"Cannot apply operator: {value.type} {operator} {kind}")
    compared = compare(operator, coerce(value, wanted), coerce(Value("v.c1", kind), wanted)).sql
    if every:
        parts = "CASE WHEN bool_or(c IS FALSE) THEN FALSE WHEN bool_or(c IS NULL) THEN NULL ELSE TRUE END"
    else:
        parts = "CASE WHEN bool_or(c IS TRUE) THEN TRUE WHEN bool_or(c IS NULL) THEN NULL ELSE FALSE END"
    return Value(f"(SELECT {parts} FROM (SELECT {compared} AS c FROM {sql} AS v(c1)))", BOOLEAN)  # noqa: S608


def attempt(value: Value) -> Value:
    """`try(value)`."""
    return Value(f"TRY({value.sql})", value.type)


def at_time_zone(value: Value, zone: Value) -> Value:
    """The same instant in another zone; a timestamp without zone is read in UTC, the session's zone.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    if value.type.base not in {"timestamp", "timestamp with time zone"}:
        raise QueryError(
            "TYPE_MISMATCH",
            f"Type of value must be a time or timestamp with or without time zone (actual {value.type})",
        )
    if value.type.base == "timestamp":
        value = coerce(value, timestamp_tz(value.type.precision, UTC))
    if zone.type == DAY_SECOND:
        raise unsupported("AT TIME ZONE with an interval")
    if zone.type.base not in {"varchar", "unknown"}:
        raise QueryError("TYPE_MISMATCH", f"Cannot use {zone.type} as a time zone")
    digits = value.type.precision
    if isinstance(zone.constant, str):
        return Value(instant(value), timestamp_tz(digits, canonical_zone(zone.constant)))
    packed = f"{{'t': {instant(value)}, 'z': trino_zone({zone.sql})}}"
    missing = f"{value.sql} IS NULL OR {zone.sql} IS NULL"
    return Value(f"(CASE WHEN {missing} THEN NULL ELSE {packed} END)", timestamp_tz(digits, None))
