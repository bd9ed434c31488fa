"""`finks quarantine replay` on a lake that a run filled, some of its records rejected."""

from __future__ import annotations

import json

import pytest
from finks.cli.main import command_line
from finks.errors import ConfigurationError, LakeBusyError
from finks.lake import Lake
from finks.lake.lake import utc_now
from finks.run.care.replay import replay
from finks.run.runner import Runner, RunOptions
from finks.run.settings import Settings
from typer.testing import CliRunner

TABLE = "files_transactions"


@pytest.fixture
def files_only(settings: Settings) -> Settings:
    """The demo's files, one transaction with an amount that is no number."""
    file = settings.sources["files"]["root"] / "transactions.csv"
    file.write_text(file.read_text().replace(",100000,USD,,opening", ",much,USD,,opening"))
    return settings.model_copy(update={"sources": {"files": settings.sources["files"]}})


@pytest.fixture
def lake(files_only: Settings) -> Lake:
    """A lake that a run filled."""
    Runner(files_only, RunOptions(gold=False)).run()
    return Lake.open(files_only.lake.path)


def test_the_report_balances_and_is_kept(files_only, lake):
    assert lake.quarantine(TABLE).polars().height == 1
    report = replay(lake, files_only, utc_now)
    done = report.tables[TABLE]
    assert report.exit_code == 0
    assert (done.open_before, done.open_after, done.resolved) == (1, 1, 0)
    assert done.read == done.good + done.rejected + done.duplicates > 1
    assert lake.place.kept(f"replays/{report.run_id}.json") == report.model_dump_json(indent=2)


def test_an_unknown_table_is_refused_with_the_configured_ones(files_only, lake):
    with pytest.raises(ConfigurationError, match="files_transactions, files_portfolios"):
        replay(lake, files_only, utc_now, table="nope")


def test_a_run_that_holds_the_lake_is_not_disturbed(files_only, lake):
    with lake.hold(run_id="run-1", command="finks run"), pytest.raises(LakeBusyError):
        replay(lake, files_only, utc_now)


def test_the_command_prints_the_same_as_json(files_only, lake):
    folder = files_only.sources["files"]["root"]
    file = folder / "finks.toml"
    file.write_text('[sources.files]\ntransactions = "transactions.csv"\nportfolios = "portfolios.csv"\n')
    done = CliRunner().invoke(command_line(), ["quarantine", "replay", "--all", "--json", "-c", str(file)])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed == json.loads(lake.place.kept(f"replays/{printed['run_id']}.json"))
    text = CliRunner().invoke(command_line(), ["quarantine", "replay", TABLE, "-c", str(file)])
    assert "1 open before, 0 added, 0 resolved, 0 judged again, 1 open now" in text.output
    refused = CliRunner().invoke(command_line(), ["quarantine", "replay", "-c", str(file)])
    assert isinstance(refused.exception, ConfigurationError)
