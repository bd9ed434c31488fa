"""kill -9 anywhere, then the same command: the tables of an undisturbed run."""

from __future__ import annotations

import random
import signal
import sys
import time
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crashing import KillAt, contents, run_process
from finks.lake import Lake
from finks.run.runner import RunOptions
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings

pytestmark = pytest.mark.slow

TO_SILVER = [
    ("run.started", 1),
    ("plan.ready", 1),
    ("slice.fetched", 3),
    ("bronze.before_commit", 2),
    ("bronze.committed", 3),
    ("quarantine.committed", 1),
    ("silver.before_commit", 2),
    ("silver.committed", 3),
]
TO_GOLD = [("dbt.started", 1), ("gold.before_publish", 1), ("gold.published", 1)]
INSTANTS, PARTS = 100, 4


def settings_for(settings: Settings, path: Path) -> Settings:
    """The same on another lake, with small batches, so that there is more to interrupt."""
    run = RunSettings(logical_date=settings.run.logical_date, batch_slices=2)
    return settings.model_copy(update={"lake": LakeSettings(path=path), "run": run})


@pytest.fixture
def dirty(vendor, settings):
    """One record that breaks its contract, so that quarantine takes part."""
    vendor.restate("IBM", "2012-06-01", "high", "1.00")
    return settings


@pytest.fixture(scope="module")
def calm_gold(demo):
    """What an undisturbed run of the same settings leaves, Gold included."""
    folder, *_ = demo
    return contents(folder / "finks-demo" / "lake", gold=True)


@pytest.mark.parametrize(("event", "nth"), TO_SILVER)
def test_killed_before_gold_and_run_again_equals_undisturbed(dirty, tmp_path, event, nth):
    options = RunOptions(gold=False)
    calm, disturbed = settings_for(dirty, tmp_path / "calm"), settings_for(dirty, tmp_path / "disturbed")
    assert run_process(calm, options) == 0
    assert run_process(disturbed, options, KillAt(event, nth)) == -signal.SIGKILL
    assert run_process(disturbed, options) == 0
    assert contents(disturbed.lake.path, gold=False) == contents(calm.lake.path, gold=False)


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize(("event", "nth"), TO_GOLD)
def test_killed_around_gold_and_run_again_equals_undisturbed(settings, tmp_path, calm_gold, event, nth):
    fmp = {**settings.sources["fmp"], "statements": ["annual", "quarter"]}  # as the demo has it
    settings = settings.model_copy(update={"sources": {**settings.sources, "fmp": fmp}})
    disturbed = settings_for(settings, tmp_path / event)
    assert run_process(disturbed, RunOptions(), KillAt(event, nth)) == -signal.SIGKILL
    served = Lake.open(disturbed.lake.path).served_release()
    assert served == (1 if event == "gold.published" else None)
    assert run_process(disturbed, RunOptions()) == 0
    assert contents(disturbed.lake.path, gold=True) == calm_gold


@pytest.fixture
def small(dirty):
    """One symbol, so that a run is short."""
    fmp = {**dirty.sources["fmp"], "symbols": ["IBM"], "start": date(2012, 1, 1)}
    return dirty.model_copy(update={"sources": {"fmp": fmp}})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_random_instants_and_run_again_equals_undisturbed(small, tmp_path, part):
    """One lake per instant; the instants cover the whole of an undisturbed run."""
    options = RunOptions(gold=False)
    calm = settings_for(small, tmp_path / "calm")
    assert run_process(calm, options) == 0
    start = time.monotonic()
    assert run_process(settings_for(small, tmp_path / "timed"), options) == 0
    length = time.monotonic() - start
    expected = contents(calm.lake.path, gold=False)
    instants = random.Random(part)
    killed = 0
    for number in range(INSTANTS // PARTS):
        disturbed = settings_for(small, tmp_path / f"random-{number}")
        killed += run_process(disturbed, options, after=instants.uniform(0.02, length)) == -signal.SIGKILL
        assert run_process(disturbed, options) == 0
        assert contents(disturbed.lake.path, gold=False) == expected, number
    assert killed > INSTANTS // PARTS // 2
