"""A commit on Glue lands once, whatever happens to its answer, and files that a table has are never deleted."""

from __future__ import annotations

import os
import threading
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from finks.errors import RetryableError
from finks.lake import BRONZE_SCHEMA, Lake
from finks.testing.aws_proxy import failing, lost_answer, reset

pytestmark = pytest.mark.aws


@pytest.fixture
def lake(new_lake, proxy) -> Lake:
    return Lake.open(new_lake().place(), create=True)


def response(name: str, body: bytes = b"x") -> pa.Table:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = {
        "response_id": name, "slice": name, "key": name, "logical_date": date(2026, 1, 1), "page": 0, "request": "GET",
        "status": 200, "outcome": "ok", "body": body, "fetched_at": now, "run_id": "run-1", "connector": "test",
        "connector_version": "1",
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=BRONZE_SCHEMA)


def names(lake: Lake) -> list[str]:
    return sorted(lake.ledger("t").arrow()["response_id"].to_pylist())


def test_a_commit_whose_answer_was_lost_is_there_once(lake, proxy):
    lake.bronze("t").append(response("first"), {})
    proxy.rule(lost_answer(), service="glue", operation="UpdateTable", times=1)
    lake.bronze("t").append(response("second"), {})
    assert proxy.faults == 1
    assert names(lake) == ["first", "second"]


def test_a_publication_whose_answer_was_lost_is_one_release(lake, proxy):
    proxy.rule(lost_answer(), service="glue", operation="UpdateTable", resource="*.releases", times=1)
    lake.publish({"summary": pa.table({"a": [1]})}, run_id="run-1")
    assert [release.release_id for release in lake.releases()] == [1]
    assert lake.gold("summary").arrow()["a"].to_pylist() == [1]


def test_after_a_commit_of_unknown_outcome_the_data_is_readable(lake, proxy):
    lake.bronze("t").append(response("first"), {})
    proxy.rule(lost_answer(), service="glue", operation="UpdateTable")
    proxy.rule(reset(), service="s3", operation="GetObject", resource="*/00002-*.json")
    with pytest.raises(RetryableError, match="not known"):
        lake.bronze("t").append(response("second"), {})
    proxy.clear()
    assert names(lake) == ["first", "second"]
    (batch,) = list(lake.bronze("t").added_since(None)[1])
    assert batch["body"].to_pylist() == [b"x", b"x"]


def test_writers_at_the_same_time_all_land(lake):
    def write(number: int) -> None:
        for turn in range(3):
            lake.bronze("t").append(response(f"{number}-{turn}"), {})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(lake) == sorted(f"{number}-{turn}" for number in range(4) for turn in range(3))


BIG = 24 * 1024 * 1024


@pytest.mark.parametrize(
    ("fault", "operation", "times"),
    [
        (failing(), "UploadPart", 1),
        (failing(), "UploadPart", None),
        (reset(), "UploadPart", None),
        (lost_answer(), "UploadPart", 1),
        (lost_answer(), "CompleteMultipartUpload", 1),
        (lost_answer(), "CompleteMultipartUpload", None),
        (failing(), "CreateMultipartUpload", None),
    ],
)
def test_an_upload_in_parts_that_broke_leaves_nothing_and_goes_through_later(lake, proxy, fault, operation, times):
    body = os.urandom(BIG)
    proxy.rule(fault, service="s3", operation=operation, times=times)
    try:
        lake.bronze("t").append(response("big", body), {})
    except RetryableError:
        assert names(lake) == []
        proxy.clear()
        lake.bronze("t").append(response("big", body), {})
    else:
        assert proxy.faults
    assert names(lake) == ["big"]
    (batch,) = list(lake.bronze("t").added_since(None)[1])
    assert batch["body"].to_pylist() == [body]
