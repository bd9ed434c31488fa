"""The dbt sources file, written from the contracts: one source table for each Silver table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from finks.contract.spec import Bound, CompiledContract, FieldSpec, Kind

HEADER = """\
# Generated from the contracts by finks.run.gold.dbt_sources. Do not edit: change the contract and generate again.
"""

DESCRIPTION = "Silver: every version of every record, append-only. Read a version of it through the staging models."

INSTANT = "timestamp(6) with time zone"

SYSTEM_COLUMNS: Mapping[str, tuple[str, str]] = {
    "_known_at": (INSTANT, "When finks first saw this version (UTC)."),
    "_seq": ("integer", "Orders versions that became known at the same instant."),
    "_retracted": ("boolean", "Whether this version says that the source took the record back."),
    "_bronze_ref": ("varchar", "The response in Bronze that this version was read from."),
    "_run_id": ("varchar", "The run that wrote this version."),
    "_source": ("varchar", "The source that the record came from."),
    "_row_hash": ("bigint", "A hash of the values, to compare versions of one key."),
}
"""Type and description of what Silver adds to a contract's columns."""

TYPES: Mapping[Kind, str] = {
    Kind.STRING: "varchar",
    Kind.INTEGER: "bigint",
    Kind.FLOAT: "double",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: INSTANT,
}
"""What SQL calls a kind; a decimal has its precision besides."""

ORDERING = frozenset({"_known_at", "_seq", "_retracted"})
"""What decides which version counts; a null there would hide a record."""

Node = Mapping[str, Any] | list[Any] | str | int | float | bool


@dataclass(frozen=True, slots=True)
class Freshness:
    """After how many days without a new version dbt warns, or fails."""

    warn_after_days: int
    error_after_days: int | None = None


def render(
    streams: Mapping[str, CompiledContract],
    *,
    freshness: Mapping[str, Freshness] | None = None,
    schema: str = "{{ var('silver_schema') }}",
) -> str:
    """The text of a dbt `_sources.yml`.

    Args:
        streams: The contract of each Silver table, by table name, for example `fmp_daily_bars`.
        freshness: How old a table may be, by table name. A table whose records seldom change has none: Silver
            gets a row only when something is new.
        schema: The schema that holds the tables, as dbt reads it.

    Returns:
        YAML with descriptions and SQL types, the column tests that follow from the contract (not_null,
        accepted_values, accepted_range) and a test that no two versions of a key claim the same place in its history.
    """
    ages = freshness or {}
    source = {
        "name": "silver",
        "schema": schema,
        "description": DESCRIPTION,
        "tables": [_table(name, contract, ages.get(name)) for name, contract in sorted(streams.items())],
    }
    return HEADER + "\n".join(_lines({"version": 2, "sources": [source]}, 0)) + "\n"


def _table(name: str, contract: CompiledContract, freshness: Freshness | None) -> dict[str, Node]:
    table: dict[str, Node] = {
        "name": name,
        "description": f"{_sentence(contract.description)} Contract {contract.name} {contract.version}.",
    }
    if freshness is not None:
        table["config"] = {"loaded_at_field": "_known_at", "freshness": _freshness(freshness)}
    place = [*contract.key, "_known_at", "_seq"]
    table["data_tests"] = [{"unique_combination": {"arguments": {"columns": place}}}]
    table["columns"] = [_column(field) for field in contract.fields] + [
        _system_column(name, kind, text) for name, (kind, text) in SYSTEM_COLUMNS.items()
    ]
    return table


def _freshness(freshness: Freshness) -> dict[str, Node]:
    limits: dict[str, Node] = {"warn_after": {"count": freshness.warn_after_days, "period": "day"}}
    if freshness.error_after_days is not None:
        limits["error_after"] = {"count": freshness.error_after_days, "period": "day"}
    return limits


def _column(field: FieldSpec) -> dict[str, Node]:
    unit = f" Unit: {field.unit}." if field.unit else ""
    column: dict[str, Node] = {
        "name": field.name,
        "data_type": _sql_type(field),
        "description": f"{field.description}{unit}".strip(),
    }
    tests = list(_tests(field))
    if tests:
        column["data_tests"] = tests
    return column


def _sql_type(field: FieldSpec) -> str:
    return f"decimal({field.precision},{field.scale})" if field.kind is Kind.DECIMAL else TYPES[field.kind]


def _system_column(name: str, kind: str, text: str) -> dict[str, Node]:
    column: dict[str, Node] = {"name": name, "data_type": kind, "description": text}
    if name in ORDERING:
        column["data_tests"] = ["not_null"]
    return column


def _tests(field: FieldSpec) -> Iterator[Node]:
    if not field.nullable:
        yield "not_null"
    if field.values:
        yield {"accepted_values": {"arguments": {"values": list(field.values)}}}
    if field.kind in {Kind.DECIMAL, Kind.INTEGER, Kind.FLOAT, Kind.DATE}:
        yield from _ranges(field)


def _ranges(field: FieldSpec) -> Iterator[Node]:
    for lower, upper, inclusive in ((field.ge, field.le, True), (field.gt, field.lt, False)):
        bounds = {"min_value": lower, "max_value": upper}
        arguments: dict[str, Node] = {name: _sql(bound) for name, bound in bounds.items() if bound is not None}
        if arguments:
            yield {"accepted_range": {"arguments": arguments | {"inclusive": inclusive}}}


def _sql(bound: Bound) -> str:
    """The bound as a SQL literal that every engine reads."""
    if isinstance(bound, date) and not isinstance(bound, datetime):
        return f"date '{bound.isoformat()}'"
    return str(bound)


def _sentence(text: str) -> str:
    """The first paragraph of a docstring on one line, with a full stop."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return line if line.endswith(".") or not line else f"{line}."


def _lines(node: Node, depth: int) -> Iterator[str]:
    """Block-style YAML; texts are JSON strings, which YAML reads the same way."""
    indent = "  " * depth
    if isinstance(node, Mapping):
        for key, value in node.items():
            if _is_block(value):
                yield f"{indent}{key}:"
                yield from _lines(value, depth + 1)
            else:
                yield f"{indent}{key}: {_scalar(value)}"
    elif isinstance(node, list):
        for item in node:
            first, *rest = list(_lines(item, depth + 1)) if _is_block(item) else [_scalar(item)]
            yield f"{indent}- {first.strip()}"
            yield from rest


def _is_block(node: Node) -> bool:
    """Whether a node takes lines of its own: a mapping, or a list of mappings."""
    return isinstance(node, Mapping) or (isinstance(node, list) and any(isinstance(item, Mapping) for item in node))


def _scalar(node: Node) -> str:
    return json.dumps(node, ensure_ascii=False)
