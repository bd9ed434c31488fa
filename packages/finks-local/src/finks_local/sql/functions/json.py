"""JSON functions (functions/json); JSON is text, and Python reads it as Trino does."""

from __future__ import annotations

from finks_local.sql.functions.registry import Call, Family
from finks_local.sql.json_sql import json_text
from finks_local.sql.types import BIGINT, BOOLEAN, JSON, VARCHAR
from finks_local.sql.value import Value

jsons = Family()
jsons.declare(
    {
        "json_parse(varchar) -> json": "trino_json_parse($1)",
        "json_format(json) -> varchar": "$1",
        "is_json_scalar(json) -> boolean": "trino_is_json_scalar($1)",
        "is_json_scalar(varchar) -> boolean": "trino_is_json_scalar($1)",
        "json_array_length(json) -> bigint": "trino_json_array_length($1)",
        "json_array_length(varchar) -> bigint": "trino_json_array_length($1)",
        "json_array_get(json, bigint) -> json": "trino_json_array_get($1, $2)",
        "json_array_get(varchar, bigint) -> json": "trino_json_array_get($1, $2)",
    }
)


def _document(call: Call, value: Value) -> str:
    if value.type != JSON and value.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    return value.sql if value.type.base != "unknown" else "CAST(NULL AS VARCHAR)"


@jsons.handles("json_extract", "json_extract_scalar", "json_size")
def _extract(call: Call) -> Value:
    document, path = call.values(2)
    if path.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    result = {"json_extract": JSON, "json_extract_scalar": VARCHAR, "json_size": BIGINT}[call.name]
    return Value(f"trino_{call.name}({_document(call, document)}, {path.sql})", result)


@jsons.handles("json_array_contains")
def _contains(call: Call) -> Value:
    document, value = call.values(2)
    text = json_text(value)
    if text is None or value.type.args:
        raise call.unexpected()
    return Value(f"trino_json_array_contains({_document(call, document)}, {text})", BOOLEAN)
