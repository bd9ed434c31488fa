"""Arithmetic, comparison and concatenation (functions/math, decimal, datetime, comparison, array).

Operands are converted before DuckDB sees them, so that its own rules for mixed types never apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from finks_local.sql.coercion import APPROXIMATE, INTEGRAL, NUMERIC, as_decimal, coerce, common_type
from finks_local.sql.errors import QueryError
from finks_local.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_SECOND,
    MAX_PRECISION,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    YEAR_MONTH,
    TrinoType,
    array,
    decimal,
    timestamp,
    timestamp_tz,
)
from finks_local.sql.value import Value, cast_sql, fail_sql, text_literal, unsupported
from finks_local.sql.zones import instant, local, zone_of

_MILLIS_DIGITS: Final = 3


def mismatch(operator: str, left: TrinoType, right: TrinoType) -> QueryError:
    """What Trino says of an operator that does not exist for these types."""
    return QueryError("TYPE_MISMATCH", f"Cannot apply operator: {left.trino} {operator} {right.trino}")


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """`left operator right` for `+ - * / %`.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    if left.type == UNKNOWN and right.type == UNKNOWN:
        raise mismatch(operator, left.type, right.type)
    temporal = _temporal(operator, left, right)
    if temporal is not None:
        return temporal
    kind = common_type(left.type, right.type)
    if kind is None or kind.base not in NUMERIC:
        raise mismatch(operator, left.type, right.type)
    if kind.base == "decimal":
        return _decimal(operator, _as_decimal(left, kind), _as_decimal(right, kind))
    one, two = coerce(left, kind), coerce(right, kind)
    if operator == "/" and kind.base in INTEGRAL:
        operator = "//"
    return Value(f"({one.sql} {operator} {two.sql})", kind)


def _as_decimal(value: Value, common: TrinoType) -> Value:
    return coerce(value, common if value.type == UNKNOWN else as_decimal(value.type))


def _decimal(operator: str, left: Value, right: Value) -> Value:
    one, two = left.type, right.type
    scale = max(one.scale, two.scale)
    match operator:
        case "+" | "-":
            whole = max(one.precision - one.scale, two.precision - two.scale)
            result = decimal(min(MAX_PRECISION, whole + scale + 1), scale)
            sql = f"({widened(left, result)} {operator} {widened(right, result)})"
        case "*":
            scale = one.scale + two.scale
            if scale > MAX_PRECISION:
                raise QueryError(
                    "INVALID_FUNCTION_ARGUMENT", f"DECIMAL scale must be in range [0, precision (38)]: {scale}"
                )
            result = decimal(min(MAX_PRECISION, one.precision + two.precision), scale)
            sql = f"({wide(left)} * {right.sql})"
        case "/":
            precision = one.precision + two.scale + max(0, two.scale - one.scale)
            result = decimal(min(MAX_PRECISION, precision), scale)
            sql = _quotient(left, right, scale)
        case _:
            result = decimal(min(one.precision - one.scale, two.precision - two.scale) + scale, scale)
            return _remainder(left, right, result)
    return Value(cast_sql(sql, result.duckdb), result)


def wide(value: Value) -> str:
    """A decimal with 38 digits: DuckDB multiplies narrower ones in 64 bits, whatever the result needs."""
    return cast_sql(value.sql, f"DECIMAL({MAX_PRECISION},{value.type.scale})")


def widened(value: Value, target: TrinoType) -> str:
    """An operand in the type of a sum; where it may not fit, that is an overflow of the sum."""
    if value.type.precision - value.type.scale <= target.precision - target.scale:
        return cast_sql(value.sql, target.duckdb)
    failing = fail_sql("NUMERIC_VALUE_OUT_OF_RANGE", "'Decimal overflow'", target.duckdb)
    fits = f"TRY_CAST({value.sql} AS {target.duckdb})"
    return f"(CASE WHEN {value.sql} IS NOT NULL THEN coalesce({fits}, {failing}) END)"


def unscaled(value: Value) -> str:
    """A decimal's digits as a HUGEINT."""
    precision, scale = value.type.params
    if precision + scale + 1 <= MAX_PRECISION:
        power = cast_sql(str(10**scale), f"DECIMAL({scale + 1},0)")
        return f"CAST({wide(value)} * {power} AS HUGEINT)"
    return f"CAST(replace(CAST({value.sql} AS VARCHAR), '.', '') AS HUGEINT)"


def scaled(sql: str, scale: int) -> str:
    """A HUGEINT of digits as a decimal with that scale."""
    if scale == 0:
        return cast_sql(sql, f"DECIMAL({MAX_PRECISION},0)")
    unit = "0." + "0" * (scale - 1) + "1"
    return f"(CAST({sql} AS DECIMAL({MAX_PRECISION},0)) * CAST({text_literal(unit)} AS DECIMAL({scale},{scale})))"


def _quotient(left: Value, right: Value, scale: int) -> str:
    """Exact quotient, rounded half away from zero: in 128 bits where they suffice, else by Python."""
    rescale = scale - left.type.scale + right.type.scale
    numerator, denominator = unscaled(left), unscaled(right)
    shift = f"{10**rescale}::HUGEINT"
    if left.type.precision + rescale <= MAX_PRECISION:
        return scaled(f"trino_half_up({numerator} * {shift}, {denominator})", scale)
    kind = f"DECIMAL({MAX_PRECISION},{scale})"
    slow = f"trino_decimal_divide(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR), {scale})"
    if rescale > MAX_PRECISION:
        return cast_sql(slow, kind)
    small = f"abs({numerator}) < {10 ** (MAX_PRECISION - rescale)}::HUGEINT"
    shifted = f"(CASE WHEN {small} THEN {numerator} ELSE 0 END * {shift})"
    fast = scaled(f"trino_half_up({shifted}, {denominator})", scale)
    return f"(CASE WHEN {small} THEN {cast_sql(fast, kind)} ELSE {cast_sql(slow, kind)} END)"


def _remainder(left: Value, right: Value, result: TrinoType) -> Value:
    one, two = left.type, right.type
    scale = result.scale
    width = max(one.precision - one.scale, two.precision - two.scale) + scale
    if width > MAX_PRECISION:
        text = f"trino_decimal_mod(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR), {scale})"
        return Value(cast_sql(text, result.duckdb), result)
    kind = decimal(width, scale).duckdb
    return Value(cast_sql(f"({cast_sql(left.sql, kind)} % {cast_sql(right.sql, kind)})", result.duckdb), result)


# --- dates, times and intervals -----------------------------------------------------------------------------------

_INTERVALS: Final = {DAY_SECOND, YEAR_MONTH}
_POINTS: Final = {"date", "time", "timestamp", "timestamp with time zone"}


def _temporal(operator: str, left: Value, right: Value) -> Value | None:
    kinds = (left.type, right.type)
    if not any(kind in _INTERVALS or kind.base in _POINTS for kind in kinds):
        return None
    if left.type in _INTERVALS and right.type in _INTERVALS:
        return _interval_sum(operator, left, right)
    if operator in {"*", "/"}:
        return _interval_scaled(operator, left, right)
    if operator == "+" and left.type in _INTERVALS and right.type.base in _POINTS:
        return _shift(right, left, "+")
    if operator in {"+", "-"} and left.type.base in _POINTS and right.type in _INTERVALS:
        return _shift(left, right, operator)
    if operator == "-" and left.type.base in _POINTS and right.type.base in _POINTS:
        return _difference(left, right)
    raise mismatch(operator, left.type, right.type)


def _interval_sum(operator: str, left: Value, right: Value) -> Value:
    if left.type != right.type or operator not in {"+", "-"}:
        raise mismatch(operator, left.type, right.type)
    return Value(f"({left.sql} {operator} {right.sql})", left.type)


def _interval_scaled(operator: str, left: Value, right: Value) -> Value:
    if operator == "*" and right.type in _INTERVALS:
        left, right = right, left
    if left.type not in _INTERVALS or right.type.base not in NUMERIC:
        raise mismatch(operator, left.type, right.type)
    kind = left.type
    if right.type.base in INTEGRAL:
        sql = f"({left.sql} {'//' if operator == '/' else '*'} {coerce(right, BIGINT).sql})"
    else:
        factor = cast_sql(right.sql, "DOUBLE")
        sql = f"trunc(CAST({left.sql} AS DOUBLE) {operator} {factor})"
    return Value(cast_sql(sql, kind.duckdb), kind)


def _shift(point: Value, interval: Value, operator: str) -> Value:
    """A point in time moved by an interval; months clip to the last day, as in Java."""
    amount = interval.sql if operator == "+" else f"(-{interval.sql})"
    months = interval.type == YEAR_MONTH
    match point.type.base:
        case "date" if months:
            return Value(f"CAST({point.sql} + to_months({amount}) AS DATE)", DATE)
        case "date":
            return Value(f"trino_date_plus({point.sql}, {amount})", DATE)
        case "time" if not months:
            return Value(f"({point.sql} + to_milliseconds({amount}))", point.type)
        case "timestamp":
            step = f"to_months({amount})" if months else f"to_milliseconds({amount})"
            digits = point.type.precision if months else max(point.type.precision, _MILLIS_DIGITS)
            return Value(f"({point.sql} + {step})", timestamp(digits))
        case "timestamp with time zone":
            return shift_zoned(point, amount, months=months)
        case _:
            raise mismatch(operator, point.type, interval.type)


def shift_zoned(point: Value, amount: str, *, months: bool) -> Value:
    """A zoned timestamp moved by milliseconds, or by months on the wall clock of its zone."""
    digits = point.type.precision if months else max(point.type.precision, _MILLIS_DIGITS)
    kind = timestamp_tz(digits, point.type.zone)
    if not months:
        return rezoned(point, f"({instant(point)} + to_milliseconds({amount}))", kind)
    return rezoned(point, f"timezone({zone_sql(point)}, {local(point)} + to_months({amount}))", kind)


def zone_sql(point: Value) -> str:
    """The zone as DuckDB's functions want it: a name that ICU knows."""
    return f"trino_icu_zone({zone_of(point)})"


def rezoned(point: Value, instant_sql: str, kind: TrinoType) -> Value:
    """Another instant in the same zone."""
    if kind.zone is not None:
        return Value(instant_sql, kind)
    packed = f"{{'t': {instant_sql}, 'z': {zone_of(point)}}}"
    return Value(f"(CASE WHEN {point.sql} IS NOT NULL THEN {packed} END)", kind)


def _difference(left: Value, right: Value) -> Value:
    kind = common_type(left.type, right.type)
    if kind is None:
        raise mismatch("-", left.type, right.type)
    one, two = coerce(left, kind), coerce(right, kind)
    match kind.base:
        case "date":
            return Value(f"(CAST({one.sql} - {two.sql} AS BIGINT) * 86400000)", DAY_SECOND)
        case "timestamp" | "timestamp with time zone":
            micros = f"(epoch_us({_point(one)}) - epoch_us({_point(two)}))"
            return Value(f"({micros} // 1000)", DAY_SECOND)
        case _:
            return Value(f"((epoch_us({one.sql}) - epoch_us({two.sql})) // 1000)", DAY_SECOND)


def _point(value: Value) -> str:
    return instant(value) if value.type.base == "timestamp with time zone" else value.sql


def negate(value: Value) -> Value:
    """`-value`.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    if value.type.base not in NUMERIC and value.type not in _INTERVALS:
        raise QueryError("TYPE_MISMATCH", f"Cannot negate {value.type.trino}")
    return Value(cast_sql(f"(-{value.sql})", value.type.duckdb), value.type)


# --- comparison ---------------------------------------------------------------------------------------------------

_UNORDERED: Final = {"map", "json"}


def comparable(kind: TrinoType) -> bool:
    """Whether `=` exists for the type: for all that can be values of a query here."""
    return all(comparable(arg) for arg in kind.args)


def orderable(kind: TrinoType) -> bool:
    """Whether `<` and ORDER BY exist for the type."""
    return kind.base not in _UNORDERED and all(orderable(arg) for arg in kind.args)


def compare(operator: str, left: Value, right: Value) -> Value:
    """`left operator right` for `= <> < <= > >=`, and for `IS DISTINCT FROM` and its negation.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    kind = common_type(left.type, right.type)
    if kind is None or (operator not in {"=", "<>", *_DISTINCT} and not orderable(kind)):
        raise mismatch(operator, left.type, right.type)
    one, two = coerce(left, kind), coerce(right, kind)
    return Value(compare_sql(operator, one, two), BOOLEAN)


_DISTINCT: Final = ("IS DISTINCT FROM", "IS NOT DISTINCT FROM")


def sort_key(value: Value) -> str:
    """What DuckDB groups, joins and sorts by: of a zoned timestamp the instant alone.

    Raises:
        QueryError: NOT_SUPPORTED for values that hold zoned timestamps of varying zones.
    """
    if value.type.base == "timestamp with time zone":
        return instant(value)
    if _has_varying_zone(value.type):
        raise unsupported(f"comparing values of type {value.type.trino}")
    return value.sql


def _has_varying_zone(kind: TrinoType) -> bool:
    varying = kind.base == "timestamp with time zone" and kind.zone is None
    return varying or any(_has_varying_zone(arg) for arg in kind.args)


def compare_sql(operator: str, one: Value, two: Value) -> str:
    """The comparison of two values of one type."""
    left, right = sort_key(one), sort_key(two)
    kind = one.type
    if operator in _DISTINCT:
        return f"({left} {operator} {right})"
    if kind.base in {"array", "row", "map"}:
        return _compare_nested(operator, one, two)
    plain = f"{left} {operator} {right}"
    if kind.base not in APPROXIMATE or (one.constant is not None and operator in {"=", "<", "<="}):
        return f"({plain})"
    return f"({plain}{_NAN[operator](left, right, two.constant is not None)})"


def _not_nan(left: str, right: str, constant: bool) -> str:
    return f" AND NOT isnan({left})" if constant else f" AND NOT isnan({left} + {right})"


_NAN: Final[dict[str, Callable[[str, str, bool], str]]] = {
    "=": lambda left, right, constant: "" if constant else _not_nan(left, right, constant),
    "<>": lambda left, right, constant: "" if constant else f" OR isnan({left} + {right})",
    "<": lambda left, right, constant: "" if constant else _not_nan(left, right, constant),
    "<=": lambda left, right, constant: "" if constant else _not_nan(left, right, constant),
    ">": _not_nan,
    ">=": _not_nan,
}
"""What makes DuckDB's comparison, in which NaN equals itself and exceeds all, that of IEEE 754."""


def _compare_nested(operator: str, one: Value, two: Value) -> str:
    """Equality of nested values is null when no part differs and some part is null."""
    if operator not in {"=", "<>"}:
        return _ordered_arrays(operator, one, two)
    equal = _equal_nested(one, two, 0)
    return equal if operator == "=" else f"(NOT {equal})"


def _ordered_arrays(operator: str, one: Value, two: Value) -> str:
    kind = one.type
    if kind.base != "array" or kind.element.args or kind.element.base in APPROXIMATE | {"timestamp with time zone"}:
        raise unsupported(f"{operator} of {kind}")
    message = "'comparison not supported for arrays with null elements'"
    with_null = f"list_count({one.sql}) < len({one.sql}) OR list_count({two.sql}) < len({two.sql})"
    failing = f"CAST(CAST(trino_fail('NOT_SUPPORTED', {message}) AS VARCHAR) AS BOOLEAN)"
    return f"(CASE WHEN {with_null} THEN {failing} ELSE {one.sql} {operator} {two.sql} END)"


def _equal_nested(one: Value, two: Value, depth: int) -> str:
    kind = one.type
    match kind.base:
        case "array":
            item = f"q{depth}"
            inner = _equal_nested(Value(f"{item}[1]", kind.element), Value(f"{item}[2]", kind.element), depth + 1)
            pairs = f"list_transform(list_zip({one.sql}, {two.sql}), lambda {item}: {inner})"
            return f"trino_array_equal({one.sql}, {two.sql}, {pairs})"
        case "row":
            parts = [
                _equal_nested(
                    Value(f"struct_extract({one.sql}, {text_literal(name)})", field),
                    Value(f"struct_extract({two.sql}, {text_literal(name)})", field),
                    depth,
                )
                for name, field in kind.named_fields
            ]
            return f"({' AND '.join(parts)})"
        case "map":
            return f"trino_map_equal({one.sql}, {two.sql})"
        case _:
            return compare_sql("=", one, two)


def concat(left: Value, right: Value) -> Value:
    """`left || right` of text, bytes or arrays; null when either is null.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    one, two = left.type, right.type
    texts = {"varchar", "char", "unknown"}
    if one.base in texts and two.base in texts:
        return Value(f"({coerce(left, VARCHAR).sql} || {coerce(right, VARCHAR).sql})", VARCHAR)
    if one == VARBINARY == two:
        return Value(f"({left.sql} || {right.sql})", VARBINARY)
    if one.base == "array" or two.base == "array":
        return _concat_arrays(left, right)
    raise mismatch("||", one, two)


def _concat_arrays(left: Value, right: Value) -> Value:
    one, two = left.type, right.type
    if one.base == "array" and (kind := common_type(one, two)) is not None:
        return Value(f"trino_array_concat({coerce(left, kind).sql}, {coerce(right, kind).sql})", kind)
    if one.base == "array" and (element := common_type(one.element, two)) is not None:
        kind = array(element)
        return Value(f"trino_array_append({coerce(left, kind).sql}, {coerce(right, element).sql})", kind)
    if two.base == "array" and (element := common_type(one, two.element)) is not None:
        kind = array(element)
        return Value(f"trino_array_prepend({coerce(left, element).sql}, {coerce(right, kind).sql})", kind)
    raise mismatch("||", one, two)
