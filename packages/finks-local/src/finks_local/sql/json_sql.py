"""Casts to and from JSON (functions/json, "Cast to JSON", "Cast from JSON"), directed by the type."""

from __future__ import annotations

from finks_local.sql.errors import QueryError
from finks_local.sql.types import TrinoType
from finks_local.sql.value import Value, text_literal
from finks_local.sql.valuetext import text_of


def json_text(value: Value, depth: int = 0) -> str | None:
    """JSON text of a value; None where Trino has no such cast."""
    sql, kind = value.sql, value.type
    match kind.base:
        case "json":
            return sql
        case "boolean" | "tinyint" | "smallint" | "integer" | "bigint":
            return f"CAST({sql} AS VARCHAR)"
        case "decimal":
            return f"CAST({sql} AS VARCHAR)"
        case "real" | "double":
            return f"trino_json_number(CAST({sql} AS DOUBLE))" if kind.base == "double" else f"trino_json_real({sql})"
        case "varchar" | "char":
            return f"CAST(to_json({sql}) AS VARCHAR)"
        case "date" | "timestamp" | "timestamp with time zone":
            return f"('\"' || {text_of(value)} || '\"')"
        case "array" | "map" | "row":
            return _nested_text(value, depth)
        case _:
            return None


def _required(value: Value, depth: int) -> str:
    text = json_text(value, depth)
    if text is None:
        raise QueryError("TYPE_MISMATCH", f"Cannot cast {value.type.trino} to json")
    return f"coalesce({text}, 'null')"


def _nested_text(value: Value, depth: int) -> str:
    sql, kind = value.sql, value.type
    item = f"j{depth}"
    if kind.base == "array":
        inner = _required(Value(item, kind.element), depth + 1)
        return f"('[' || array_to_string(list_transform({sql}, lambda {item}: {inner}), ',') || ']')"
    if kind.base == "map":
        key = f"CAST(to_json(CAST({item}.key AS VARCHAR)) AS VARCHAR)"
        inner = _required(Value(f"{item}.value", kind.args[1]), depth + 1)
        entries = f"list_sort(map_entries({sql}))"
        return (
            f"('{{' || array_to_string(list_transform({entries}, lambda {item}: {key} || ':' || {inner}), ',') || '}}')"
        )
    fields: list[str] = []
    for (written, _), (name, field) in zip(kind.fields, kind.named_fields, strict=True):
        inner = _required(Value(f"struct_extract({sql}, {text_literal(name)})", field), depth + 1)
        label = '"' + (written or "").replace("\\", "\\\\").replace('"', '\\"') + '":'
        fields.append(f"{text_literal(label)} || {inner}")
    body = " || ',' || ".join(fields)
    return f"(CASE WHEN {sql} IS NOT NULL THEN '{{' || {body} || '}}' END)"


def from_json(sql: str, target: TrinoType) -> str | None:
    """JSON text as a value of `target`; None where Trino has no such cast."""
    if not _castable(target):
        return None
    spelled = f"trino_from_json({sql}, {text_literal(target.trino)})"
    match target.base:
        case "array" | "map" | "row":
            return f"CAST(CAST({spelled} AS JSON) AS {target.duckdb})"
        case "varchar":
            return spelled
        case _:
            return f"CAST({spelled} AS {target.duckdb})"


def _castable(target: TrinoType) -> bool:
    scalars = {"boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "decimal", "varchar"}
    scalars |= {"date", "timestamp", "json"}
    if target.base == "map":
        return target.args[0].base in scalars - {"json"} and _castable(target.args[1])
    return target.base in scalars or (bool(target.args) and all(_castable(arg) for arg in target.args))
