"""A dbt project that knows nothing of finks, built on the local Athena: first run, incremental run, full refresh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pyathena
import pytest

PROJECT = Path(__file__).parent / "project"
BUCKET = "s3://sensors"
DAYS = ("--event-time-start", "2024-03-01", "--event-time-end", "2024-03-04")

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Done:
    """A dbt command that ended: its exit code, what it printed, and the status of every node by name."""

    exit_code: int
    output: str
    statuses: Mapping[str, str]
    target: Path

    def artifact(self, name: str) -> dict[str, Any]:
        return json.loads((self.target / name).read_text())


@dataclass(frozen=True)
class Pass:
    """One build and what it left: rows of every table, by name, their columns, and what Glue says of it."""

    build: Done
    rows: Mapping[str, Rows]
    columns: Mapping[str, Sequence[str]]
    glue: Mapping[str, dict[str, Any]]

    def named(self, table: str) -> list[dict[str, Any]]:
        return [dict(zip(self.columns[table], row, strict=True)) for row in self.rows[table]]


class Warehouse:
    """The project's tables as a client of Athena sees them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        credentials = {
            "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
            "region_name": variables["AWS_DEFAULT_REGION"],
        }
        self.glue = boto3.client("glue", endpoint_url=variables["AWS_ENDPOINT_URL_GLUE"], **credentials)
        self.s3 = boto3.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"], **credentials)
        self._athena = pyathena.connect(
            endpoint_url=variables["AWS_ENDPOINT_URL_ATHENA"],
            s3_staging_dir=f"{BUCKET}/looks/",
            poll_interval=0.05,
            **credentials,
        )

    def query(self, sql: str) -> Rows:
        return self._athena.cursor().execute(sql).fetchall()

    def tables(self, database: str) -> dict[str, dict[str, Any]]:
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=database)["TableList"]}

    def look(self, database: str, table: str) -> tuple[list[str], Rows]:
        """The columns and the rows of a table; the rows in an order of their own."""
        cursor = self._athena.cursor().execute(f'select * from "{database}"."{table}"')
        return [column[0] for column in cursor.description], sorted(cursor.fetchall(), key=repr)


@pytest.fixture(scope="module")
def variables(local_aws) -> dict[str, str]:
    """The environment that dbt gets: nothing but AWS's own variables, and the bucket."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**others, **local_aws.environment, "SENSORS_BUCKET": BUCKET, "DO_NOT_TRACK": "1"}


@pytest.fixture(scope="module")
def warehouse(variables) -> Warehouse:
    warehouse = Warehouse(variables)
    warehouse.s3.create_bucket(Bucket=BUCKET.removeprefix("s3://"))
    return warehouse


@pytest.fixture(scope="module")
def dbt(variables, tmp_path_factory) -> Callable[..., Done]:
    """Runs `dbt COMMAND …`; keywords are dbt variables."""

    def run(*arguments: str, **vars: Any) -> Done:
        target = tmp_path_factory.mktemp("target")
        places = ["--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", target, "--log-path", target]
        command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments, *places]
        done = subprocess.run(
            [*map(str, command), "--vars", json.dumps(vars)],
            env=variables,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        file = target / "run_results.json"
        results = json.loads(file.read_text())["results"] if file.exists() else []
        statuses = {name(result["unique_id"]): result["status"] for result in results}
        return Done(done.returncode, done.stdout + done.stderr, statuses, target)

    return run


def name(unique_id: str) -> str:
    """The last part; but a generic test's is followed by a hash, and a hook's by a number."""
    kind, _, *rest = unique_id.split(".")
    return rest[1] if kind == "unit_test" else rest[0]


@pytest.fixture(scope="module")
def passes(dbt, warehouse) -> list[Pass]:
    """First run, incremental run after new data, full refresh."""

    def build(*arguments: str, phase: int) -> Pass:
        done = dbt("build", *DAYS, *arguments, phase=phase)
        assert done.exit_code == 0, done.output
        glue = warehouse.tables("sensors")
        looks = {table: warehouse.look("sensors", table) for table in glue}
        rows, columns = ({table: look[part] for table, look in looks.items()} for part in (1, 0))
        return Pass(done, rows, columns, glue)

    delivered = dbt("run-operation", "deliver_raw")
    assert delivered.exit_code == 0, delivered.output
    return [build(phase=1), build(phase=2), build("--full-refresh", phase=2)]


@pytest.fixture(scope="module")
def first(passes) -> Pass:
    return passes[0]


@pytest.fixture(scope="module")
def second(passes) -> Pass:
    return passes[1]


@pytest.fixture(scope="module")
def refreshed(passes) -> Pass:
    return passes[2]
