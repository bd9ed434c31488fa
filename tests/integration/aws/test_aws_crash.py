"""kill -9 at every named event of a run on S3 and Glue, then the same command: the tables of an undisturbed run."""

from __future__ import annotations

import signal
import time

import pytest
from crashing import KillAt, contents, run_process
from finks.run.runner import RunOptions
from small_runs import Ended, run_once

pytestmark = [pytest.mark.aws, pytest.mark.slow]

EVENTS = [
    ("run.started", 1),
    ("plan.ready", 1),
    ("slice.fetched", 2),
    ("bronze.before_commit", 2),
    ("bronze.committed", 2),
    ("quarantine.committed", 1),
    ("silver.before_commit", 2),
    ("silver.committed", 2),
    ("report.written", 1),
]


@pytest.fixture(scope="module")
def calm() -> dict[str, list]:
    """Filled by the first undisturbed run of this module."""
    return {}


@pytest.mark.parametrize(("event", "nth"), EVENTS)
def test_killed_and_run_again_equals_undisturbed(small, new_lake, calm, event, nth):
    if not calm:
        lake = new_lake()
        assert run_once(small.model_copy(update={"lake": lake})) == Ended(0, "")
        calm.update(contents(str(lake.path), gold=False))
    assert run_process(small, RunOptions(gold=False), KillAt(event, nth)) == -signal.SIGKILL
    refused = run_once(small)
    assert refused.code == 6, "its lease holds until it ends by itself"
    assert "its lease ends by itself at" in refused.text
    time.sleep(small.lake.lease_seconds)
    assert run_once(small) == Ended(0, "")
    assert contents(str(small.lake.path), gold=False) == calm
