"""Gold is built by processes that end with their run, publish whole or not at all, and may share the run's lease."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import finks
import pytest
from finks.run.jobs import ProcessLauncher
from finks.run.runner import Runner, RunOptions
from finks.run.settings import LakeSettings, RunSettings, Settings
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

sys.path.insert(0, str(Path(__file__).parent))

from gold_lake import build_gold, by_finks, dbt_processes, is_building, start_gold, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("gold_processes")]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a lake whose Silver is filled."""
    folder = tmp_path_factory.mktemp("gold")
    prepare(folder)
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as vendor:
        made = Settings(
            lake=LakeSettings(path=folder / "lake"),
            run=RunSettings(logical_date=LAST_SESSION),
            sources={
                "files": {"root": folder, "transactions": "transactions.csv", "portfolios": "portfolios.csv"},
                "fmp": {
                    "root": folder, "base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate",
                    "symbols": ["AAPL", "MSFT", "IBM"], "pairs": ["EURUSD"], "start": date(2000, 3, 1),
                },
            },
        )  # fmt: skip
        assert Runner(made, RunOptions(gold=False)).run().exit_code == 0
        yield made


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The lake's directory."""
    assert isinstance(settings.lake.path, Path)
    return settings.lake.path


@pytest.fixture
def releases(folder: Path):
    """How many releases there are, when called."""
    return lambda: len(finks.open(folder).releases())


def test_a_stop_during_the_build_ends_it_and_publishes_nothing(settings, folder, releases):
    before = releases()
    report = build_gold(settings, None, stop=lambda: is_building(folder))
    assert (report.exit_code, report.gold.status) == (143, "not built")
    assert (dbt_processes(folder), releases()) == ([], before)


def test_a_dbt_that_somebody_else_interrupts_publishes_nothing(settings, folder, releases):
    before = releases()

    def interrupt() -> bool:
        if is_building(folder):
            for number in dbt_processes(folder):
                os.kill(number, signal.SIGINT)
        return False

    report = build_gold(settings, None, stop=interrupt)
    assert (report.exit_code, report.gold.status, releases()) == (5, "failed", before), report.problems


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_no_dbt_outlives_the_command_that_started_it(settings, folder, releases, ending, code):
    before = releases()
    with start_gold(folder.parent, "--date", str(LAST_SESSION)) as process:
        wait_for(lambda: is_building(folder))
        process.send_signal(ending)
        process.communicate()
    wait_for(lambda: not dbt_processes(folder))
    assert (process.returncode, releases()) == (code, before)


def test_a_job_builds_and_publishes_what_the_command_by_hand_does(settings, folder, finks_command):
    done = finks_command("gold", "--date", str(LAST_SESSION), "--json", cwd=folder.parent)
    by_hand = json.loads(done.stdout)
    assert (done.returncode, by_hand["streams"], by_hand["gold"]["status"]) == (0, {}, "published"), done.stderr
    assert finks.open(folder).gold("daily_portfolio_summary").polars().height > 0
    report = build_gold(settings, by_finks(), run_id="there")
    assert (report.exit_code, report.gold.status) == (0, "unchanged"), report.problems
    assert report.gold.tests == by_hand["gold"]["tests"] > 0
    assert report.gold.tables == by_hand["gold"]["tables"]
    assert {"daily_portfolio_summary", "fct_position_daily"} <= {model.name for model in report.gold.models}
    assert report.gold.sources


def test_a_job_ends_with_the_run_that_is_stopped(settings, folder, releases):
    before = releases()
    report = build_gold(settings, by_finks(), stop=lambda: is_building(folder), run_id="stopped")
    assert report.exit_code == 143
    assert (dbt_processes(folder), releases()) == ([], before)


def test_a_job_whose_project_is_missing_says_so_in_its_own_words(settings, monkeypatch):
    monkeypatch.setenv("FINKS_GOLD__PROJECT", "/nowhere")
    report = build_gold(settings, by_finks(), run_id="without")
    assert (report.exit_code, report.gold.status) == (2, "failed")
    assert "There is no dbt project." in "\n".join(report.problems)


def test_a_job_of_a_run_that_does_not_hold_the_lake_is_refused(settings, folder, finks_command):
    done = finks_command("gold", "--joins", "another", "--date", str(LAST_SESSION), cwd=folder.parent)
    assert (done.returncode, "another" in done.stderr) == (6, True)


def test_a_job_that_died_without_a_report_failed(settings, releases):
    before = releases()
    report = build_gold(settings, ProcessLauncher(["false"]), run_id="died")
    assert (report.exit_code, report.gold.status, releases()) == (4, "failed", before)
