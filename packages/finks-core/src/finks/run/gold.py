"""Silver to Gold: run the dbt project into a scratch database, publish its marts only after every test passed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from finks.errors import ConfigurationError, MissingExtraError, QualityError

MARTS = "marts"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a dbt build said.

    Attributes:
        database: The DuckDB file that it built into.
        marts: Mart name to its schema-qualified relation.
        tests: How many data and unit tests ran.
        failures: One line for every node that failed; what was skipped because of it is not listed.
    """

    database: Path
    marts: dict[str, str]
    tests: int
    failures: tuple[str, ...]


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
    lake: str,
    scratch: Path,
    *,
    logical_date: date,
    as_of: datetime | None,
    timeout: float,
) -> BuildResult:
    """Run `dbt build` (models, data tests, unit tests) in a process of its own.

    Args:
        project: The dbt project's directory.
        lake: The lake's address; its Silver tables are the sources.
        scratch: A new directory for the database, dbt's target and its logs; nothing in the project is written.
        as_of: Knowledge time of the sources; None for all that is known.
        timeout: Seconds until the process is ended.

    Raises:
        MissingExtraError: dbt is not installed.
        QualityError: dbt did not get as far as results, or ran out of time.
    """
    database = scratch / "gold.duckdb"
    variables: dict[str, Any] = {"logical_date": logical_date.isoformat()}
    if as_of is not None:
        variables["as_of"] = as_of.isoformat()
    command = [
        sys.executable, "-m", "dbt.cli.main", "build",
        "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
        "--vars", json.dumps(variables), "--no-use-colors",
    ]  # fmt: skip
    environment = {**os.environ, "FINKS_LAKE": lake, "FINKS_GOLD_DATABASE": str(database), "DO_NOT_TRACK": "1"}
    try:
        process = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            command, env=environment, cwd=scratch, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise QualityError(
            "The dbt build took too long and was ended.", where=str(project), expected=f"at most {timeout:.0f} seconds"
        ) from None
    results = scratch / "target" / "run_results.json"
    if not results.exists():
        _refuse(process, project)
    return _read_results(scratch / "target", database)


def _refuse(process: subprocess.CompletedProcess[str], project: Path) -> None:
    output = (process.stdout + process.stderr).strip()
    if "No module named 'dbt" in output or "No module named dbt" in output:
        raise MissingExtraError("dbt is not installed.", hint="pip install 'finks-core[gold]'")
    raise QualityError("dbt could not build the project.", where=str(project), got=output[-2000:])


def _read_results(target: Path, database: Path) -> BuildResult:
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    failures = tuple(
        f"{row['unique_id']}: {row['status']}{': ' + row['message'] if row.get('message') else ''}"
        for row in results
        if row["status"] in {"error", "fail", "runtime error"}
    )
    tests = sum(row["unique_id"].split(".")[0] in {"test", "unit_test"} for row in results)
    marts = {
        node["name"]: f'"{node["schema"]}"."{node.get("alias") or node["name"]}"'
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and MARTS in node["fqn"][:-1]
    }
    return BuildResult(database, marts, tests, failures)


def read_marts(build: BuildResult) -> dict[str, pa.Table]:
    """The marts of a finished build as Arrow tables, by name."""
    import duckdb

    with duckdb.connect(str(build.database), read_only=True) as connection:
        return {
            name: connection.sql(f"select * from {relation}").to_arrow_table()  # noqa: S608 - names come from dbt
            for name, relation in build.marts.items()
        }
