"""One lake, two engines: either may follow the other, and neither loses or repeats what a third did."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from engines import assert_equal, by_spark, contents, in_process, states
from finks.lake import Lake
from pyiceberg.exceptions import CommitFailedException
from records import BARS, BarBefore, bar, response, responses

pytestmark = pytest.mark.spark

INCREMENTS = 10


def increment(number: int, dice: random.Random) -> list[dict[str, object]]:
    """Some responses that add, restate, drop and break."""
    found = []
    for symbol in "ABC":
        days = [day for day in range(number * 3 + 5) if dice.random() > 0.05]
        records = [bar(symbol, day, 10 + (dice.random() < 0.1)) for day in days]
        if dice.random() < 0.3:
            records[dice.randrange(len(records))]["high"] = dice.choice(["NaN", 1, "12,5"])
        name = f"r{number}{symbol}"
        found.append(response(name, number * 10 + dice.random(), records, key=symbol, window=(0, number * 3 + 4)))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_engines_in_turns_equal_either_alone(spark, tmp_path):
    turns, alone, sparks = (Lake.open(tmp_path / name, create=True) for name in ("turns", "alone", "sparks"))
    dice = random.Random(11)
    for number in range(INCREMENTS):
        rows = responses(increment(number, dice))
        for lake in (turns, alone, sparks):
            lake.bronze(BARS.name).append(rows, {})
        in_process(alone, BARS)
        by_spark(spark, sparks, BARS, rows_per_task=50)
        if number % 2:
            in_process(turns, BARS)
        else:
            by_spark(spark, turns, BARS, rows_per_task=50)
    assert contents(alone, BARS.name)["silver"].height > 150
    for lake in (turns, sparks):
        assert_equal(alone, lake, BARS.name)
        assert states(alone, BARS.name) == states(lake, BARS.name)


def test_compaction_between_increments_counts_nothing_twice(spark, tmp_path):
    calm, compacted = (Lake.open(tmp_path / name, create=True) for name in ("calm", "compacted"))
    dice = random.Random(5)
    for number in range(6):
        rows = responses(increment(number, dice))
        for lake in (calm, compacted):
            lake.bronze(BARS.name).append(rows, {})
        in_process(calm, BARS)
        if number >= 4:
            done = by_spark(spark, compacted, BARS, rows_per_task=50)
            assert done.responses == len(rows)
        else:
            in_process(compacted, BARS)
        if number == 3:
            assert {f"bronze.{BARS.name}", f"silver.{BARS.name}"} <= compacted.compact().keys()
            compacted.expire(grace=timedelta(0))
    assert_equal(calm, compacted, BARS.name)


def test_a_column_that_the_contract_gained_is_null_in_older_versions(spark, tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    lake.bronze(BARS.name).append(responses([response("r1", 1, [bar("A", 0), bar("A", 1)])]), {})
    in_process(lake, replace(BARS, contract=BarBefore))
    assert "note" not in contents(lake, BARS.name)["silver"].columns
    lake.bronze(BARS.name).append(responses([response("r2", 2, [bar("A", 0, note="new"), bar("A", 1)])]), {})
    done = by_spark(spark, lake, BARS)
    assert (done.changed, done.same) == (1, 1)
    versions = contents(lake, BARS.name)["silver"].sort("_known_at", "session")
    assert versions["note"].to_list() == [None, None, "new"]


def test_a_writer_that_was_faster_is_seen_before_the_second_attempt(spark, tmp_path):
    """The other engine commits the same Bronze rows after Spark has staged its own: nothing twice, nothing lost."""
    disturbed, calm = (Lake.open(tmp_path / name, create=True) for name in ("disturbed", "calm"))
    rows = responses([*increment(0, random.Random(3)), response("bad", 1, [bar("C", 1, "x")], key="C")])
    for lake in (disturbed, calm):
        lake.bronze(BARS.name).append(rows, {})
    seen: list[str] = []

    def step(name: str) -> None:
        seen.append(name)
        if name == "quarantine.staged" and seen.count(name) == 1:
            in_process(Lake.open(tmp_path / "disturbed"), BARS, "faster")

    done = by_spark(spark, disturbed, BARS, step=step)
    in_process(calm, BARS)
    assert_equal(calm, disturbed, BARS.name)
    assert (done.quarantined, done.new) == (0, 0)


def test_a_commit_between_decision_and_publication_makes_spark_decide_again(spark, tmp_path):
    disturbed, calm = (Lake.open(tmp_path / name, create=True) for name in ("disturbed", "calm"))
    rows = responses(increment(0, random.Random(3)))
    for lake in (disturbed, calm):
        lake.bronze(BARS.name).append(rows, {})
    seen: list[str] = []

    def step(name: str) -> None:
        seen.append(name)
        if name == "silver.staged" and seen.count(name) == 1:
            in_process(Lake.open(tmp_path / "disturbed"), BARS, "faster")

    done = by_spark(spark, disturbed, BARS, step=step)
    in_process(calm, BARS)
    assert_equal(calm, disturbed, BARS.name)
    assert (seen.count("silver.staged"), done.new) == (2, 0)


def test_commits_that_meet_while_spark_stages_are_tried_again(spark, tmp_path):
    """Somebody sets properties of the table as fast as possible, so that Spark's commit is overtaken."""
    lake = Lake.open(tmp_path / "lake", create=True)
    lake.bronze(BARS.name).append(responses(increment(0, random.Random(3))), {})
    in_process(lake, BARS)
    lake.bronze(BARS.name).append(responses(increment(1, random.Random(4))), {})
    seen: list[str] = []
    quiet = threading.Event()

    def disturb() -> None:
        other = Lake.open(tmp_path / "lake")
        for number in itertools.takewhile(lambda _: not quiet.is_set(), itertools.count()):
            table = other.catalog.load_table(f"silver.{BARS.name}")
            with contextlib.suppress(CommitFailedException), table.transaction() as transaction:
                transaction.set_properties({"disturbed": str(number)})

    disturber = threading.Thread(target=disturb)

    def step(name: str) -> None:
        seen.append(name)
        if name == "silver.decided" and seen.count(name) == 1:
            disturber.start()
        elif name in {"silver.decided", "silver.committed"}:
            quiet.set()

    try:
        done = by_spark(spark, lake, BARS, rows_per_task=50, step=step)
    finally:
        quiet.set()
        disturber.join()
    assert done.new > 0
    assert seen.count("silver.decided") == 2
    assert by_spark(spark, lake, BARS).responses == 0


def test_maintenance_removes_what_was_staged_and_never_published(spark, tmp_path):
    stopped, calm = (Lake.open(tmp_path / name, create=True) for name in ("stopped", "calm"))
    for lake in (stopped, calm):
        lake.bronze(BARS.name).append(responses(increment(0, random.Random(3))), {})

    def stop(name: str) -> None:
        if name == "silver.staged":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        by_spark(spark, stopped, BARS, step=stop)
    silver = f"silver.{BARS.name}"
    assert len(stopped.catalog.load_table(silver).snapshots()) == 1
    assert contents(stopped, BARS.name) == {}
    by_spark(spark, stopped, BARS)
    in_process(calm, BARS)
    removed = stopped.expire(grace=timedelta(0))
    assert len(stopped.catalog.load_table(silver).snapshots()) == 1
    assert removed[silver] > 0
    assert_equal(calm, stopped, BARS.name)
