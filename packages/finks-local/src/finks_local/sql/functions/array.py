"""Array, map and lambda functions (functions/array, functions/map, functions/lambda)."""

from __future__ import annotations

from finks_local.sql.coercion import INTEGRAL, coerce, common_type, converts
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.aggregate import FOLD_FIELDS, fold
from finks_local.sql.functions.registry import Call, Family, emit, resolve
from finks_local.sql.intervals import MILLIS_OF
from finks_local.sql.operators import compare_sql, orderable
from finks_local.sql.types import (
    BIGINT,
    BOOLEAN,
    DAY_SECOND,
    UNKNOWN,
    VARCHAR,
    YEAR_MONTH,
    array,
    map_of,
    row,
)
from finks_local.sql.value import Lambda, Value, cast_sql
from finks_local.sql.valuetext import text_of

arrays = Family()
arrays.declare(
    {
        "cardinality(array(T)) -> bigint": "len($1)",
        "cardinality(map(K,V)) -> bigint": "CAST(cardinality($1) AS BIGINT)",
        "all_match(array(T), function(T,boolean)) -> boolean": "trino_all(list_transform($1, $2))",
        "any_match(array(T), function(T,boolean)) -> boolean": "trino_any(list_transform($1, $2))",
        "none_match(array(T), function(T,boolean)) -> boolean": "(NOT trino_any(list_transform($1, $2)))",
        "array_distinct(array(T)) -> array(T)": "trino_array_distinct($1)",
        "array_except(array(T), array(T)) -> array(T)": "trino_array_except($1, $2)",
        "array_intersect(array(T), array(T)) -> array(T)": "trino_array_intersect($1, $2)",
        "array_union(array(T), array(T)) -> array(T)": "trino_array_distinct(trino_array_concat($1, $2))",
        "array_remove(array(T), T) -> array(T)": "trino_array_remove($1, $2)",
        "array_position(array(T), T) -> bigint": "trino_array_position($1, $2)",
        "array_max(array(T)) -> T": "trino_array_max($1)",
        "array_min(array(T)) -> T": "trino_array_min($1)",
        "arrays_overlap(array(T), array(T)) -> boolean": "trino_arrays_overlap($1, $2)",
        "contains_sequence(array(T), array(T)) -> boolean": "trino_contains_sequence($1, $2)",
        "combinations(array(T), bigint) -> array(array(T))": "trino_combinations($1, $2)",
        "filter(array(T), function(T,boolean)) -> array(T)": "list_filter($1, $2)",
        "find_first(array(T), function(T,boolean)) -> T": "list_extract(list_filter($1, $2), 1)",
        "flatten(array(array(T))) -> array(T)": "trino_flatten($1)",
        "ngrams(array(T), bigint) -> array(array(T))": "trino_ngrams($1, $2)",
        "repeat(T, bigint) -> array(T)": "trino_repeat($1, $2)",
        "reverse(array(T)) -> array(T)": "list_reverse($1)",
        "shuffle(array(T)) -> array(T)": (
            "list_transform(list_sort(list_transform($1, lambda x: {'k': random(), 'v': x})), lambda s: s.v)"
        ),
        "slice(array(T), bigint, bigint) -> array(T)": "trino_slice($1, $2, $3)",
        "trim_array(array(T), bigint) -> array(T)": "trino_trim_array($1, $2)",
        "transform(array(T), function(T,U)) -> array(U)": "list_transform($1, $2)",
        "element_at(array(T), bigint) -> T": "trino_element_at($1, $2)",
        "element_at(map(K,V), K) -> V": "list_extract(map_extract($1, $2), 1)",
        "map(array(K), array(V)) -> map(K,V)": "trino_map($1, $2)",
        "map_from_entries(array(row(K,V))) -> map(K,V)": "trino_map_from_entries($1)",
        "multimap_from_entries(array(row(K,V))) -> map(K,array(V))": "trino_multimap_agg(trino_pairs($1))",
        "map_keys(map(K,V)) -> array(K)": "map_keys($1)",
        "map_values(map(K,V)) -> array(V)": "map_values($1)",
        "map_concat(map(K,V), map(K,V) ...) -> map(K,V)": "trino_map_concat([...])",
    }
)


@arrays.handles("contains")
def _contains(call: Call) -> Value:
    items, item = call.values(2)
    if items.type.base != "array":
        raise call.unexpected()
    kind = common_type(items.type.element, item.type)
    if kind is None:
        raise call.unexpected()
    wanted = coerce(item, kind)
    name = "c0"
    found = compare_sql("=", Value(name, kind), wanted)
    matches = f"list_transform({coerce(items, array(kind)).sql}, lambda {name}: {found})"
    return Value(f"(CASE WHEN {wanted.sql} IS NULL THEN NULL ELSE trino_any({matches}) END)", BOOLEAN)


@arrays.handles("array_join")
def _join(call: Call) -> Value:
    items, separator, *missing = call.values(2, 3)
    if items.type.base != "array" or separator.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    text = text_of(Value("j0", items.type.element)) if items.type.element != UNKNOWN else "NULL"
    if text is None:
        raise call.unexpected()
    between = coerce(separator, VARCHAR).sql
    if missing:
        text = f"coalesce({text}, {coerce(missing[0], VARCHAR).sql})"
    texts = items.sql if text == "j0" else f"list_transform({items.sql}, lambda j0: {text})"
    return Value(f"trino_array_join({texts}, {between})", VARCHAR)


@arrays.handles("array_sort")
def _sort(call: Call) -> Value:
    items, *rest = call.args
    if not isinstance(items, Value) or items.type.base != "array" or len(rest) > 1:
        raise call.unexpected()
    if not rest:
        if not orderable(items.type.element):
            raise call.unexpected()
        return Value(f"list_sort({items.sql}, 'ASC', 'NULLS LAST')", items.type)
    comparator = rest[0]
    if not isinstance(comparator, Lambda) or comparator.arity != 2:
        raise call.unexpected()
    (one, two), body = comparator.bind((items.type.element, items.type.element))
    (later, earlier), reverse = comparator.bind((items.type.element, items.type.element))
    swapped = f"list_extract(list_transform([{two}], lambda {later}: {coerce(reverse, BIGINT).sql}), 1)"
    less = f"{coerce(body, BIGINT).sql} < 0 AND NOT {swapped} < 0".replace(earlier, one)
    before = f"list_filter({items.sql}, lambda {one}: {less})"
    ranked = f"list_transform({items.sql}, lambda {two}, i: {{'k': len({before}), 'i': i}})"
    return Value(f"list_transform(list_sort({ranked}), lambda s: list_extract({items.sql}, s.i))", items.type)


@arrays.handles("reduce")
def _reduce(call: Call) -> Value:
    if len(call.args) != 4:
        raise call.unexpected()
    items, start, step, finish = call.args
    if not isinstance(items, Value) or items.type.base != "array" or not isinstance(start, Value):
        raise call.unexpected()
    if not isinstance(step, Lambda) or step.arity != 2 or not isinstance(finish, Lambda) or finish.arity != 1:
        raise call.unexpected()
    state = start.type
    names, body = step.bind((state, items.type.element), FOLD_FIELDS)
    if not converts(body.type, state):
        raise QueryError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters for function reduce: the state is {state}, the function gives {body.type}",
        )
    folded = fold(items.sql, items.type.element, start, names, coerce(body, state))
    (last,), result = finish.bind((state,))
    final = f"list_extract(list_transform([{folded}], lambda {last}: {result.sql}), 1)"
    return Value(f"(CASE WHEN {items.sql} IS NULL THEN NULL ELSE {final} END)", result.type)


@arrays.handles("zip")
def _zip(call: Call) -> Value:
    values = call.values(2, 5)
    if any(value.type.base != "array" for value in values):
        raise call.unexpected()
    kind = array(row([(None, value.type.element) for value in values]))
    return Value(f"CAST(list_zip({', '.join(value.sql for value in values)}) AS {kind.duckdb})", kind)


@arrays.handles("zip_with")
def _zip_with(call: Call) -> Value:
    if len(call.args) != 3:
        raise call.unexpected()
    one, two, function = call.args
    if not isinstance(one, Value) or not isinstance(two, Value) or not isinstance(function, Lambda):
        raise call.unexpected()
    if one.type.base != "array" or two.type.base != "array" or function.arity != 2:
        raise call.unexpected()
    pairs = f"list_transform(list_zip({one.sql}, {two.sql}), lambda z: {{'s': z[1], 't': z[2]}})"
    (left, right), body = function.bind((one.type.element, two.type.element), FOLD_FIELDS)
    sql = body.sql.replace(f"{right}.t", f"{left}.t")
    return Value(f"list_transform({pairs}, lambda {left}: {sql})", array(body.type))


# --- maps ---------------------------------------------------------------------------------------------------------


@arrays.handles("map_entries")
def _entries(call: Call) -> Value:
    (value,) = call.values(1)
    if value.type.base != "map":
        raise call.unexpected()
    kind = array(row([(None, value.type.args[0]), (None, value.type.args[1])]))
    return Value(f"list_transform(map_entries({value.sql}), lambda e: {{'field0': e.key, 'field1': e.value}})", kind)


@arrays.handles("map_filter", "transform_keys", "transform_values")
def _map_lambda(call: Call) -> Value:
    if len(call.args) != 2:
        raise call.unexpected()
    value, function = call.args
    if not isinstance(value, Value) or value.type.base != "map" or not isinstance(function, Lambda):
        raise call.unexpected()
    if function.arity != 2:
        raise call.unexpected()
    key, item = value.type.args
    (left, right), body = function.bind((key, item), ("key", "value"))
    sql = body.sql.replace(f"{right}.value", f"{left}.value")
    entries = f"map_entries({value.sql})"
    if call.name == "map_filter":
        if body.type not in (BOOLEAN, UNKNOWN):
            raise call.unexpected()
        return Value(f"map_from_entries(list_filter({entries}, lambda {left}: {sql}))", value.type)
    changed = {"transform_keys": (sql, f"{left}.value"), "transform_values": (f"{left}.key", sql)}[call.name]
    pairs = f"list_transform({entries}, lambda {left}: {{'key': {changed[0]}, 'value': {changed[1]}}})"
    kind = map_of(body.type, item) if call.name == "transform_keys" else map_of(key, body.type)
    return Value(
        f"map_from_entries(CAST({pairs} AS STRUCT(key {kind.args[0].duckdb}, value {kind.args[1].duckdb})[]))", kind
    )


@arrays.handles("map_zip_with")
def _map_zip_with(call: Call) -> Value:
    if len(call.args) != 3:
        raise call.unexpected()
    one, two, function = call.args
    if not isinstance(one, Value) or not isinstance(two, Value) or not isinstance(function, Lambda):
        raise call.unexpected()
    if one.type.base != "map" or two.type.base != "map" or function.arity != 3:
        raise call.unexpected()
    key = common_type(one.type.args[0], two.type.args[0])
    if key is None:
        raise call.unexpected()
    kinds = (key, one.type.args[1], two.type.args[1])
    names, body = function.bind(kinds, ("k", "a", "b"))
    sql = body.sql
    for name, part in zip(names, ("k", "a", "b"), strict=True):
        sql = sql.replace(f"{name}.{part}", f"z.{part}")
    keys = f"trino_array_distinct(trino_array_concat(map_keys({one.sql}), map_keys({two.sql})))"
    parts = (
        f"{{'k': k, 'a': list_extract(map_extract({one.sql}, k), 1), 'b': list_extract(map_extract({two.sql}, k), 1)}}"
    )
    rows = f"list_transform({keys}, lambda k: {parts})"
    pairs = f"list_transform({rows}, lambda z: {{'key': z.k, 'value': {sql}}})"
    return Value(f"map_from_entries({pairs})", map_of(key, body.type))


@arrays.handles("map")
def _map(call: Call) -> Value:
    if call.args:
        return emit(*resolve("map", arrays.overloads["map"], call.args))
    kind = map_of(UNKNOWN, UNKNOWN)
    return Value("MAP([], [])", kind)


# --- sequences ----------------------------------------------------------------------------------------------------


@arrays.handles("sequence")
def _sequence(call: Call) -> Value:
    start, stop, *step = call.values(2, 3)
    if start.type.base in INTEGRAL and stop.type.base in INTEGRAL:
        if step and step[0].type.base not in INTEGRAL:
            raise call.unexpected()
        args = [coerce(value, BIGINT).sql for value in (start, stop, *step)]
        return Value(f"trino_sequence({', '.join(args) if step else f'{args[0]}, {args[1]}, NULL'})", array(BIGINT))
    kind = common_type(start.type, stop.type)
    if kind is None or kind.base not in {"date", "timestamp"} or (kind.base == "timestamp" and not step):
        raise call.unexpected()
    return _sequence_in_time(call, coerce(start, kind), coerce(stop, kind), step)


def _sequence_in_time(call: Call, start: Value, stop: Value, step: list[Value]) -> Value:
    kind = start.type
    by = (
        step[0]
        if step
        else Value(
            cast_sql(
                f"CASE WHEN {start.sql} <= {stop.sql} THEN {MILLIS_OF['day']} ELSE -{MILLIS_OF['day']} END", "BIGINT"
            ),
            DAY_SECOND,
        )
    )
    if by.type == YEAR_MONTH:
        items = f"trino_sequence_months(CAST({start.sql} AS TIMESTAMP), CAST({stop.sql} AS TIMESTAMP), {by.sql})"
    elif by.type == DAY_SECOND:
        items = f"trino_sequence_millis(CAST({start.sql} AS TIMESTAMP), CAST({stop.sql} AS TIMESTAMP), {by.sql})"
    else:
        raise call.unexpected()
    return Value(cast_sql(items, array(kind).duckdb), array(kind))
