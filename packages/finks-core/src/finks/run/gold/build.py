"""Silver to Gold: run the dbt project on an engine; its marts are published only after every test passed."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from finks.errors import ConfigurationError, MissingExtraError, QualityError
from finks.lineage.model import Model, Source
from finks.observe import child_environment, record_span
from finks.run.gold import dbt_artifacts
from finks.run.gold.dbt_spans import dbt_spans
from finks.run.gold.engines import GoldEngine
from finks.run.jobs import Process, watch

MARTS = "marts"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a dbt build said.

    Attributes:
        marts: Mart name to the schema and the name of its relation.
        tests: How many data and unit tests ran.
        failures: One line for every node that failed; what was skipped because of it is not listed.
        scanned_bytes: What the statements of models and tests read, where the engine bills by that; else 0.
        models: What was made of each model.
        sources: The tables that they are made of.
    """

    marts: dict[str, tuple[str, str]]
    tests: int
    failures: tuple[str, ...]
    scanned_bytes: int = 0
    models: list[Model] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


def project_directory(setting: Path | None) -> Path:
    """The dbt project: the one that was set, else the one beside the installed or checked-out package.

    Raises:
        ConfigurationError: There is none.
    """
    candidates = [setting] if setting else [parent / "dbt" for parent in Path(__file__).resolve().parents]
    for candidate in candidates:
        if (candidate / "dbt_project.yml").exists():
            return candidate
    raise ConfigurationError(
        "There is no dbt project.",
        where=str(setting) if setting else "[gold] project",
        expected="a directory with dbt_project.yml",
        hint="Set [gold] project to the path of finks' dbt project, or [gold] enabled = false.",
    )


def source_tables(project: Path) -> set[str]:
    """The Silver tables that the project's models are made of.

    Raises:
        MissingExtraError: dbt, which brings the YAML reader, is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("dbt is not installed.", hint="pip install 'finks-core[gold]'") from None
    found: set[str] = set()
    for file in project.glob("models/**/*.yml"):
        for source in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("sources", []):
            if source["name"] == "silver":
                found |= {table["name"] for table in source["tables"]}
    return found


def dbt_build(
    project: Path,
    engine: GoldEngine,
    scratch: Path,
    *,
    logical_date: date,
    as_of: datetime | None,
    timeout: float,
    stop: Callable[[], bool],
) -> BuildResult:
    """Run `dbt build` (models, data tests, unit tests) in a process of its own, which ends with this one.

    Args:
        project: The dbt project's directory.
        engine: What runs the SQL.
        scratch: A new directory for dbt's target and logs, and the engine; nothing in the project is written.
        as_of: Knowledge time of the sources; None for all that is known.
        timeout: Seconds until the process is ended.
        stop: Whether the run was asked to stop; the process is then ended.

    Raises:
        MissingExtraError: dbt, or its adapter for the engine, is not installed.
        QualityError: dbt did not get as far as results.
        DeadlineExceededError: It ran out of time.
        StoppedError: The run was asked to stop.
    """
    variables: dict[str, Any] = {"logical_date": logical_date.isoformat(), "silver_schema": engine.silver}
    if as_of is not None:
        variables["as_of"] = as_of.isoformat()
    command = [
        sys.executable, "-m", "dbt.cli.main", "build",
        "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
        "--vars", json.dumps(variables), "--no-use-colors",
    ]  # fmt: skip
    process = Process(
        command,
        environment={**os.environ, **engine.environment(scratch), **child_environment(), "DO_NOT_TRACK": "1"},
        folder=scratch,
        # On this signal dbt cancels what runs in Athena; on others it just dies.
        ending=signal.SIGINT,
    )
    ending = watch(process, stop=stop, timeout=timeout, poll=1)
    if not (scratch / "target" / "run_results.json").exists():
        _refuse(process.output.strip(), project, engine)
    built = _read_results(scratch / "target")
    if ending.failure is not None and not built.failures:
        # A dbt that somebody else ended leaves results without the nodes that it did not come to.
        raise QualityError("dbt did not come to its end.", where=str(project), got=process.output[-2000:])
    return built


def _refuse(output: str, project: Path, engine: GoldEngine) -> None:
    if any(text in output for text in ("No module named 'dbt", "No module named dbt", "Could not find adapter type")):
        raise MissingExtraError(
            "dbt, or its adapter, is not installed.", hint=f"pip install 'finks-core[{engine.extra}]'"
        )
    raise QualityError("dbt could not build the project.", where=str(project), got=output[-2000:])


def _read_results(target: Path) -> BuildResult:
    told = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    for node in dbt_spans(told):
        record_span(node.name, node.begin, node.end, node.failure, **node.attributes)
    results = told["results"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    failures = tuple(
        f"{row['unique_id']}: {row['status']}{': ' + row['message'] if row.get('message') else ''}"
        for row in results
        if row["status"] in {"error", "fail", "runtime error"}
    )
    tests = sum(row["unique_id"].split(".")[0] in {"test", "unit_test"} for row in results)
    marts = {
        node["name"]: (node["schema"], node.get("alias") or node["name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and MARTS in node["fqn"][:-1]
    }
    scanned = sum(int(row["adapter_response"].get("data_scanned_in_bytes") or 0) for row in results)
    made = dbt_artifacts.models(manifest, results)
    return BuildResult(marts, tests, failures, scanned, made, dbt_artifacts.sources(manifest))
