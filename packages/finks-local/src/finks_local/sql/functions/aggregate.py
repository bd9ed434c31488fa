"""Aggregate functions (functions/aggregate).

In a template `{d}` stands where DISTINCT goes, `{o}` where ORDER BY goes, and `{s}` where FILTER and OVER go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from finks_local.sql.coercion import INTEGRAL, NUMERIC, coerce, converts
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.registry import Argument, Family, emit, resolve
from finks_local.sql.operators import comparable, orderable, scaled, sort_key, unscaled
from finks_local.sql.types import (
    BIGINT,
    DOUBLE,
    MAX_PRECISION,
    VARCHAR,
    TrinoType,
    array,
    decimal,
)
from finks_local.sql.value import Lambda, Value, cast_sql, unsupported

aggregates = Family()
_PAIR: Final = ("corr", "covar_pop", "covar_samp", "regr_intercept", "regr_slope")
_ONE: Final = ("stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp")

aggregates.declare(
    {f"{name}(double, double) -> double": f"trino_finite({name}({{d}}$1, $2{{o}}){{s}})" for name in _PAIR}
    | {f"{name}(double) -> double": f"{name}({{d}}$1{{o}}){{s}}" for name in _ONE}
    | {
        "skewness(double) -> double": "trino_skewness(list({d}$1){s})",
        "kurtosis(double) -> double": "trino_kurtosis(list({d}$1){s})",
        "geometric_mean(double) -> double": "exp(avg({d}ln($1)){s})",
        "sum(tinyint) -> bigint": "CAST(sum({d}$1{o}){s} AS BIGINT)",
        "sum(smallint) -> bigint": "CAST(sum({d}$1{o}){s} AS BIGINT)",
        "sum(integer) -> bigint": "CAST(sum({d}$1{o}){s} AS BIGINT)",
        "sum(bigint) -> bigint": "CAST(sum({d}$1{o}){s} AS BIGINT)",
        "sum(real) -> real": "CAST(sum({d}$1{o}){s} AS FLOAT)",
        "sum(double) -> double": "sum({d}$1{o}){s}",
        "sum(day_second) -> day_second": "CAST(sum({d}$1{o}){s} AS BIGINT)",
        "sum(year_month) -> year_month": "CAST(sum({d}$1{o}){s} AS INTEGER)",
        "avg(tinyint) -> double": "avg({d}CAST($1 AS DOUBLE){o}){s}",
        "avg(smallint) -> double": "avg({d}CAST($1 AS DOUBLE){o}){s}",
        "avg(integer) -> double": "avg({d}CAST($1 AS DOUBLE){o}){s}",
        "avg(bigint) -> double": "avg({d}CAST($1 AS DOUBLE){o}){s}",
        "avg(real) -> real": "CAST(avg({d}$1{o}){s} AS FLOAT)",
        "avg(double) -> double": "avg({d}$1{o}){s}",
        "avg(day_second) -> day_second": "CAST(trunc(avg({d}$1{o}){s}) AS BIGINT)",
        "avg(year_month) -> year_month": "CAST(trunc(avg({d}$1{o}){s}) AS INTEGER)",
        "count_if(boolean) -> bigint": "CAST(count({d}CASE WHEN $1 THEN 1 END){s} AS BIGINT)",
        "bool_and(boolean) -> boolean": "bool_and({d}$1{o}){s}",
        "every(boolean) -> boolean": "bool_and({d}$1{o}){s}",
        "bool_or(boolean) -> boolean": "bool_or({d}$1{o}){s}",
        "bitwise_and_agg(bigint) -> bigint": "bit_and({d}$1{o}){s}",
        "bitwise_or_agg(bigint) -> bigint": "bit_or({d}$1{o}){s}",
        "bitwise_xor_agg(bigint) -> bigint": "bit_xor({d}$1{o}){s}",
        "any_value(T) -> T": "any_value({d}$1{o}){s}",
        "arbitrary(T) -> T": "any_value({d}$1{o}){s}",
        "array_agg(T) -> array(T)": "list({d}$1{o}){s}",
        "approx_distinct(T) -> bigint": "count(DISTINCT $1){s}",
        "approx_distinct(T, double) -> bigint": "count(DISTINCT $1){s}",
        "histogram(T) -> map(T,bigint)": "CAST(histogram({d}$1){s} AS #R)",
        "map_agg(K, V) -> map(K,V)": "trino_map_agg(list({'key': $1, 'value': $2}{o}){s})",
        "multimap_agg(K, V) -> map(K,array(V))": "trino_multimap_agg(list({'key': $1, 'value': $2}{o}){s})",
        "map_union(map(K,V)) -> map(K,V)": "trino_map_agg(flatten(list(map_entries($1){o}){s}))",
        "set_agg(T) -> array(T)": "list(DISTINCT $1{o}){s}",
        "entropy(bigint) -> double": "trino_entropy(list($1){s})",
    }
)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One call of an aggregate.

    Args:
        name: In lower case.
        args: Analysed arguments.
        distinct: Whether DISTINCT stands before them.
        order: SQL of the ORDER BY inside the parentheses.
        where: SQL of FILTER's condition.
        star: Whether the argument is `*`.
    """

    name: str
    args: tuple[Argument, ...]
    distinct: bool = False
    order: str = ""
    where: str = ""
    star: bool = False

    def values(self, least: int, most: int | None = None) -> list[Value]:
        """The arguments, when there are as many and none is a lambda."""
        found = [argument for argument in self.args if isinstance(argument, Value)]
        if len(found) != len(self.args) or not least <= len(found) <= (most or least):
            raise self.unexpected()
        return found

    def unexpected(self) -> QueryError:
        """What Trino says when no overload fits."""
        given = ", ".join(a.type.trino if isinstance(a, Value) else "function" for a in self.args)
        return QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({given}) for function {self.name}")


@dataclass(frozen=True, slots=True)
class _Placed:
    """Fills the places of a template for one call."""

    call: Aggregation
    over: str

    def suffix(self, *conditions: str) -> str:
        """FILTER and OVER, with further conditions of the function's own."""
        wanted = [*filter(None, [self.call.where]), *conditions]
        where = f" FILTER (WHERE {' AND '.join(wanted)})" if wanted else ""
        return where + (f" OVER {self.over}" if self.over else "")

    def fill(self, template: str) -> str:
        distinct = "DISTINCT " if self.call.distinct else ""
        order = f" ORDER BY {self.call.order}" if self.call.order else ""
        return template.replace("{d}", distinct).replace("{o}", order).replace("{s}", self.suffix())


def aggregate_sql(call: Aggregation, over: str) -> Value:
    """The call in DuckDB's SQL.

    Args:
        call: The analysed call.
        over: The window in parentheses, or nothing.

    Raises:
        QueryError: FUNCTION_NOT_FOUND: no overload takes these arguments.
    """
    placed = _Placed(call, over)
    if call.star and call.name != "count":
        raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters (*) for function {call.name}")
    special = _SPECIAL.get(call.name)
    found = special(call, placed) if special else None
    if found is not None:
        return found
    if call.name not in aggregates.overloads:
        raise call.unexpected()
    value = emit(*resolve(call.name, aggregates.overloads[call.name], call.args))
    if call.name in {"any_value", "arbitrary"} and call.distinct:
        raise unsupported(f"{call.name}(DISTINCT)")
    return Value(placed.fill(value.sql), value.type)


def _count(call: Aggregation, placed: _Placed) -> Value:
    if call.star or not call.args:
        return Value(f"count(*){placed.suffix()}", BIGINT)
    (value,) = call.values(1)
    key = value.sql
    if call.distinct:
        if not comparable(value.type):
            raise call.unexpected()
        key = sort_key(value)
    return Value(placed.fill(f"count({{d}}{key}{{o}}){{s}}"), BIGINT)


def _sum(call: Aggregation, placed: _Placed) -> Value | None:
    (value,) = call.values(1)
    if value.type.base != "decimal":
        return None
    kind = decimal(MAX_PRECISION, value.type.scale)
    return Value(cast_sql(placed.fill(f"sum({{d}}{cast_sql(value.sql, kind.duckdb)}{{o}}){{s}}"), kind.duckdb), kind)


def _avg(call: Aggregation, placed: _Placed) -> Value | None:
    """The mean of decimals has their type, rounded half up (functions/aggregate, and DecimalAverageAggregation)."""
    (value,) = call.values(1)
    if value.type.base != "decimal":
        return None
    kind = value.type
    total = Value(
        placed.fill(f"sum({{d}}{cast_sql(value.sql, decimal(MAX_PRECISION, kind.scale).duckdb)}){{s}}"),
        decimal(MAX_PRECISION, kind.scale),
    )
    count = placed.fill(f"count({{d}}{value.sql}){{s}}")
    mean = scaled(f"trino_half_up({unscaled(total)}, nullif({count}, 0)::HUGEINT)", kind.scale)
    return Value(cast_sql(mean, kind.duckdb), kind)


def _extreme(call: Aggregation, placed: _Placed) -> Value:
    values = call.values(1, 2)
    value = values[0]
    if not orderable(value.type) or value.type.args:
        raise call.unexpected() if not orderable(value.type) else unsupported(f"{call.name} of {value.type}")
    if len(values) == 2:
        return _several(call, placed, value, value, coerce(values[1], BIGINT))
    key = sort_key(value)
    if key != value.sql:
        picker = "arg_min" if call.name == "min" else "arg_max"
        return Value(placed.fill(f"{picker}({value.sql}, {key}){{s}}"), value.type)
    return Value(placed.fill(f"{call.name}({{d}}{value.sql}){{s}}"), value.type)


def _several(call: Aggregation, placed: _Placed, value: Value, key: Value, count: Value) -> Value:
    direction = "DESC" if call.name.startswith("max") else "ASC"
    sql = f"list({value.sql} ORDER BY {sort_key(key)} {direction}){placed.suffix(f'{key.sql} IS NOT NULL')}"
    return Value(f"list_slice({sql}, 1, {count.sql})", array(value.type))


def _extreme_by(call: Aggregation, placed: _Placed) -> Value:
    value, key, *count = call.values(2, 3)
    if not orderable(key.type):
        raise call.unexpected()
    if count:
        return _several(call, placed, value, key, coerce(count[0], BIGINT))
    picker = "arg_max" if call.name == "max_by" else "arg_min"
    packed = f"{picker}({{'v': {value.sql}}}, {sort_key(key)}){placed.suffix()}"
    return Value(f"struct_extract({packed}, 'v')", value.type)


def _percentile(call: Aggregation, placed: _Placed) -> Value:
    """The exact percentile: Trino's is an approximation of it."""
    if len(call.args) not in {2, 3}:
        raise call.unexpected()
    values = call.values(2, 3)
    if len(values) == 3:
        raise unsupported("approx_percentile with weights")
    value, share = values
    if value.type.base not in NUMERIC:
        raise call.unexpected()
    kind = value.type if value.type.base in {"bigint", "real", "double"} else DOUBLE
    if value.type.base in INTEGRAL:
        kind = BIGINT
    value = coerce(value, kind)
    several = share.type.base == "array"
    wanted = coerce(share, array(DOUBLE) if several else DOUBLE)
    sql = placed.fill(f"quantile_disc({{d}}{value.sql}, {wanted.sql}){{s}}")
    result = array(kind) if several else kind
    return Value(cast_sql(sql, result.duckdb), result)


def _listagg(call: Aggregation, placed: _Placed) -> Value:
    value, *separator = call.values(1, 2)
    if value.type.base not in {"varchar", "char"} or not call.order:
        raise call.unexpected()
    between = separator[0].sql if separator else "''"
    return Value(placed.fill(f"string_agg({{d}}{coerce(value, VARCHAR).sql}, {between}{{o}}){{s}}"), VARCHAR)


def _reduce(call: Aggregation, placed: _Placed) -> Value:
    """`reduce_agg`: the input's elements folded in the order in which they come."""
    if len(call.args) != 4 or call.distinct:
        raise call.unexpected()
    value, start, step, merge = call.args
    if not isinstance(value, Value) or not isinstance(start, Value):
        raise call.unexpected()
    if not isinstance(step, Lambda) or not isinstance(merge, Lambda) or step.arity != 2 or merge.arity != 2:
        raise call.unexpected()
    state = start.type
    names, body = step.bind((state, value.type), FOLD_FIELDS)
    _, merged = merge.bind((state, state))
    if not converts(body.type, state) or not converts(merged.type, state):
        raise call.unexpected()
    order = f" ORDER BY {call.order}" if call.order else ""
    suffix = placed.suffix(f"{value.sql} IS NOT NULL")
    product = f"({names[0]}.s * {names[1]}.t)"
    if value.type == DOUBLE == state and body.sql == product and not call.order:
        return Value(f"({start.sql} * coalesce(product({value.sql}){suffix}, 1e0))", DOUBLE)
    gathered = f"list({value.sql}{order}){suffix}"
    return Value(fold(gathered, value.type, start, names, coerce(body, state)), state)


FOLD_FIELDS: Final = ("s", "t")
"""The fields of a fold's pairs: state and item."""


def fold(items: str, kind: TrinoType, start: Value, names: tuple[str, ...], body: Value) -> str:
    """A list folded into a state of another type: DuckDB's reduce has one type, so every element is a pair."""
    state, item = start.type.duckdb, kind.duckdb
    pairs = f"list_transform({items}, lambda x: {{'s': CAST(NULL AS {state}), 't': x}})"
    first = f"{{'s': {cast_sql(start.sql, state)}, 't': CAST(NULL AS {item})}}"
    step = f"{{'s': {body.sql}, 't': CAST(NULL AS {item})}}"
    return f"struct_extract(list_reduce({pairs}, lambda {', '.join(names)}: {step}, {first}), 's')"


_SPECIAL: Final = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _extreme,
    "max": _extreme,
    "min_by": _extreme_by,
    "max_by": _extreme_by,
    "approx_percentile": _percentile,
    "listagg": _listagg,
    "reduce_agg": _reduce,
}
for _name in _SPECIAL:
    aggregates.overloads.setdefault(_name, [])
