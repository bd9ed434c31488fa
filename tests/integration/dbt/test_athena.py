"""The project on Athena and on DuckDB, over one Silver on S3: the same nodes pass, and every cell is equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyathena
import pytest
from finks.lake import Lake
from finks.run.gold.engines import AthenaEngine, DuckDbEngine, GoldEngine
from finks.run.report import RunReport
from finks.run.runner import Runner, RunOptions
from finks.run.sections import GoldSettings, LakeSettings, RunSettings
from finks.run.settings import Settings
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("gold_on_athena")]

ADDRESS = "s3://finks-lake/demo"
EARLIER = date(2013, 2, 14)

Tables = dict[tuple[str, str], list[tuple[Any, ...]]]


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
class Dbt:
    """dbt by hand, on one engine, with a target directory of its own."""

    engine: GoldEngine
    scratch: Path
    project: Path

    def run(self, *arguments: str, logical_date: date = LAST_SESSION) -> None:
        variables = {"silver_schema": self.engine.silver, "logical_date": logical_date.isoformat()}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "dbt.cli.main", *arguments, "--vars", json.dumps(variables)),
                *("--project-dir", self.project, "--profiles-dir", self.project),
                *("--target-path", self.scratch / "target", "--log-path", self.scratch / "logs"),
            ],
            env={**os.environ, **self.engine.environment(self.scratch), "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def artifact(self, name: str) -> dict[str, Any]:
        return json.loads((self.scratch / "target" / name).read_text())

    def statuses(self) -> dict[str, str]:
        return {row["unique_id"]: row["status"] for row in self.artifact("run_results.json")["results"]}


def on_athena() -> Tables:
    """The rows of every table of a build on Athena, by its layer and name."""
    glue, cursor = (
        boto3.client("glue"),
        pyathena.connect(s3_staging_dir=f"{ADDRESS}/looks/", poll_interval=0.05).cursor(),
    )
    return {
        (layer, table["Name"]): sorted(
            cursor.execute(f'select * from "{database}"."{table["Name"]}"').fetchall(), key=repr
        )
        for layer, database in (("marts", "demo_finks"), ("intermediate", "demo_finks_intermediate"))
        for table in glue.get_tables(DatabaseName=database)["TableList"]
    }


def on_duckdb(database: Path) -> Tables:
    """The same of a build on DuckDB."""
    layers = {"finks": "marts", "finks_intermediate": "intermediate"}
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        return {
            (layers[schema], name): sorted(
                connection.execute(f'select * from "{schema}"."{name}"').fetchall(), key=repr
            )
            for schema, name in names
            if schema in layers
        }


@dataclass(frozen=True)
class Story:
    """What happened: two runs by the settings and a full refresh; after each, what is in both engines' tables."""

    reports: list[RunReport]
    athena: list[Tables]
    duckdb: list[Tables]
    by_hand: Mapping[str, Dbt]
    statuses: Mapping[str, dict[str, str]]
    by_duckdb: RunReport
    lake: Lake


@pytest.fixture(scope="module")
def story(settings, vendor, repository, tmp_path_factory) -> Story:
    def run(logical_date: date, settings: Settings = settings) -> RunReport:
        vendor.today = logical_date
        report = Runner(settings, RunOptions(logical_date=logical_date)).run()
        assert report.gold.failures == []
        return report

    def by_hand(engine: GoldEngine) -> Dbt:
        return Dbt(engine, tmp_path_factory.mktemp("by-hand"), repository / "dbt")

    reports, athena, local = [], [], []
    for logical_date in (EARLIER, LAST_SESSION):
        reports.append(run(logical_date))
        athena.append(on_athena())
        on_local = by_hand(DuckDbEngine(Lake.open(settings.lake.place())))
        on_local.run("build", logical_date=logical_date)
        local.append(on_duckdb(on_local.scratch / "gold.duckdb"))
    lake = Lake.open(settings.lake.place())
    on_aws = by_hand(AthenaEngine(lake, "primary"))
    on_aws.run("build", "--full-refresh")
    athena.append(on_athena())
    by_duckdb = run(LAST_SESSION, settings.model_copy(update={"gold": GoldSettings(engine="duckdb")}))
    statuses = {"athena": on_aws.statuses(), "duckdb": on_local.statuses()}
    both = {"athena": on_aws, "duckdb": on_local}
    return Story(reports, athena, [*local, local[-1]], both, statuses, by_duckdb, lake)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["first run", "after new data", "full refresh"])
def test_every_cell_of_every_table_is_equal(story, number):
    ours, theirs = story.athena[number], story.duckdb[number]
    assert len(theirs) == 19
    assert set(ours) == set(theirs)
    assert [name for name in sorted(theirs) if ours[name] != theirs[name]] == []
    assert all(theirs.values())


def test_every_node_that_passes_on_duckdb_passes_on_athena(story):
    assert story.statuses["athena"] == story.statuses["duckdb"]
    assert set(story.statuses["athena"].values()) == {"success", "pass"}
    assert len(story.statuses["athena"]) >= 234


def test_new_data_have_made_a_difference(story):
    assert story.athena[0]["marts", "daily_portfolio_summary"] != story.athena[1]["marts", "daily_portfolio_summary"]


def test_a_full_refresh_changes_nothing(story):
    assert story.athena[2] == story.athena[1]


def test_a_run_publishes_what_athena_built(story):
    nodes = story.statuses["duckdb"]
    tests = sum(name.startswith(("test.", "unit_test.")) for name in nodes)
    assert [(report.exit_code, report.gold.status, report.gold.tests) for report in story.reports] == [
        (0, "published", tests),
        (0, "published", tests),
    ]
    assert all(report.gold.scanned_bytes > 0 for report in story.reports)
    served = story.lake.gold("daily_portfolio_summary").arrow()
    rows = [tuple(row.values()) for row in served.to_pylist()]
    assert sorted(rows, key=repr) == story.athena[1]["marts", "daily_portfolio_summary"]


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


@pytest.mark.parametrize("engine", ["athena", "duckdb"])
def test_freshness_is_measured(story, engine):
    dbt = story.by_hand[engine]
    dbt.run("source", "freshness")
    results = {row["unique_id"].rsplit(".", 1)[1]: row["status"] for row in dbt.artifact("sources.json")["results"]}
    assert results == {"fmp_daily_bars": "pass", "fmp_forex_daily_bars": "pass"}


def test_documents_say_the_same_of_both_engines(story):
    catalogs = {}
    for engine, dbt in story.by_hand.items():
        dbt.run("docs", "generate")
        catalog = dbt.artifact("catalog.json")
        assert catalog["errors"] is None
        catalogs[engine] = {name: set(node["columns"]) for name, node in catalog["nodes"].items()}
    assert len(catalogs["duckdb"]) >= 26
    assert catalogs["athena"] == catalogs["duckdb"]
