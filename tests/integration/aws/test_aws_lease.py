"""One run at a time on a lake on AWS, and none that goes on without its lease."""

from __future__ import annotations

import threading
import time

import boto3
import finks
import pytest
from finks.errors import LakeBusyError, LeaseLostError
from finks.lake import Lake
from finks.run.runner import Runner, RunOptions
from finks.testing.aws_proxy import lost_answer
from small_runs import run_once

pytestmark = pytest.mark.aws


@pytest.fixture
def lake(new_lake) -> Lake:
    return Lake.open(new_lake().place(), create=True)


def take_away(address: str) -> None:
    """What another run does once the lease has run out: give the item another token."""
    boto3.client("dynamodb").update_item(
        TableName="finks-leases",
        Key={"lake": {"S": address}},
        UpdateExpression="SET #token = :other, run_id = :other",
        ExpressionAttributeNames={"#token": "token"},
        ExpressionAttributeValues={":other": {"S": "another run"}},
    )


def test_a_second_run_is_told_who_holds_the_lake_and_until_when(lake):
    with (
        lake.hold(run_id="run-1", command="finks run"),
        pytest.raises(LakeBusyError, match=r"run-1[\s\S]*ends by itself at"),
        lake.hold(run_id="run-2", command="finks run"),
    ):
        pass


def test_the_holder_is_shown_while_it_holds(lake):
    assert lake.holder() is None
    with lake.hold(run_id="run-1", command="finks run"):
        holder = lake.holder()
        assert holder is not None
        assert (holder.run_id, holder.command) == ("run-1", "finks run")
    assert lake.holder() is None


def test_a_held_lease_outlives_its_length(lake):
    with lake.hold(run_id="run-1", command="finks run"):
        time.sleep(3)
        with pytest.raises(LakeBusyError), lake.hold(run_id="run-2", command="finks run"):
            pass


def test_of_many_runs_one_gets_the_lake(lake):
    together, got = threading.Barrier(8), []

    def compete(number: int) -> None:
        together.wait()
        try:
            with lake.place.hold(lake.catalog, run_id=f"run-{number}", command="", clock=lake._clock):
                got.append(number)
                time.sleep(1)
        except LakeBusyError:
            pass

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_an_answer_that_was_lost_does_not_lock_a_run_out(new_lake, proxy):
    lake = Lake.open(new_lake().place(), create=True)
    proxy.rule(lost_answer(), service="dynamodb", operation="PutItem", times=1)
    with lake.hold(run_id="run-1", command="finks run"):
        assert proxy.faults == 1


def test_nothing_is_committed_once_the_lease_is_lost(small):
    def lose(event) -> None:
        if event.name == "bronze.committed":
            take_away(str(small.lake.path))

    report = Runner(small, RunOptions(gold=False), lose).run()
    assert report.exit_code == LeaseLostError.exit_code
    assert "another run" in "\n".join(report.problems)
    ledgers = [finks.open(str(small.lake.path)).ledger(f"fmp_{name}").arrow() for name in ("daily_bars", "dividends")]
    assert sum(ledger.num_rows for ledger in ledgers) == 1, "the first commit, and none after it"


def test_a_run_after_the_lease_ran_out_completes_the_work(small):
    lost = []

    def lose(event) -> None:
        if event.name == "bronze.committed" and not lost:
            lost.append(event)
            take_away(str(small.lake.path))

    Runner(small, RunOptions(gold=False), lose).run()
    time.sleep(small.lake.lease_seconds)
    assert run_once(small).code == 0
