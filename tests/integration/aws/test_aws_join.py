"""A job that shares the lease of the run which started it, on a lake on AWS."""

from __future__ import annotations

import signal
import time
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from finks.errors import LakeBusyError, LeaseLostError
from finks.lake import BRONZE_SCHEMA, Lake

pytestmark = pytest.mark.aws


@pytest.fixture
def lake(new_lake) -> Lake:
    return Lake.open(new_lake().place(), create=True)


def land(lake: Lake) -> None:
    values = {"string": "x", "int32": 1, "int64": 1, "timestamp[us, tz=UTC]": datetime(2026, 1, 1, tzinfo=UTC)}
    row = {field.name: values.get(str(field.type)) for field in BRONZE_SCHEMA}
    row["logical_date"] = date(2026, 1, 1)
    lake.bronze("bars").append(pa.Table.from_pylist([row], schema=BRONZE_SCHEMA), {})


def commits(lake: Lake) -> int:
    return len(Lake.open(lake.place.address).catalog.load_table("bronze.bars").snapshots())


def test_a_job_commits_while_its_run_renews_the_lease(lake, holding_run):
    with lake.join("run-7"):
        land(lake)
        time.sleep(3)
        land(lake)
    assert commits(lake) == 2


def test_a_job_of_another_run_is_told_who_holds_the_lake(lake, holding_run):
    with pytest.raises(LakeBusyError, match=r"run-7[\s\S]*ends by itself at"), lake.join("run-8"):
        pass


def test_a_job_of_a_run_that_does_not_hold_the_lake_is_refused(lake):
    with pytest.raises(LeaseLostError, match="run-7"), lake.join("run-7"):
        pass


@pytest.mark.parametrize("ending", [signal.SIGSTOP, signal.SIGKILL])
def test_a_job_commits_nothing_once_the_lease_of_its_run_has_run_out(lake, holding_run, ending):
    with lake.join("run-7"):
        land(lake)
        holding_run.send_signal(ending)
        time.sleep(2.5)
        with pytest.raises(LeaseLostError, match="no lease"):
            land(lake)
    assert commits(lake) == 1


def test_neither_a_run_that_wakes_nor_its_job_commits_after_a_takeover(lake, holding_run):
    other = Lake.open(lake.place.address)
    with lake.join("run-7"):
        land(lake)
        holding_run.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        with other.hold(run_id="run-8", command="finks run"):
            holding_run.send_signal(signal.SIGCONT)
            time.sleep(1)
            with pytest.raises(LeaseLostError, match="run-8"):
                land(lake)
            land(other)
    assert commits(lake) == 2


def test_a_run_that_took_the_lake_again_is_another_holder(lake, holding_run):
    """The same run identifier is not enough: the lease is the one that the job joined."""
    again = Lake.open(lake.place.address)
    with lake.join("run-7"):
        holding_run.kill()
        time.sleep(2.5)
        with again.hold(run_id="run-7", command="finks run"), pytest.raises(LeaseLostError):
            land(lake)


def test_a_small_file_is_read_back_and_an_absent_one_is_none(lake):
    assert lake.place.kept("runs/r1.json") is None
    lake.place.keep("runs/r1.json", "€")
    assert lake.place.kept("runs/r1.json") == "€"
