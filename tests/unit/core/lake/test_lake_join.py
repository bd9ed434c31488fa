from __future__ import annotations

import signal

import pytest
from finks.errors import LakeBusyError, LeaseLostError
from finks.lake import Lake


def land(lake: Lake, build, name: str) -> None:
    lake.bronze("bars").append(build.responses(build.response(name, 1)), {})


def landed(lake: Lake) -> list[str]:
    return sorted(Lake.open(lake.place.address).ledger("bars").polars()["response_id"])


def test_a_job_commits_while_its_run_holds_the_lake(lake, holding_run, build):
    with lake.join("run-7") as holder:
        land(lake, build, "r1")
    assert (holder.pid, landed(lake)) == (holding_run.pid, ["r1"])


def test_a_stopped_run_still_holds_a_directory(lake, holding_run, build):
    holding_run.send_signal(signal.SIGSTOP)
    with lake.join("run-7"):
        land(lake, build, "r1")
    assert landed(lake) == ["r1"]


def test_a_job_of_another_run_is_told_who_holds_the_lake(lake, holding_run):
    with pytest.raises(LakeBusyError, match=r"run-7[\s\S]*since"), lake.join("run-8"):
        pass


def test_a_job_of_a_run_that_does_not_hold_the_lake_is_refused(lake):
    with pytest.raises(LeaseLostError, match="run-7"), lake.join("run-7"):
        pass


def test_a_job_commits_nothing_after_its_run_died(lake, holding_run, build):
    with lake.join("run-7"):
        land(lake, build, "r1")
        holding_run.kill()
        holding_run.wait()
        with pytest.raises(LeaseLostError, match="no lease"):
            land(lake, build, "r2")
    assert landed(lake) == ["r1"]


def test_a_job_commits_nothing_after_another_run_took_the_lake(lake, holding_run, build):
    other = Lake.open(lake.place.address)
    with lake.join("run-7"):
        land(lake, build, "r1")
        holding_run.kill()
        holding_run.wait()
        with other.hold(run_id="run-8", command="finks run"):
            with pytest.raises(LeaseLostError, match="run-8"):
                land(lake, build, "r2")
            land(other, build, "r3")
    assert landed(lake) == ["r1", "r3"]


def test_a_lake_that_was_joined_commits_as_before_after_the_block(lake, holding_run, build):
    with lake.join("run-7"):
        pass
    holding_run.kill()
    holding_run.wait()
    land(lake, build, "r1")
    assert landed(lake) == ["r1"]


def test_a_small_file_is_read_back_and_an_absent_one_is_none(lake):
    assert lake.place.kept("runs/r1.json") is None
    lake.place.keep("runs/r1.json", "€")
    assert lake.place.kept("runs/r1.json") == "€"
