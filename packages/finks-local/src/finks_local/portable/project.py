"""A whole dbt project, by the manifest that `dbt compile` leaves: types run from the sources through every model."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from finks_local.portable.findings import Finding
from finks_local.portable.statement import check

Node = Mapping[str, Any]


def check_project(manifest: Path) -> dict[str, tuple[Finding, ...]]:
    """Look at every compiled model and data test.

    Args:
        manifest: `manifest.json` of `dbt compile --target athena`. Columns of sources need a `data_type`.

    Returns:
        The path of each file with findings, relative to the target directory, and the findings. Lines are those of
        the compiled SQL, which `dbt compile` writes there.
    """
    content = json.loads(manifest.read_text(encoding="utf-8"))
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = defaultdict(lambda: defaultdict(dict))
    for source in content["sources"].values():
        if declared := _declared(source):
            schema[source["database"]][source["schema"]][source["identifier"]] = declared
    found: dict[str, tuple[Finding, ...]] = {}
    for node in _in_order(content["nodes"]):
        checked = check(node["compiled_code"], schema)
        if node["resource_type"] != "test" and checked.columns:
            schema[node["database"]][node["schema"]][node["alias"]] = {**checked.columns, **_declared(node)}
        if checked.findings:
            found[_path(node)] = checked.findings
    return found


def _declared(node: Node) -> dict[str, str]:
    return {name: column["data_type"] for name, column in node["columns"].items() if column.get("data_type")}


def _in_order(nodes: Mapping[str, Node]) -> Iterator[Node]:
    """What has compiled SQL, each after what it reads."""
    order = TopologicalSorter({name: node.get("depends_on", {}).get("nodes", []) for name, node in nodes.items()})
    for name in order.static_order():
        node = nodes.get(name, {})
        if node.get("compiled_code") and node["resource_type"] in {"model", "test", "snapshot"}:
            yield node


def _path(node: Node) -> str:
    """Below the target directory. `compiled_path` is absolute, or relative to where dbt ran."""
    path = str(node.get("compiled_path") or node["original_file_path"]).replace("\\", "/")
    _, mark, below = path.partition("compiled/")
    return mark + below if mark else path
