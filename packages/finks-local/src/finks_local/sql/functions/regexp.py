"""Regular expression functions (functions/regexp).

`regexp_like` runs in DuckDB where RE2 reads the pattern as Java does. Everything else runs in Python, whose matches,
empty ones too, fall where Java's do.
"""

from __future__ import annotations

from finks_local.sql.errors import QueryError
from finks_local.sql.functions.registry import Call, Family
from finks_local.sql.javaregex import java_regex
from finks_local.sql.types import BOOLEAN, VARCHAR, array
from finks_local.sql.value import Lambda, Value, text_literal, unsupported

regexps = Family()
regexps.declare(
    {
        "regexp_position(varchar, varchar) -> integer": "trino_regexp_position($1, $2, 1, 1)",
        "regexp_position(varchar, varchar, bigint) -> integer": "trino_regexp_position($1, $2, $3, 1)",
        "regexp_position(varchar, varchar, bigint, bigint) -> integer": "trino_regexp_position($1, $2, $3, $4)",
        "regexp_count(varchar, varchar) -> bigint": "len(trino_regexp_groups($1, $2, 0))",
        "regexp_split(varchar, varchar) -> array(varchar)": "trino_regexp_split($1, $2)",
    }
)


def _texts(call: Call, least: int, most: int) -> list[Value]:
    values = call.values(least, most)
    if any(value.type.base not in {"varchar", "char", "unknown"} for value in values[:2]):
        raise call.unexpected()
    if isinstance(values[1].constant, str):
        java_regex(values[1].constant)
    return values


@regexps.handles("regexp_like")
def _like(call: Call) -> Value:
    text, pattern = _texts(call, 2, 2)
    spelled = java_regex(pattern.constant).re2 if isinstance(pattern.constant, str) else None
    if spelled is not None:
        return Value(f"regexp_matches(CAST({text.sql} AS VARCHAR), {text_literal(spelled)})", BOOLEAN)
    return Value(f"trino_regexp_like(CAST({text.sql} AS VARCHAR), {pattern.sql})", BOOLEAN)


def _group(pattern: Value, rest: list[Value]) -> str:
    if not rest:
        return "0"
    group = rest[0].constant
    if isinstance(pattern.constant, str) and isinstance(group, int):
        count = java_regex(pattern.constant).groups
        if not 0 <= group <= count:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Pattern has {count} groups. Cannot access group {group}")
    return rest[0].sql


@regexps.handles("regexp_extract", "regexp_extract_all")
def _extract(call: Call) -> Value:
    text, pattern, *rest = _texts(call, 2, 3)
    arguments = f"{text.sql}, {pattern.sql}, {_group(pattern, rest)}"
    if call.name == "regexp_extract":
        return Value(f"trino_regexp_first({arguments})", VARCHAR)
    return Value(f"trino_regexp_groups({arguments})", array(VARCHAR))


@regexps.handles("regexp_replace")
def _replace(call: Call) -> Value:
    if len(call.args) == 3 and isinstance(call.args[2], Lambda):
        return _replace_by(call)
    text, pattern, *rest = _texts(call, 2, 3)
    replacement = rest[0].sql if rest else "''"
    return Value(f"trino_regexp_replace({text.sql}, {pattern.sql}, {replacement})", VARCHAR)


def _replace_by(call: Call) -> Value:
    text, pattern, function = call.args
    if not isinstance(text, Value) or not isinstance(pattern, Value) or not isinstance(function, Lambda):
        raise call.unexpected()
    if function.arity != 1:
        raise call.unexpected()
    (groups,), body = function.bind((array(VARCHAR),))
    if body.type.base not in {"varchar", "unknown"}:
        raise unsupported(f"regexp_replace with a function that gives {body.type}")
    found = f"trino_regexp_all_groups({text.sql}, {pattern.sql})"
    replaced = f"CAST(list_transform({found}, lambda {groups}: {body.sql}) AS VARCHAR[])"
    return Value(f"trino_interleave(trino_regexp_split({text.sql}, {pattern.sql}), {replaced})", VARCHAR)
