"""kill -9 at every step of a replay, then the same replay: the tables of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from finks.lake import Lake
from finks.run.events import Event
from replaying import NARROW, TABLE, WIDE, body, history, land, latest, refine, replay, response

STEPS = ["quarantine.committed", "replay.judged", "silver.before_commit", "silver.committed", "quarantine.resolved"]


def prepared(folder: Path) -> Lake:
    """A lake with rejects of which some come right, some do not, and values that came back."""
    lake = Lake.open(folder, create=True)
    bodies = [body({0: 2, 1: 7}), body({0: 7, 1: 99}), body({0: 2, 2: 8}), body({0: 2})]
    land(lake, [response(minute, content) for minute, content in enumerate(bodies)])
    refine(lake, NARROW)
    return lake


def tables(lake: Lake) -> list:
    rejects = lake.quarantine(TABLE, resolved=True).polars().drop("resolved_at")
    return [history(lake), latest(lake), rejects.sort("bronze_ref", "ordinal", "contract_version").rows()]


def killed(folder: Path, step: str) -> None:
    def kill(event: Event) -> None:
        if event.name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    replay(Lake.open(folder), WIDE, observer=kill)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list:
    lake = prepared(tmp_path_factory.mktemp("calm") / "lake")
    replay(lake, WIDE)
    return tables(lake)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_replayed_again_equals_undisturbed(tmp_path, undisturbed, step):
    lake = prepared(tmp_path / "lake")
    before = latest(lake)
    process = multiprocessing.get_context("spawn").Process(target=killed, args=(tmp_path / "lake", step))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert latest(lake) in (before, undisturbed[1]), "a reader sees the state before or after"
    replay(lake, WIDE)
    assert tables(lake) == undisturbed
