"""Runs by a schedule: what is due, what is not, what a catch-up covers, and the loop that needs no server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import finks
import pytest
from finks.run.runner import Runner, RunOptions
from finks.run.schedule.due import Skip, due_in_lake
from finks.run.sections import ScheduleSettings
from finks_connectors.demo.command import DEMO_KEY

NEW_YORK = ZoneInfo("America/New_York")
SCHEDULE = """
[schedule]
calendar = "XNYS"
"""


def evening(month: int, day: int) -> datetime:
    return datetime(2012, month, day, 20, 30, tzinfo=NEW_YORK)


@pytest.fixture
def scheduled(settings, vendor):
    """Run what is due at an instant, as the vendor was then; gives the report, or what was said instead."""
    settings = settings.model_copy(
        update={
            "schedule": ScheduleSettings(calendar="XNYS"),
            "gold": settings.gold.model_copy(update={"enabled": False}),
        }
    )

    def run(at: datetime):
        found = due_in_lake(settings, at)
        if isinstance(found, Skip):
            return found
        vendor.today = found.logical_date
        return Runner(settings, RunOptions(logical_date=found.logical_date, missed=found.missed)).run()

    return run


@pytest.mark.slow
def test_a_week_with_a_holiday_and_an_outage(scheduled, settings, vendor):
    assert scheduled(evening(7, 2)).logical_date == date(2012, 7, 2)
    vendor.fail("bandwidth")
    assert scheduled(evening(7, 3)).exit_code == 4
    repaired = scheduled(evening(7, 4))
    assert (repaired.logical_date, repaired.missed, repaired.exit_code) == (date(2012, 7, 3), [], 0)
    assert isinstance(scheduled(evening(7, 4)), Skip)
    # Nobody called on the fifth and the sixth.
    caught_up = scheduled(evening(7, 9))
    assert caught_up.missed == [date(2012, 7, 5), date(2012, 7, 6)]
    sessions = finks.open(settings.lake.path).latest("fmp_daily_bars", keys=["IBM"]).polars()["session"]
    assert sessions.sort().to_list()[-5:] == [date(2012, 7, day) for day in (2, 3, 5, 6, 9)]


@pytest.fixture
def folder(tmp_path):
    """A directory with the settings of a scheduled run without Gold, of one file."""
    (tmp_path / "t.csv").write_text("portfolio_id,transaction_id,trade_date,kind,currency\n")
    (tmp_path / "finks.toml").write_text(
        SCHEDULE + '[gold]\nenabled = false\n[sources.files]\ntransactions = "t.csv"\nselect = ["transactions"]\n'
    )
    return tmp_path


@pytest.mark.slow
def test_the_command_runs_what_is_due_once(folder, finks_command):
    at = ("run", "--schedule", "--at", "2024-07-05T20:30:00-04:00")
    first = finks_command(*at, "--json", cwd=folder)
    assert json.loads(first.stdout)["logical_date"] == "2024-07-05", first.stderr
    second = finks_command(*at, cwd=folder)
    assert (second.returncode, second.stdout) == (0, "Not due: 2024-07-05 was run well already.\n")
    weekend = finks_command("run", "--schedule", "--at", "2024-07-06T20:30:00-04:00", "--json", cwd=folder)
    assert weekend.returncode == 0
    assert json.loads(weekend.stdout)["not_due"].startswith("weekend: 2024-07-06 is no session of XNYS")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--schedule", "--date", "2024-07-05"], "--date"),
        (["--at", "2024-07-05T20:30:00Z"], "Add --schedule"),
        (["--schedule", "--at", "2024-07-05T20:30:00"], "ISO 8601 with a zone"),
    ],
)
def test_what_contradicts_the_schedule_is_refused(folder, finks_command, arguments, said):
    done = finks_command("run", *arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_schedule_with_an_unknown_calendar_ends_at_once(folder, finks_command):
    done = finks_command("schedule", cwd=folder, FINKS_SCHEDULE__CALENDAR="XNYX")
    assert done.returncode == 2
    assert "Did you mean XNYS?" in done.stderr


def loop(folder) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from finks.cli.main import main; main()", "schedule", "--quiet"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_loop_runs_what_is_due_waits_and_ends_by_a_signal(folder):
    with loop(folder) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("The next tick is at "), line
            process.send_signal(signal.SIGTERM)
            shown, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 143
    assert "succeeded" in shown


@pytest.mark.slow
def test_a_signal_ends_the_loop_and_the_run_under_way_at_its_boundary(tmp_path, vendor):
    vendor.fail("bad_gateway", times=100_000)
    vendor.today = datetime.now(UTC).date()
    (tmp_path / "finks.toml").write_text(
        f'[sources.fmp]\nbase_url = "{vendor.url}"\napi_key = "{DEMO_KEY}"\nplan = "ultimate"\nsymbols = ["IBM"]\n'
    )
    with loop(tmp_path) as process:
        try:
            while not vendor.count():
                assert process.poll() is None
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 143
    (report,) = (tmp_path / "lake/runs").glob("*.json")
    assert json.loads(report.read_text())["status"] == "stopped"
