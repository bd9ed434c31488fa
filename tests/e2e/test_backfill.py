"""Backfill: a window, in what the nightly run leaves of the quota, as often as it takes."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crashing import KillAt, contents, run_process
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.backfill import Backfill
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RunSettings, ScheduleSettings
from finks.source.model import Rate, Windows
from finks_connectors.demo.command import DEMO_KEY
from finks_connectors.fmp.source import Fmp, FmpConfig

pytestmark = pytest.mark.slow

WINDOW = Backfill(date(2010, 1, 1), date(2011, 12, 31))
NOON = datetime(2012, 7, 9, 12, tzinfo=UTC)


class SmallPlan(Fmp):
    """FMP for somebody with few calls a day, and answers of at most two months."""

    per_day: int | None = 15

    def streams(self):
        """Bars as traded, and splits."""
        found = {stream.name: stream for stream in super().streams()}
        return [replace(found["daily_bars"], policy=Windows(60)), found["splits"]]

    def rates(self):
        """So many calls a day."""
        return {"default": Rate(calls=3000, burst=50, per_day=self.per_day)}


class NoLimit(SmallPlan):
    """The same without a limit."""

    per_day = None


@pytest.fixture
def at(vendor, settings):
    """Run once at an instant, without Gold; gives the report."""

    def run(now: datetime, backfill: Backfill | None = None, *, lake: Path | None = None, kind: type[Fmp] = SmallPlan):
        vendor.today = now.date()
        config = FmpConfig(base_url=vendor.url, api_key=DEMO_KEY, symbols=("IBM", "AAPL"), start=date(2012, 1, 1))
        place = LakeSettings(path=lake or settings.lake.path)
        here = settings.model_copy(update={"lake": place, "run": RunSettings(batch_slices=2)})
        options = RunOptions(gold=False, backfill=backfill)
        return Runner(here, options, clock=lambda: now, given=[kind(config)]).run()

    return run


def bars(lake: Path) -> list[tuple]:
    """The bars of a lake; when and by which run they came differs."""
    found = Lake.open(lake).latest("fmp_daily_bars").polars().sort("symbol", "session")
    return found.drop([name for name in found.columns if name.startswith("_")]).rows()


def test_a_backfill_takes_what_the_nightly_run_leaves_day_after_day(at, vendor, settings, tmp_path):
    # The nightly run has still ten calls to make, two are kept besides: three are left of fifteen.
    first = at(NOON, WINDOW)
    assert (first.exit_code, first.total("calls"), first.backfill.left) == (0, 3, 23)
    assert first.backfill.days == 3  # nine a day: 15 less a tenth, less the four of a night
    nightly = at(NOON)
    assert (nightly.exit_code, nightly.total("calls"), nightly.backfill) == (0, 10, None)
    # Only what is kept besides is left of this day.
    assert at(NOON, WINDOW).total("calls") == 0
    # On the next days the nightly run comes first, then the backfill.
    counts = []
    for day in (1, 2, 3):
        now = NOON + timedelta(days=day)
        at(now)
        report = at(now, WINDOW)
        counts.append((report.exit_code, report.total("calls"), report.backfill.left, report.backfill.days))
    assert counts == [(0, 9, 14, 2), (0, 9, 5, 1), (0, 5, 0, 0)]
    asked = [(c.params["symbol"], c.params["from"]) for c in vendor.calls if c.params.get("from", "2012") < "2012"]
    assert len(asked) == len(set(asked)) == 26

    end = NOON + timedelta(days=3)
    whole = at(end, WINDOW, lake=tmp_path / "undisturbed", kind=NoLimit)
    assert (whole.total("calls"), whole.backfill.left) == (26, 0)
    at(end, lake=tmp_path / "undisturbed", kind=NoLimit)
    assert bars(settings.lake.path) == bars(tmp_path / "undisturbed")


def test_repeated_calls_never_touch_what_is_left_to_the_nightly_run(at, vendor):
    vendor.fail("bad_gateway", times=2)
    report = at(NOON, WINDOW)
    assert vendor.count() == 3
    assert report.total("calls") == 3
    assert at(NOON).exit_code == 0


def test_a_backfill_of_one_key_asks_for_that_key(at):
    report = at(NOON, replace(WINDOW, keys=frozenset({"IBM"})), kind=NoLimit)
    assert (report.total("calls"), report.backfill.left) == (13, 0)


def test_a_backfill_ends_at_once_when_the_nightly_run_is_near(at, vendor):
    report = at(datetime(2012, 7, 10, 0, 26, tzinfo=UTC), WINDOW, kind=NoLimit)
    assert (report.exit_code, vendor.count(), report.backfill.left) == (0, 0, 26)


def test_a_key_that_nobody_has_is_refused_before_anything_is_fetched(at, vendor):
    with pytest.raises(ConfigurationError, match="--key"):
        at(NOON, replace(WINDOW, keys=frozenset({"NOPE"})))
    assert vendor.count() == 0


@pytest.mark.parametrize("event", ["bronze.before_commit", "bronze.committed", "silver.committed"])
def test_a_killed_backfill_and_the_same_again_equal_an_undisturbed_one(settings, tmp_path, event):
    options = RunOptions(gold=False, backfill=WINDOW)

    def on(path: Path):
        run = RunSettings(logical_date=settings.run.logical_date, batch_slices=2)
        # A nightly run that is near would end the backfill.
        schedule = ScheduleSettings(cron="0 0 1 1 *")
        return settings.model_copy(update={"lake": LakeSettings(path=path), "run": run, "schedule": schedule})

    calm, disturbed = on(tmp_path / "calm"), on(tmp_path / "disturbed")
    assert run_process(calm, options) == 0
    assert run_process(disturbed, options, KillAt(event, 2)) == -signal.SIGKILL
    assert run_process(disturbed, options) == 0
    assert contents(disturbed.lake.path, gold=False) == contents(calm.lake.path, gold=False)


def test_the_command_says_what_is_left_and_the_plan_what_it_costs(settings, vendor, tmp_path, finks_command):
    (tmp_path / "finks.toml").write_text(
        f'[run]\nlogical_date = 2012-07-09\n[schedule]\ncron = "0 0 1 1 *"\n[sources.fmp]\nbase_url = "{vendor.url}"\n'
        f'api_key = "{DEMO_KEY}"\nplan = "ultimate"\nsymbols = ["IBM"]\nstart = 2012-01-01\n'
    )
    window = ("--from", "2010-01-01", "--to", "2011-12-31", "--stream", "daily_bars")
    planned = finks_command("plan", *window, cwd=tmp_path)
    assert "1 calls" in planned.stdout, planned.stderr
    done = finks_command("backfill", *window, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Backfill 2010-01-01 to 2011-12-31: all of it is there." in done.stdout
    assert "Gold: not built" in done.stdout
    half = finks_command("backfill", "--from", "2010-01-01", cwd=tmp_path)
    assert half.returncode == 2
    assert "first and its last day" in half.stderr
