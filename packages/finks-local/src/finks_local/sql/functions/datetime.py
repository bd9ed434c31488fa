"""Date and time functions (functions/datetime). The session's zone is UTC."""

from __future__ import annotations

from typing import Final

from finks_local.sql.casting import cast
from finks_local.sql.coercion import INTEGRAL, NUMERIC, coerce, common_type
from finks_local.sql.dateformats import joda, mysql, print_sql
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.forms import at_time_zone
from finks_local.sql.functions.registry import Call, Family
from finks_local.sql.iso8601 import iso_instant
from finks_local.sql.literals import now_value
from finks_local.sql.operators import rezoned, shift_zoned, zone_sql
from finks_local.sql.types import (
    BIGINT,
    DATE,
    DAY_SECOND,
    DOUBLE,
    TIMESTAMP,
    UTC,
    VARCHAR,
    YEAR_MONTH,
    TrinoType,
    timestamp,
    timestamp_tz,
)
from finks_local.sql.value import Value, cast_sql, text_literal, unsupported
from finks_local.sql.valuetext import text_of
from finks_local.sql.zones import canonical_zone, instant, local, zone_of

moments = Family()
moments.declare(
    {
        "from_iso8601_date(varchar) -> date": "trino_iso8601_date($1)",
        "human_readable_seconds(double) -> varchar": "trino_human_readable_seconds($1)",
        "to_milliseconds(day_second) -> bigint": "$1",
        "parse_duration(varchar) -> day_second": "trino_parse_duration($1)",
        "from_unixtime_nanos(bigint) -> zoned": "make_timestamptz($1 // 1000)",
    }
)
_POINTS: Final = {"date", "time", "timestamp", "timestamp with time zone"}

_FIELDS: Final = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week",
    "week_of_year": "week",
    "day": "day",
    "day_of_month": "day",
    "day_of_week": "isodow",
    "dow": "isodow",
    "day_of_year": "doy",
    "doy": "doy",
    "year_of_week": "isoyear",
    "yow": "isoyear",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
    "millisecond": "millisecond",
}
_TIME_FIELDS: Final = {"hour", "minute", "second", "millisecond"}
_EXTRACTABLE: Final = {*_FIELDS, "timezone_hour", "timezone_minute"} - {"week_of_year", "millisecond"}


def extract(field: str, value: Value) -> Value:
    """`EXTRACT(field FROM value)`.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT, TYPE_MISMATCH.
    """
    if field not in _EXTRACTABLE:
        raise QueryError("SYNTAX_ERROR", f"Invalid EXTRACT field: {field}")
    return field_of(field, value, QueryError("TYPE_MISMATCH", f"Cannot extract {field} from {value.type}"))


def field_of(field: str, value: Value, wrong: QueryError) -> Value:
    """One field of a point in time or of an interval, as a bigint."""
    if field in {"timezone_hour", "timezone_minute"}:
        if value.type.base != "timestamp with time zone":
            raise wrong
        offset = f"((epoch_us({local(value)}) - epoch_us({instant(value)})) // 60000000)"
        return Value(f"({offset} // 60)" if field == "timezone_hour" else f"({offset} % 60)", BIGINT)
    if value.type in {DAY_SECOND, YEAR_MONTH}:
        return _interval_field(field, value, wrong)
    base = value.type.base
    if base not in _POINTS or (base == "time" and field not in _TIME_FIELDS):
        raise wrong
    source = _wall(value) if base != "date" or field not in _TIME_FIELDS else cast_sql(value.sql, "TIMESTAMP")
    if field == "millisecond":
        return Value(f"(CAST(date_part('millisecond', {source}) AS BIGINT) % 1000)", BIGINT)
    return Value(f"CAST(date_part('{_FIELDS[field]}', {source}) AS BIGINT)", BIGINT)


def _interval_field(field: str, value: Value, wrong: QueryError) -> Value:
    units = {
        "day": (86_400_000, None),
        "hour": (3_600_000, 24),
        "minute": (60_000, 60),
        "second": (1000, 60),
        "millisecond": (1, 1000),
    }
    if value.type == YEAR_MONTH:
        units = {"year": (12, None), "month": (1, 12)}
    if field not in units:
        raise wrong
    size, modulus = units[field]
    sql = f"({value.sql} // {size})"
    return Value(cast_sql(f"({sql} % {modulus})" if modulus else sql, "BIGINT"), BIGINT)


@moments.handles(*_FIELDS, "timezone_hour", "timezone_minute")
def _field(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base == "unknown":
        return Value(cast_sql("NULL", "BIGINT"), BIGINT)
    return field_of(call.name, value, call.unexpected())


# --- now, conversions ---------------------------------------------------------------------------------------------


@moments.handles("now", "current_timestamp", "localtimestamp")
def _now(call: Call) -> Value:
    digits = 3
    if call.args and call.name != "now":
        (value,) = call.values(1)
        if not isinstance(value.constant, int) or not 0 <= value.constant <= 6:
            raise unsupported(f"{call.name} with more than six digits")
        digits = value.constant
    value = now_value(call.now, digits)
    return Value(f"CAST({value.sql} AS TIMESTAMP)", timestamp(digits)) if call.name == "localtimestamp" else value


@moments.handles("current_timezone")
def _current_timezone(call: Call) -> Value:
    call.values(0)
    return Value("'UTC'", VARCHAR)


@moments.handles("date")
def _date(call: Call) -> Value:
    (value,) = call.values(1)
    return cast(value, DATE)


@moments.handles("last_day_of_month")
def _last_day(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base not in {"date", "timestamp", "timestamp with time zone"}:
        raise call.unexpected()
    return Value(f"last_day({_wall(value)})", DATE)


def _wall(value: Value) -> str:
    return local(value) if value.type.base == "timestamp with time zone" else value.sql


@moments.handles("at_timezone")
def _at_timezone(call: Call) -> Value:
    value, zone = call.values(2)
    if value.type.base != "timestamp with time zone":
        raise call.unexpected()
    return at_time_zone(value, zone)


@moments.handles("with_timezone")
def _with_timezone(call: Call) -> Value:
    value, zone = call.values(2)
    if value.type.base != "timestamp":
        raise call.unexpected()
    if not isinstance(zone.constant, str):
        raise unsupported("with_timezone with a zone that is not a literal")
    name = canonical_zone(zone.constant)
    kind = timestamp_tz(value.type.precision, name)
    return Value(f"timezone(trino_icu_zone({text_literal(name)}), {value.sql})", kind)


@moments.handles("timezone")
def _timezone(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base != "timestamp with time zone":
        raise call.unexpected()
    return Value(zone_of(value), VARCHAR)


@moments.handles("from_unixtime")
def _from_unixtime(call: Call) -> Value:
    seconds, *rest = call.values(1, 3)
    if seconds.type.base not in NUMERIC:
        raise call.unexpected()
    moment = f"trino_from_unixtime({coerce(seconds, DOUBLE).sql})"
    if len(rest) == 1 and isinstance(rest[0].constant, str):
        return Value(moment, timestamp_tz(3, canonical_zone(rest[0].constant)))
    if len(rest) == 2 and all(isinstance(part.constant, int) for part in rest):
        minutes = int(str(rest[0].constant)) * 60 + int(str(rest[1].constant))
        sign = "-" if minutes < 0 else "+"
        return Value(moment, timestamp_tz(3, canonical_zone(f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}")))
    if rest:
        raise unsupported("from_unixtime with a zone that is not a literal")
    return Value(moment, timestamp_tz(3, UTC))


@moments.handles("to_unixtime")
def _to_unixtime(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base not in {"timestamp", "timestamp with time zone", "date"}:
        raise call.unexpected()
    source = instant(value) if value.type.base == "timestamp with time zone" else cast_sql(value.sql, "TIMESTAMP")
    return Value(f"(CAST(epoch_us({source}) AS DOUBLE) / 1e6)", DOUBLE)


@moments.handles("from_iso8601_timestamp")
def _from_iso8601(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    if isinstance(value.constant, str):
        read = iso_instant(value.constant)
        if read is None:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{value.constant}"')
        at, zone = read
        return Value(f"TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'", timestamp_tz(3, zone))
    return Value(f"trino_iso8601_timestamp({value.sql})", timestamp_tz(3, None))


@moments.handles("to_iso8601")
def _to_iso8601(call: Call) -> Value:
    (value,) = call.values(1)
    base = value.type.base
    if base == "date":
        return Value(cast_sql(value.sql, "VARCHAR"), VARCHAR)
    if base not in {"timestamp", "timestamp with time zone"}:
        raise call.unexpected()
    clock = Value(_wall(value), timestamp(value.type.precision))
    text = f"replace({text_of(clock)}, ' ', 'T')"
    if base == "timestamp":
        return Value(text, VARCHAR)
    return Value(f"({text} || {_offset_text(value)})", VARCHAR)


def _offset_text(value: Value, *, zulu: bool = True, colon: bool = True) -> str:
    minutes = field_of("timezone_hour", value, QueryError("TYPE_MISMATCH", "no zone")).sql
    rest = field_of("timezone_minute", value, QueryError("TYPE_MISMATCH", "no zone")).sql
    return f"trino_offset_text({minutes}, {rest}, {'TRUE' if zulu else 'FALSE'}, {text_literal(':' if colon else '')})"


# --- units --------------------------------------------------------------------------------------------------------

_MILLIS_PER: Final = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_MONTHS_PER: Final = {"month": 1, "quarter": 3, "year": 12}
_DATE_UNITS: Final = {"day", "week", *_MONTHS_PER}


def _unit(call: Call, unit: Value, kind: TrinoType) -> str:
    """The unit's name, when the type has it.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT; NOT_SUPPORTED for one that is not a literal.
    """
    if unit.type.base != "varchar":
        raise call.unexpected()
    if not isinstance(unit.constant, str):
        raise unsupported(f"{call.name} with a unit that is not a literal")
    name = unit.constant.lower()
    known = {*_MILLIS_PER, *_MONTHS_PER}
    if kind.base == "date":
        known = _DATE_UNITS
    if kind.base == "time":
        known = known - _DATE_UNITS
    if name not in known or (call.name == "date_trunc" and name == "millisecond" and kind.base == "date"):
        label = {"date": "DATE", "time": "TIME"}.get(kind.base, "TIMESTAMP")
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{unit.constant}' is not a valid {label} field")
    return name


@moments.handles("date_trunc")
def _trunc(call: Call) -> Value:
    unit, value = call.values(2)
    kind = value.type
    if kind.base not in _POINTS:
        raise call.unexpected()
    name = _unit(call, unit, kind)
    if kind.base == "time":
        return Value(f"CAST(date_trunc('{name}', DATE '1970-01-01' + {value.sql}) AS TIME)", kind)
    if kind.base == "timestamp with time zone":
        if kind.zone == UTC:
            return Value(f"date_trunc('{name}', {value.sql})", kind)
        return rezoned(value, f"timezone({zone_sql(value)}, date_trunc('{name}', {local(value)}))", kind)
    return Value(cast_sql(f"date_trunc('{name}', {value.sql})", kind.duckdb), kind)


@moments.handles("date_add")
def _add(call: Call) -> Value:
    unit, count, value = call.values(3)
    kind = value.type
    if count.type.base not in INTEGRAL | {"unknown"} or kind.base not in _POINTS:
        raise call.unexpected()
    name = _unit(call, unit, kind)
    amount = coerce(count, BIGINT).sql
    months = name in _MONTHS_PER
    size = _MONTHS_PER[name] if months else _MILLIS_PER[name]
    step = f"({amount} * {size})"
    if kind.base == "timestamp with time zone":
        if name in {"day", "week"} and kind.zone != UTC:
            moved = f"timezone({zone_sql(value)}, {local(value)} + to_milliseconds({step}))"
            return rezoned(value, moved, kind)
        return shift_zoned(value, f"CAST({step} AS INTEGER)" if months else step, months=months).typed(kind)
    moved = f"({value.sql} + {f'to_months(CAST({step} AS INTEGER))' if months else f'to_milliseconds({step})'})"
    return Value(cast_sql(moved, kind.duckdb), kind)


@moments.handles("date_diff")
def _diff(call: Call) -> Value:
    unit, start, stop = call.values(3)
    kind = common_type(start.type, stop.type)
    if kind is None or kind.base not in _POINTS:
        raise call.unexpected()
    name = _unit(call, unit, kind)
    one, two = coerce(start, kind), coerce(stop, kind)
    if kind.base == "time":
        return Value(f"((epoch_us({two.sql}) - epoch_us({one.sql})) // {_MILLIS_PER[name] * 1000})", BIGINT)
    if name in _MONTHS_PER:
        months = f"trino_months_between(CAST({_wall(one)} AS TIMESTAMP), CAST({_wall(two)} AS TIMESTAMP))"
        return Value(f"({months} // {_MONTHS_PER[name]})", BIGINT)
    if kind.base == "date":
        return Value(f"(CAST({two.sql} - {one.sql} AS BIGINT) // {_MILLIS_PER[name] // _MILLIS_PER['day']})", BIGINT)
    ends = [
        _wall(side) if name in {"day", "week"} else (instant(side) if kind.base != "timestamp" else side.sql)
        for side in (one, two)
    ]
    return Value(f"trino_units_between({ends[0]}, {ends[1]}, {_MILLIS_PER[name]})", BIGINT)


# --- formats ------------------------------------------------------------------------------------------------------


def _format(call: Call, value: Value) -> str:
    if value.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    if not isinstance(value.constant, str):
        raise unsupported(f"{call.name} with a format that is not a literal")
    return value.constant


@moments.handles("date_format", "format_datetime")
def _print(call: Call) -> Value:
    value, form = call.values(2)
    if value.type.base == "date":
        value = coerce(value, TIMESTAMP)
    if value.type.base not in {"timestamp", "timestamp with time zone"}:
        raise call.unexpected()
    pieces = mysql(_format(call, form)) if call.name == "date_format" else joda(_format(call, form))
    zoned = value if value.type.base == "timestamp with time zone" else coerce(value, timestamp_tz(3, UTC))
    zones = {
        "Z": _offset_text(zoned, zulu=False, colon=False),
        "ZZ": _offset_text(zoned, zulu=False),
        "ZZZ": zone_of(zoned),
    }
    return Value(print_sql(pieces, _wall(value), zones), VARCHAR)


@moments.handles("date_parse")
def _parse_mysql(call: Call) -> Value:
    text, form = call.values(2)
    if text.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    written = _format(call, form)
    mysql(written)
    return Value(f"trino_date_parse(CAST({text.sql} AS VARCHAR), {text_literal(written)})", TIMESTAMP)


@moments.handles("parse_datetime")
def _parse_joda(call: Call) -> Value:
    text, form = call.values(2)
    if text.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    written = _format(call, form)
    zoned = any(piece.kind in {"Z", "ZZ", "ZZZ"} for piece in joda(written))
    packed = f"trino_parse_datetime(CAST({text.sql} AS VARCHAR), {text_literal(written)})"
    return Value(packed, timestamp_tz(3, None)) if zoned else Value(f"({packed}).t", timestamp_tz(3, UTC))
