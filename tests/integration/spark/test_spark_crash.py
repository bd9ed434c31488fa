"""kill -9 of the whole Spark driver, Java and Python, then the same refinement: the tables of an undisturbed one."""

from __future__ import annotations

import random
import signal
import time

import pytest
from engines import assert_equal, by_spark, in_process, states
from finks.lake import Lake
from killed_job import run
from records import BARS, bar, response, responses

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(600)]

STEPS = ["kernel.done", "quarantine.staged", "quarantine.committed", "silver.decided", "silver.staged"]


def first() -> list[dict[str, object]]:
    return [response(f"r1{key}", 1, [bar(key, n) for n in range(10)], key=key) for key in "ABC"]


def second() -> list[dict[str, object]]:
    """New records, restated ones, one that is gone, and rejects."""
    restated = [
        response(f"r2{key}", 2, [bar(key, n, 11) for n in range(1, 12)], key=key, window=(0, 11)) for key in "AB"
    ]
    return [*restated, response("r2C", 2, [bar("C", 1, "x"), bar("C", 2, 5, high=1)], key="C")]


@pytest.fixture
def lakes(tmp_path):
    """A calm lake that took both steps, and one that is about to take the second."""
    calm, disturbed = (Lake.open(tmp_path / name, create=True) for name in ("calm", "disturbed"))
    for lake in (calm, disturbed):
        lake.bronze(BARS.name).append(responses(first()), {})
        in_process(lake, BARS)
        lake.bronze(BARS.name).append(responses(second()), {})
    in_process(calm, BARS)
    return calm, disturbed


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_run_again_equals_undisturbed(spark, lakes, step):
    calm, disturbed = lakes
    assert run(disturbed.place.address, step) == -signal.SIGKILL
    assert states(disturbed, BARS.name)["finks.bookmark"] is False
    done = by_spark(spark, disturbed, BARS)
    assert done.responses == 3
    assert_equal(calm, disturbed, BARS.name)
    assert states(calm, BARS.name) == states(disturbed, BARS.name)


def test_killed_after_the_commit_there_is_nothing_left_to_do(spark, lakes):
    calm, disturbed = lakes
    assert run(disturbed.place.address, "silver.committed") == -signal.SIGKILL
    assert by_spark(spark, disturbed, BARS).responses == 0
    assert_equal(calm, disturbed, BARS.name)


@pytest.fixture(scope="module")
def length(tmp_path_factory):
    """How long an undisturbed job takes, its start included, in seconds."""
    lake = Lake.open(tmp_path_factory.mktemp("timed") / "lake", create=True)
    lake.bronze(BARS.name).append(responses(first()), {})
    start = time.monotonic()
    assert run(lake.place.address, "never") == 0
    return time.monotonic() - start


@pytest.mark.parametrize("number", range(3))
def test_killed_at_any_instant_and_run_again_equals_undisturbed(lakes, length, number):
    """Run again by the other engine, this time: what a dead driver left hinders neither."""
    calm, disturbed = lakes
    run(disturbed.place.address, "never", after=random.Random(number).uniform(0.4, 0.95) * length)
    in_process(disturbed, BARS)
    assert_equal(calm, disturbed, BARS.name)
