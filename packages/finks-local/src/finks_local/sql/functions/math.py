"""Mathematical and bitwise functions (functions/math, functions/bitwise)."""

from __future__ import annotations

from finks_local.sql.coercion import APPROXIMATE, INTEGRAL, coerce, common_type
from finks_local.sql.functions.registry import Call, Family
from finks_local.sql.operators import arithmetic
from finks_local.sql.types import BIGINT, DOUBLE, MAX_PRECISION, TrinoType, decimal
from finks_local.sql.value import Value, cast_sql

math = Family()
math.declare(
    {
        f"{name}(double) -> double": f"{name}($1)"
        for name in ("sin", "cos", "tan", "atan", "exp", "degrees", "radians", "sinh", "cosh", "tanh")
    }
    | {
        "acos(double) -> double": "(CASE WHEN abs($1) > 1 THEN 'NaN'::DOUBLE ELSE acos($1) END)",
        "asin(double) -> double": "(CASE WHEN abs($1) > 1 THEN 'NaN'::DOUBLE ELSE asin($1) END)",
        "atan2(double, double) -> double": "atan2($1, $2)",
        "cbrt(double) -> double": "trino_cbrt($1)",
        "sqrt(double) -> double": "(CASE WHEN $1 < 0 THEN 'NaN'::DOUBLE ELSE sqrt($1) END)",
        "ln(double) -> double": "trino_ln($1)",
        "log2(double) -> double": "(trino_ln($1) / ln(2e0))",
        "log10(double) -> double": "trino_log10($1)",
        "log(double, double) -> double": "(trino_ln($2) / trino_ln($1))",
        "power(double, double) -> double": "pow($1, $2)",
        "pow(double, double) -> double": "pow($1, $2)",
        "e() -> double": "exp(1e0)",
        "pi() -> double": "pi()",
        "nan() -> double": "'NaN'::DOUBLE",
        "infinity() -> double": "'Infinity'::DOUBLE",
        "is_nan(double) -> boolean": "isnan($1)",
        "is_nan(real) -> boolean": "isnan($1)",
        "is_finite(double) -> boolean": "isfinite($1)",
        "is_infinite(double) -> boolean": "isinf($1)",
        "from_base(varchar, bigint) -> bigint": "trino_from_base($1, $2)",
        "to_base(bigint, bigint) -> varchar": "trino_to_base($1, $2)",
        "width_bucket(double, double, double, bigint) -> bigint": "trino_width_bucket($1, $2, $3, $4)",
        "width_bucket(double, array(double)) -> bigint": "trino_width_bucket_bins($1, $2)",
        "cosine_similarity(map(varchar,double), map(varchar,double)) -> double": "trino_cosine_similarity($1, $2)",
        "random() -> double": "random()",
        "rand() -> double": "random()",
        "random(bigint) -> bigint": "CAST(floor(random() * $1) AS BIGINT)",
        "rand(bigint) -> bigint": "CAST(floor(random() * $1) AS BIGINT)",
        "random(bigint, bigint) -> bigint": "CAST($1 + floor(random() * ($2 - $1)) AS BIGINT)",
        "rand(bigint, bigint) -> bigint": "CAST($1 + floor(random() * ($2 - $1)) AS BIGINT)",
        "bit_count(bigint, bigint) -> bigint": "trino_bit_count($1, $2)",
        "bitwise_and(bigint, bigint) -> bigint": "($1 & $2)",
        "bitwise_or(bigint, bigint) -> bigint": "($1 | $2)",
        "bitwise_xor(bigint, bigint) -> bigint": "xor($1, $2)",
        "bitwise_not(bigint) -> bigint": "(~$1)",
        "bitwise_left_shift(bigint, bigint) -> bigint": "trino_shift_left($1, $2)",
        "bitwise_right_shift(bigint, bigint) -> bigint": "trino_shift_right($1, $2)",
        "bitwise_right_shift_arithmetic(bigint, bigint) -> bigint": "trino_shift_right_arithmetic($1, $2)",
    }
)


def _number(call: Call, value: Value) -> TrinoType:
    if value.type.base in INTEGRAL or value.type.base in APPROXIMATE or value.type.base == "decimal":
        return value.type
    raise call.unexpected()


@math.handles("abs", "sign")
def _same_type(call: Call) -> Value:
    (value,) = call.values(1)
    kind = _number(call, value)
    if call.name == "abs":
        return Value(cast_sql(f"abs({value.sql})", kind.duckdb), kind)
    if kind.base in APPROXIMATE:
        sign = f"(CASE WHEN isnan({value.sql}) THEN {value.sql} ELSE sign({value.sql}) END)"
        return Value(cast_sql(sign, kind.duckdb), kind)
    result = decimal(1, 0) if kind.base == "decimal" else kind
    return Value(cast_sql(f"sign({value.sql})", result.duckdb), result)


@math.handles("ceil", "ceiling", "floor")
def _to_whole(call: Call) -> Value:
    (value,) = call.values(1)
    kind = _number(call, value)
    if kind.base in INTEGRAL:
        return value
    name = "floor" if call.name == "floor" else "ceil"
    if kind.base == "decimal":
        kind = _whole_decimal(kind)
    return Value(cast_sql(f"{name}({value.sql})", kind.duckdb), kind)


def _whole_decimal(kind: TrinoType) -> TrinoType:
    return decimal(min(MAX_PRECISION, kind.precision - kind.scale + min(kind.scale, 1)) or 1, 0)


@math.handles("round")
def _round(call: Call) -> Value:
    value, *digits = call.values(1, 2)
    kind = _number(call, value)
    if digits and digits[0].type.base not in INTEGRAL:
        raise call.unexpected()
    places = coerce(digits[0], BIGINT).sql if digits else "0"
    if kind.base in APPROXIMATE:
        return Value(cast_sql(f"trino_round({value.sql}, {places})", kind.duckdb), kind)
    if kind.base in INTEGRAL:
        return Value(cast_sql(f"trino_round_integer({value.sql}, {places})", kind.duckdb), kind) if digits else value
    if not digits:
        result = _whole_decimal(kind)
        return Value(cast_sql(value.sql, result.duckdb), result)
    result = decimal(min(MAX_PRECISION, kind.precision + 1), kind.scale)
    if not isinstance(digits[0].constant, int):
        return Value(f"CAST(trino_round_decimal(CAST({value.sql} AS VARCHAR), {places}) AS {result.duckdb})", result)
    kept = digits[0].constant
    if kept >= kind.scale:
        return Value(cast_sql(value.sql, result.duckdb), result)
    if kept >= 0:
        rounded = cast_sql(value.sql, decimal(min(MAX_PRECISION, kind.precision + 1), kept).duckdb)
        return Value(cast_sql(rounded, result.duckdb), result)
    return Value(f"CAST(trino_round_decimal(CAST({value.sql} AS VARCHAR), {places}) AS {result.duckdb})", result)


@math.handles("truncate")
def _truncate(call: Call) -> Value:
    value, *digits = call.values(1, 2)
    kind = _number(call, value)
    if kind.base == "decimal" and not digits:
        result = decimal(max(1, kind.precision - kind.scale), 0)
        return Value(cast_sql(f"trunc({value.sql})", result.duckdb), result)
    if kind.base == "decimal":
        places = coerce(digits[0], BIGINT).sql
        return Value(f"CAST(trino_truncate_decimal(CAST({value.sql} AS VARCHAR), {places}) AS {kind.duckdb})", kind)
    if digits or kind.base == "bigint":
        raise call.unexpected()
    result = kind if kind.base == "real" else DOUBLE
    return Value(cast_sql(f"trunc({coerce(value, result).sql})", result.duckdb), result)


@math.handles("mod")
def _mod(call: Call) -> Value:
    left, right = call.values(2)
    _number(call, left)
    _number(call, right)
    return arithmetic("%", left, right)


@math.handles("greatest", "least")
def _extreme(call: Call) -> Value:
    values = call.values(1, 127)
    kind = values[0].type
    for value in values[1:]:
        common = common_type(kind, value.type)
        if common is None:
            raise call.unexpected()
        kind = common
    if kind.base in {"array", "map", "row", "json", "unknown", "timestamp with time zone"} and kind.zone is None:
        raise call.unexpected()
    sqls = [coerce(value, kind).sql for value in values]
    missing = " OR ".join(f"{sql} IS NULL" for sql in sqls)
    chosen = f"{call.name}({', '.join(sqls)})"
    return Value(f"(CASE WHEN {missing} THEN NULL ELSE {chosen} END)", kind)
