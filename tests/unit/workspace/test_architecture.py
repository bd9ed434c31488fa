"""The folder tree is the architecture: imports run one way, without cycles, and `import finks` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

LAYERS = {
    "errors": 0, "redact": 0, "loopback": 1, "contract": 1, "observe": 1, "source": 2, "returns": 2, "plugins": 3,
    "lake": 4, "testing": 5, "notify": 5, "transform": 5, "lineage": 5, "run": 6, "cli": 7,
}  # fmt: skip
PACKAGES = {"finks": 0, "finks_connectors": 1, "finks_api": 1, "finks_local": 1, "finks_flows": 2, "finks_infra": 3}
HEAVY = (
    "dbt", "duckdb", "prefect", "boto3", "pyspark", "pandas", "finks_connectors", "typer", "rich", "opentelemetry",
    "structlog", "openlineage", "sqlglot", "exchange_calendars", "cronsim",
)  # fmt: skip


def modules(repository: Path) -> dict[str, Path]:
    found = {}
    for file in repository.glob("packages/*/src/**/*.py"):
        parts = file.relative_to(file.parents[len(file.parents) - 1]).parts
        name = ".".join(parts[parts.index("src") + 1 :]).removesuffix(".py").removesuffix(".__init__")
        found[name] = file
    return found


def imported(file: Path, known: dict[str, Path]) -> set[str]:
    """Modules imported when this one is, not inside functions or under TYPE_CHECKING."""
    names: set[str] = set()
    pending: list[ast.AST] = list(ast.parse(file.read_text()).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= parts & set(known) or {node.module}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending.extend(ast.iter_child_nodes(node))
    return names


def edges(repository: Path) -> dict[str, set[str]]:
    known = modules(repository)
    graph: dict[str, set[str]] = defaultdict(set)
    for name, file in known.items():
        graph[name] = {target for target in imported(file, known) if target in known and target != name}
    return graph


def layer(module: str) -> int | None:
    parts = module.split(".")
    return LAYERS.get(parts[1]) if len(parts) > 1 else None


def test_imports_inside_the_core_run_one_way(repository):
    wrong = [
        (name, target)
        for name, targets in edges(repository).items()
        for target in targets
        if name.startswith("finks.") and target.startswith("finks.")
        if (a := layer(name)) is not None and (b := layer(target)) is not None and b > a
    ]
    assert wrong == []


def test_every_part_of_the_core_has_a_layer(repository):
    parts = {name.split(".")[1] for name in modules(repository) if name.startswith("finks.")}
    assert parts <= set(LAYERS)


def test_imports_between_packages_run_one_way(repository):
    wrong = [
        (name, target)
        for name, targets in edges(repository).items()
        for target in targets
        if PACKAGES[target.split(".")[0]] > PACKAGES[name.split(".")[0]]
    ]
    assert wrong == []


def test_there_is_no_import_cycle(repository):
    graph = edges(repository)
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in finished:
            for target in graph[name]:
                visit(target, (*path, name))
            finished.add(name)

    for name in list(graph):
        visit(name, ())


@pytest.mark.parametrize("module", ["finks", "finks.contract", "finks.source"])
def test_importing_the_library_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([n for n in {HEAVY!r} if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_no_module_is_longer_than_a_thousand_lines(repository):
    assert [f for f in modules(repository).values() if len(f.read_text().splitlines()) > 1000] == []


def test_gold_on_aws_is_read_without_what_is_too_large_for_lambda():
    code = """
import sys
sys.modules.update(dict.fromkeys(("polars", "duckdb", "pandas", "pyspark", "dbt", "numpy")))  # none can be imported
import finks.lake.athena_rows, finks.lake.athena_sql, finks.lake.glue, finks.lake.gold, finks.lake.place
import finks.lake.s3_place, finks_api.settings
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
