"""What a dbt build leaves behind (manifest v12, run results v6), as the models that lineage is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finks.lineage.model import Field, Model, Source
from finks.run.gold.dbt_spans import time_of

Node = Mapping[str, Any]

_MADE = ("model", "seed", "snapshot")
"""Kinds of nodes that leave a relation."""


def models(manifest: Mapping[str, Any], results: Sequence[Node]) -> list[Model]:
    """The relations that a build made, or tried to. An ephemeral model is part of those that use it."""
    ran = {row["unique_id"]: row for row in results}
    return [
        _model(manifest, node, ran[name])
        for name, node in manifest["nodes"].items()
        if name in ran and node["resource_type"] in _MADE and not _is_ephemeral(node)
    ]


def sources(manifest: Mapping[str, Any]) -> list[Source]:
    """The tables that the project declares as its sources."""
    return [Source(_label(node), _relation(node), tuple(node["columns"])) for node in manifest["sources"].values()]


def _model(manifest: Mapping[str, Any], node: Node, row: Node) -> Model:
    times = [part for part in row["timing"] if part.get("started_at") and part.get("completed_at")]
    generated = manifest["metadata"]["generated_at"]
    rows = row["adapter_response"].get("rows_affected")
    return Model(
        name=node["name"],
        relation=_relation(node),
        inputs=tuple(sorted(_inputs(manifest, node))),
        fields=tuple(
            Field(name, column.get("data_type") or "", column.get("description") or "")
            for name, column in node["columns"].items()
        ),
        sql=row.get("compiled_code") or node.get("compiled_code") or "",
        dialect=manifest["metadata"]["adapter_type"],
        status=row["status"],
        message=row.get("message") or "",
        started_at=time_of(times[0]["started_at"] if times else generated),
        finished_at=time_of(times[-1]["completed_at"] if times else generated),
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
    )


def _inputs(manifest: Mapping[str, Any], node: Node) -> set[str]:
    found: set[str] = set()
    for name in node["depends_on"].get("nodes", []):
        source = manifest["sources"].get(name)
        if source is not None:
            found.add(_label(source))
        elif (parent := manifest["nodes"].get(name)) is not None:
            found |= _inputs(manifest, parent) if _is_ephemeral(parent) else {f"build.{parent['name']}"}
    return found


def _label(source: Node) -> str:
    return f"{source['source_name']}.{source['identifier']}"


def _is_ephemeral(node: Node) -> bool:
    return node["config"].get("materialized") == "ephemeral"


def _relation(node: Node) -> tuple[str, str, str]:
    name = node.get("identifier") or node.get("alias") or node["name"]
    return node["database"] or "", node["schema"] or "", name
