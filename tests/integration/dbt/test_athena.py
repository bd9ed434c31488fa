"""The project on Athena and on DuckDB, over one Silver on S3: the same nodes pass, and every cell is equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyathena
import pytest
from finks.lake import Lake
from finks.run.gold_engines import AthenaEngine, DuckDbEngine, GoldEngine
from finks.run.report import RunReport
from finks.run.runner import Runner, RunOptions
from finks.run.settings import GoldSettings, LakeSettings, RunSettings, Settings
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.timeout(1800)]

ADDRESS = "s3://finks-lake/demo"
EARLIER = date(2013, 2, 14)

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def aws_variables(local_aws) -> Iterator[Mapping[str, str]]:
    """This process's environment points at the local AWS while the module's tests run, and at nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in local_aws.environment.items():
            patch.setenv(name, value)
        yield local_aws.environment


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedFmp]:
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as running:
        yield running


@pytest.fixture(scope="module")
def settings(aws_variables, vendor, tmp_path_factory) -> Settings:
    """The demo's settings, but the lake is on S3 and Athena builds Gold."""
    boto3.client("s3").create_bucket(Bucket="finks-lake")
    folder = tmp_path_factory.mktemp("demo")
    prepare(folder)
    fmp = {"base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate", "symbols": ["AAPL", "MSFT", "IBM"]}
    return Settings(
        lake=LakeSettings(path=ADDRESS, database_prefix="demo_"),
        run=RunSettings(logical_date=LAST_SESSION),
        gold=GoldSettings(engine="athena"),
        sources={
            "files": {"root": folder, "transactions": "transactions.csv", "portfolios": "portfolios.csv"},
            "fmp": {**fmp, "root": folder, "pairs": ["EURUSD"], "start": date(2000, 3, 1)},
        },
    )


@dataclass(frozen=True)
class Build:
    """One `dbt build` on one engine: the status of every node, and the rows of every relation."""

    statuses: Mapping[str, str]
    rows: Mapping[str, Rows]


def build(engine: GoldEngine, scratch: Path, project: Path, *arguments: str) -> Build:
    variables = {"silver_schema": engine.silver, "logical_date": LAST_SESSION.isoformat()}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", *arguments, "--vars", json.dumps(variables)),
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", scratch / "target", "--log-path", scratch / "logs"),
        ],
        env={**os.environ, **engine.environment(scratch), "FINKS_ATHENA_POLL_SECONDS": "0.05", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((scratch / "target/run_results.json").read_text())["results"]
    nodes = json.loads((scratch / "target/manifest.json").read_text())["nodes"].values()
    models = {node["name"]: (node["schema"], node["alias"]) for node in nodes if node["resource_type"] == "model"}
    look = on_athena if isinstance(engine, AthenaEngine) else on_duckdb(scratch / "gold.duckdb")
    return Build(
        {row["unique_id"]: row["status"] for row in results},
        {name: sorted(look(*relation), key=repr) for name, relation in models.items()},
    )


def on_athena(schema: str, name: str) -> Rows:
    connection = pyathena.connect(s3_staging_dir=f"{ADDRESS}/looks/", poll_interval=0.05)
    return connection.cursor().execute(f'select * from "{schema}"."{name}"').fetchall()


def on_duckdb(database: Path):
    def look(schema: str, name: str) -> Rows:
        if schema.endswith("_staging"):
            # A view over the lake's files: only a connection of the lake can open it. Its rows are in what follows.
            return []
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(f'select * from "{schema}"."{name}"').fetchall()

    return look


@dataclass(frozen=True)
class Story:
    """What happened: runs by the settings, and after each the project built by hand on both engines."""

    reports: list[RunReport]
    athena: list[Build]
    duckdb: list[Build]
    by_duckdb: RunReport
    lake: Lake


@pytest.fixture(scope="module")
def story(settings, vendor, repository, tmp_path_factory) -> Story:
    def run(**options: Any) -> RunReport:
        return Runner(settings, RunOptions(**options)).run()

    def both(*arguments: str) -> tuple[Build, Build]:
        lake = Lake.open(settings.lake.place())
        engines = AthenaEngine(lake, "primary"), DuckDbEngine(lake)
        folders = (tmp_path_factory.mktemp("scratch") for _ in engines)
        return tuple(
            build(engine, folder, repository / "dbt", *arguments)
            for engine, folder in zip(engines, folders, strict=True)
        )

    vendor.today = EARLIER - timedelta(days=1)
    reports = [run(logical_date=EARLIER)]
    builds = [both()]
    vendor.today = LAST_SESSION
    reports.append(run())
    builds += [both(), both("--full-refresh")]
    other = settings.model_copy(update={"gold": GoldSettings(engine="duckdb")})
    by_duckdb = Runner(other, RunOptions()).run()
    lake = Lake.open(settings.lake.place())
    return Story(reports, [one for one, _ in builds], [other for _, other in builds], by_duckdb, lake)


PASSES = pytest.mark.parametrize("number", [0, 1, 2], ids=["first run", "after new data", "full refresh"])


@PASSES
def test_every_node_that_passes_on_duckdb_passes_on_athena(story, number):
    assert story.athena[number].statuses == story.duckdb[number].statuses
    assert set(story.athena[number].statuses.values()) == {"success", "pass"}
    assert len(story.athena[number].statuses) >= 234


@PASSES
def test_every_cell_of_every_table_is_equal(story, number):
    ours, theirs = story.athena[number].rows, story.duckdb[number].rows
    tables = {name for name in theirs if not name.startswith("stg_")}
    assert len(tables) == 19
    assert [name for name in sorted(tables) if ours[name] != theirs[name]] == []
    assert all(ours[name] for name in ours)


def test_new_data_have_made_a_difference(story):
    assert story.athena[0].rows["daily_portfolio_summary"] != story.athena[1].rows["daily_portfolio_summary"]


def test_a_full_refresh_changes_nothing(story):
    assert story.athena[2].rows == story.athena[1].rows


def test_a_run_publishes_what_athena_built(story):
    assert [(report.exit_code, report.gold.status, report.gold.tests) for report in story.reports] == [
        (0, "published", 208),
        (0, "published", 208),
    ]
    assert all(report.gold.scanned_bytes > 0 for report in story.reports)
    served = story.lake.gold("daily_portfolio_summary").arrow()
    rows = [tuple(row.values()) for row in served.to_pylist()]
    assert sorted(rows, key=repr) == story.athena[1].rows["daily_portfolio_summary"]


def test_the_same_lake_built_by_duckdb_gives_the_same_release(story):
    """A release's identity is a hash of every cell and every type."""
    assert story.by_duckdb.gold.status == "unchanged"
    assert story.by_duckdb.gold.release == story.reports[1].gold.release


def test_the_marts_are_iceberg_tables_by_year(story):
    table = story.lake.catalog.load_table(("demo_finks", "fct_position_daily"))
    assert [str(field.transform) for field in table.spec().fields] == ["year"]
    assert (
        table.schema().find_field("quantity").field_type
        == story.lake.catalog.load_table("gold.fct_position_daily").schema().find_field("quantity").field_type
    )
