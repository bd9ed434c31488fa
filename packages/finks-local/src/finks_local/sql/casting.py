"""Explicit casts (functions/conversion): which Trino allows, and DuckDB SQL with the same values and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from finks_local.sql.coercion import APPROXIMATE, INTEGRAL, NUMERIC, coerce
from finks_local.sql.errors import QueryError
from finks_local.sql.json_sql import from_json, json_text
from finks_local.sql.types import UNKNOWN, UTC, TrinoType, timestamp_tz
from finks_local.sql.value import Value, cast_sql, text_literal
from finks_local.sql.valuetext import text_of
from finks_local.sql.zones import instant, local, zone_of, zoned_literal

_NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_WHOLE: Final = r"[+-]?[0-9]+"
_DOUBLE: Final = rf"\s*([+-]?(NaN|Infinity)|{_NUMBER}[dDfF]?)\s*"
_DATE: Final = r"\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*"
_TIMESTAMP: Final = r"[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?"
_TIME: Final = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?"


def cast(value: Value, target: TrinoType) -> Value:
    """`CAST(value AS target)`.

    Raises:
        QueryError: TYPE_MISMATCH: Trino has no such cast.
    """
    source = value.type
    if source == target:
        return value
    if source == UNKNOWN:
        return coerce(value, target) if target.base == "timestamp with time zone" else _null(target)
    sql = _cast(value, target)
    if sql is None:
        raise QueryError("TYPE_MISMATCH", f"Cannot cast {source.trino} to {target.trino}")
    return sql if isinstance(sql, Value) else Value(sql, target)


def _null(target: TrinoType) -> Value:
    return Value(cast_sql("NULL", target.duckdb), target)


def _cast(value: Value, target: TrinoType) -> str | Value | None:
    if target.base == "json":
        return json_text(value)
    if value.type.base == "json":
        return from_json(value.sql, target)
    converter = _CONVERTERS.get(target.base)
    return None if converter is None else converter(value, target)


def _gate(value: Value, pattern: str, converted: str, target: TrinoType, *, suffix: str = "") -> str:
    """Convert a text only when Trino's grammar for the type takes it."""
    message = f"'Cannot cast ''' || {value.sql} || ''' to {target.trino.upper()}{suffix}'"
    return (
        f"(CASE WHEN regexp_full_match({value.sql}, {text_literal(pattern)}) THEN {converted} "
        f"WHEN {value.sql} IS NOT NULL THEN "
        f"trino_fail('INVALID_CAST_ARGUMENT', {message})::VARCHAR::{target.duckdb} END)"
    )


def _to_varchar(value: Value, target: TrinoType) -> str | None:
    text = text_of(value)
    if text is None or target.length is None:
        return text
    if value.type.base in {"varchar", "char"}:
        short_enough = value.type.length is not None and value.type.length <= target.length
        return text if short_enough else f"left({text}, {target.length})"
    return f"trino_fitting({text}, {target.length})"


def _to_char(value: Value, target: TrinoType) -> str | None:
    if value.type.base not in {"varchar", "char"}:
        return None
    return f"rpad(rtrim(left({value.sql}, {target.length}), ' '), {target.length}, ' ')"


def _to_boolean(value: Value, _target: TrinoType) -> str | None:
    if value.type.base == "varchar":
        return f"trino_boolean({value.sql})"
    return f"({value.sql} <> 0)" if value.type.base in NUMERIC else None


def _to_integer(value: Value, target: TrinoType) -> str | None:
    match value.type.base:
        case "varchar":
            return _gate(value, _WHOLE, cast_sql(value.sql, target.duckdb), target)
        case base if base in APPROXIMATE:
            return cast_sql(f"round({value.sql})", target.duckdb)
        case base if base in INTEGRAL or base in {"decimal", "boolean"}:
            return cast_sql(value.sql, target.duckdb)
        case _:
            return None


def _to_approximate(value: Value, target: TrinoType) -> str | None:
    match value.type.base:
        case "varchar":
            return _gate(value, _DOUBLE, cast_sql(f"rtrim(trim({value.sql}), 'dDfF')", target.duckdb), target)
        case base if base in NUMERIC or base == "boolean":
            return cast_sql(value.sql, target.duckdb)
        case _:
            return None


def _to_decimal(value: Value, target: TrinoType) -> str | None:
    match value.type.base:
        case "varchar":
            return _gate(value, _NUMBER, cast_sql(value.sql, target.duckdb), target)
        case base if base in APPROXIMATE:
            return f"CAST(CAST({value.sql} AS VARCHAR) AS {target.duckdb})"
        case base if base in INTEGRAL or base in {"decimal", "boolean"}:
            return cast_sql(value.sql, target.duckdb)
        case _:
            return None


def _to_temporal(value: Value, target: TrinoType) -> str | None:
    source = value.type.base
    if source in {"varchar", "char"}:
        pattern = {"date": _DATE, "timestamp": _TIMESTAMP, "time": _TIME}[target.base]
        converted = cast_sql(f"trim({value.sql})", target.duckdb)
        if target.base == "timestamp":
            converted = f"trino_timestamp({value.sql})"
        return _gate(value, pattern, _rounded(converted, 6, target), target)
    if source == "timestamp with time zone":
        return _to_temporal(Value(local(value), TrinoType("timestamp", value.type.params)), target)
    allowed = {"date": {"timestamp"}, "timestamp": {"date", "timestamp", "time"}, "time": {"timestamp", "time"}}
    if source not in allowed[target.base] | {target.base} or (source, target.base) == ("time", "timestamp"):
        return None
    digits = value.type.precision if value.type.params else 0
    return _rounded(cast_sql(value.sql, target.duckdb), digits, target)


def _rounded(sql: str, digits: int, target: TrinoType) -> str:
    if target.base != "timestamp" or target.precision >= digits:
        return sql
    return f"trino_round_timestamp({sql}, {10 ** (6 - target.precision)})"


def _to_zoned(value: Value, target: TrinoType) -> Value | None:
    digits = target.precision
    match value.type.base:
        case "varchar" if isinstance(value.constant, str):
            return zoned_literal(value.constant, digits)
        case "varchar":
            return Value(f"trino_parse_zoned({value.sql}, {digits})", timestamp_tz(digits, None))
        case "timestamp" | "date":
            return Value(
                cast_sql(_rounded(value.sql, 6, TrinoType("timestamp", (digits,))), "TIMESTAMPTZ"),
                timestamp_tz(digits, UTC),
            )
        case "timestamp with time zone":
            if value.type.precision <= digits:
                return value.typed(timestamp_tz(digits, value.type.zone))
            rounded = f"trino_round_instant({instant(value)}, {10 ** (6 - digits)})"
            zone = value.type.zone
            packed = rounded if zone else f"{{'t': {rounded}, 'z': {zone_of(value)}}}"
            return Value(packed, timestamp_tz(digits, zone))
        case _:
            return None


def _to_nested(value: Value, target: TrinoType) -> str | None:
    source = value.type
    if source.base != target.base or len(source.args) != len(target.args):
        return None
    if source.duckdb == target.duckdb and source.base != "row":
        inner = [cast(Value("e", one), two).sql for one, two in zip(source.args, target.args, strict=True)]
        if all(sql == "e" for sql in inner):
            return value.sql
    match source.base:
        case "array":
            return f"list_transform({value.sql}, lambda e: {cast(Value('e', source.element), target.element).sql})"
        case "map":
            key = cast(Value("e.key", source.args[0]), target.args[0]).sql
            item = cast(Value("e.value", source.args[1]), target.args[1]).sql
            entries = f"list_transform(map_entries({value.sql}), lambda e: {{'key': {key}, 'value': {item}}})"
            return f"map_from_entries({entries})"
        case _:
            return _to_row(value, target)


def _to_row(value: Value, target: TrinoType) -> str:
    fields: list[str] = []
    pairs = zip(value.type.named_fields, target.named_fields, strict=True)
    for (name, kind), (new_name, new_kind) in pairs:
        field = Value(f"struct_extract({value.sql}, {text_literal(name)})", kind)
        fields.append(f"{text_literal(new_name)}: {cast(field, new_kind).sql}")
    return f"(CASE WHEN {value.sql} IS NOT NULL THEN {{{', '.join(fields)}}} END)"


def _to_bytes(value: Value, _target: TrinoType) -> str | None:
    return f"encode({value.sql})" if value.type.base == "varchar" else None


def _to_uuid(value: Value, _target: TrinoType) -> str | None:
    return f"trino_uuid({value.sql})" if value.type.base == "varchar" else None


_CONVERTERS: Final[dict[str, Callable[[Value, TrinoType], str | Value | None]]] = {
    "varchar": _to_varchar,
    "char": _to_char,
    "boolean": _to_boolean,
    **dict.fromkeys(INTEGRAL, _to_integer),
    **dict.fromkeys(APPROXIMATE, _to_approximate),
    "decimal": _to_decimal,
    **dict.fromkeys(("date", "timestamp", "time"), _to_temporal),
    "timestamp with time zone": _to_zoned,
    "varbinary": _to_bytes,
    **dict.fromkeys(("array", "map", "row"), _to_nested),
    "uuid": _to_uuid,
}
