"""The API's Athena back end: DuckDB's rows exactly, each query executed once, a documented end of every fault."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import boto3
import pyarrow as pa
import pytest
from finks.lake import Lake
from finks.lake.aws import aws as account
from finks.lake.place import place_of
from finks.testing.aws_proxy import Fault, denied, lost_answer, query_state, reset, throttled
from finks_api.backends.athena import AthenaBackend
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.backends.executions import DynamoExecutions, Execution, Executions, MemoryExecutions
from finks_api.backends.protocol import StillRunning
from finks_api.backends.runs import RunOptions, Runs
from finks_api.problems import Problem
from finks_api.query import Filter, Query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.aws

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ROWS = pa.table(
    {
        "id": pa.array(["a", "it's", "z"], pa.string()),
        "day": pa.array([date(2024, 2, 29), date(2024, 3, 1), None], pa.date32()),
        "note": pa.array(["", 'two\nlines, "quoted"', None], pa.string()),
        "amount": pa.array([Decimal("1.500000000001"), Decimal("-2.000000000000"), None], pa.decimal128(38, 12)),
        "at": pa.array([NOW, NOW, None], pa.timestamp("us", tz="UTC")),
        "count": pa.array([2**40, 0, None], pa.int64()),
        "ratio": pa.array([0.1, -1.5e-7, None], pa.float64()),
        "fine": pa.array([True, False, None], pa.bool_()),
    }
)
ALL = Query("gold.summary", ROWS.schema, ("id",))
ID = Query("gold.summary", pa.schema([("id", pa.string())]), ("id",), limit=10)
Make = Callable[..., AthenaBackend]


@pytest.fixture
def lake(new_lake) -> Lake:
    made = Lake.open(new_lake().place(), create=True)
    made.publish({"summary": ROWS}, run_id="run-1")
    return made


@pytest.fixture
def make(proxy, lake) -> Make:
    """Back ends of one API as several processes have them; every call goes through the proxy."""
    options = RunOptions(b"api", f"{lake.place.address}/athena", "primary", 20, 10**9)

    def made(executions: Executions | None = None, **other) -> AthenaBackend:
        runs = Runs(account(), replace(options, **other), executions or MemoryExecutions())
        return AthenaBackend(place_of(lake.place.address), runs)

    return made


@pytest.fixture
def executions_table(aws) -> str:
    boto3.client("dynamodb").create_table(
        TableName="executions",
        AttributeDefinitions=[{"AttributeName": "query", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "query", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield "executions"
    boto3.client("dynamodb").delete_table(TableName="executions")


def executions() -> list[str]:
    """All that were ever started at the endpoint, without the proxy's faults."""
    return boto3.client("athena").list_query_executions(MaxResults=50)["QueryExecutionIds"]


@pytest.fixture
def started(proxy) -> Callable[[], int]:
    """How many executions began since the test did."""
    before = set(executions())
    return lambda: len(set(executions()) - before)


def problem(backend: AthenaBackend, query: Query = ALL) -> str:
    with pytest.raises(Problem) as raised:
        backend.rows(query, backend.releases()[0])
    return raised.value.slug


def rows(backend: AthenaBackend, query: Query = ALL) -> pa.Table:
    return backend.rows(query, backend.releases()[0])


@pytest.mark.parametrize(
    "filters",
    [
        (),
        (Filter("id", "=", "it's"),),
        (Filter("id", "in", ("a", "z")),),
        (Filter("day", ">=", date(2024, 3, 1)),),
        (Filter("amount", "=", Decimal("1.500000000001")),),
        (Filter("at", "<=", NOW),),
        (Filter("count", "=", 2**40),),
        (Filter("fine", "=", True),),
        (Filter("id", "=", "x' or 'a' = 'a"),),
    ],
)
def test_rows_are_those_of_duckdb(lake, make, filters):
    query = replace(ALL, filters=filters)
    expected = DuckDbBackend(lake).rows(query, lake.releases()[0])
    assert rows(make(), query).equals(expected)


HOSTILE = [*"a'?\\\0%\n\"", "", "''", "' or ''='", "a\\'", "\u2018\u2019", "\u201ca\u201d", ";--", "/*", "\u00e9'?"]


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("a'\"?\\\0\u2018\u2019\u201c;-/*%\n="), max_size=8) | st.sampled_from(HOSTILE))
def test_a_text_is_a_value_whatever_is_in_it(hostile, text):
    found = rows(hostile, replace(ID, filters=(Filter("id", "=", text),)))
    assert found["id"].to_pylist() == [known for known in HOSTILE if known == text]


@pytest.fixture
def hostile(lake, make) -> AthenaBackend:
    lake.publish({"summary": pa.table({"id": HOSTILE})}, run_id="run-2")
    return make()


def test_each_release_is_read_at_its_own_snapshot(lake, make):
    backend = make()
    lake.publish({"summary": ROWS.slice(0, 1)}, run_id="run-2")
    newest, first = backend.releases()
    assert (backend.rows(ALL, newest).num_rows, backend.rows(ALL, first).num_rows) == (1, 3)


def test_a_release_whose_snapshot_is_gone_has_expired(lake, make, started):
    backend = make()
    release = backend.releases()[0]
    gone = replace(release, marts={"summary": replace(release.marts["summary"], snapshot_id=1)})
    with pytest.raises(Problem) as raised:
        backend.rows(ALL, gone)
    assert (raised.value.slug, started()) == ("expired-version", 1)


def test_the_same_query_runs_once(make, started, proxy):
    backend = make()
    first = rows(backend)
    polls = proxy.count("athena", "GetQueryExecution")
    assert rows(backend).equals(first)
    assert (started(), proxy.count("athena", "GetQueryExecution")) == (1, polls)


def test_processes_that_share_nothing_ask_at_once_and_one_execution_runs(make, started):
    backends = [make() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda backend: rows(backend).equals(ROWS), backends))
    assert started() == 1


def test_a_process_takes_the_result_that_another_one_noted(make, started, proxy, executions_table):
    client = boto3.client("dynamodb")
    rows(make(DynamoExecutions(client, executions_table)))
    asked = proxy.count("athena")
    assert rows(make(DynamoExecutions(client, executions_table))).equals(ROWS)
    assert (started(), proxy.count("athena") - asked) == (1, 1)  # `started` itself asks once


def test_what_is_noted_late_does_not_replace_what_is_later(executions_table):
    client = boto3.client("dynamodb")
    DynamoExecutions(client, executions_table).note("q", Execution(1, "second"))
    DynamoExecutions(client, executions_table).note("q", Execution(0, "first", "s3://b/first"))
    assert DynamoExecutions(client, executions_table).find("q") == Execution(1, "second")


def test_another_api_never_comes_by_the_same_execution(make, started):
    rows(make())
    rows(make(key=b"another"))
    assert started() == 2


def test_a_lost_answer_of_the_start_starts_no_second_query(make, started, proxy):
    proxy.rule(lost_answer(), service="athena", operation="StartQueryExecution", times=2)
    assert rows(make()).equals(ROWS)
    assert (started(), proxy.count("athena", "StartQueryExecution")) == (1, 3)


def test_a_start_whose_answer_never_came_is_found_again_by_the_next_request(make, started, proxy):
    backend = make()
    proxy.rule(lost_answer(), service="athena", operation="StartQueryExecution", times=3)
    assert problem(backend) == "unavailable"
    assert rows(backend).equals(ROWS)
    assert started() == 1


@pytest.mark.parametrize(
    "fault",
    [throttled(), Fault(400, "TooManyRequestsException", "You have exceeded the limit for queries.", forward=False)],
)
@pytest.mark.parametrize("operation", ["StartQueryExecution", "GetQueryExecution"])
def test_throttling_and_a_full_queue_are_busy(make, started, proxy, fault, operation):
    backend = make()
    proxy.rule(fault, service="athena", operation=operation, times=3)
    assert problem(backend) == "busy"
    assert rows(backend).equals(ROWS)
    assert started() == 1


def test_a_query_that_takes_longer_than_the_wait_still_runs_and_is_not_started_again(make, started, proxy):
    backend = make(wait=0.3)
    proxy.rule(query_state("RUNNING"), service="athena", operation="GetQueryExecution", times=6)
    seen = 0
    while True:
        try:
            found = rows(backend)
            break
        except StillRunning:
            seen += 1
    assert found.equals(ROWS)
    assert (seen >= 2, started()) == (True, 1)


@pytest.mark.parametrize(
    ("fault", "slug"),
    [
        (query_state("FAILED", "GENERIC_INTERNAL_ERROR: secret"), "query-failed"),
        (query_state("FAILED", "HIVE_S3", AthenaError={"Retryable": True, "ErrorCategory": 1}), "unavailable"),
        (query_state("CANCELLED", "Query cancelled by user"), "query-failed"),
    ],
)
def test_a_failed_query_says_so_and_the_next_request_starts_it_anew(make, started, proxy, fault, slug):
    backend = make()
    proxy.rule(fault, service="athena", operation="GetQueryExecution", times=1)
    assert problem(backend) == slug
    assert started() == 1
    assert rows(backend).equals(ROWS)
    assert started() == 2


def test_a_failure_is_told_without_its_details(make, proxy, caplog):
    backend = make()
    proxy.rule(query_state("FAILED", "the secret place"), service="athena", operation="GetQueryExecution", times=1)
    with pytest.raises(Problem) as raised:
        rows(backend)
    assert b"secret" not in raised.value.body()
    assert "the secret place" in caplog.text


def test_a_failure_from_before_the_request_is_not_its_answer(make, started, proxy):
    failing = make()
    proxy.rule(
        query_state("FAILED", "once", CompletionDateTime=1.0), service="athena", operation="GetQueryExecution", times=1
    )
    assert rows(failing).equals(ROWS)
    assert started() == 2


@pytest.mark.slow
def test_a_query_beyond_the_workgroups_limit_reads_too_much_and_is_not_paid_twice(lake, make):
    lake.publish({"summary": pa.table({"id": [os.urandom(2**15).hex() for _ in range(400)]})}, run_id="run-2")
    boto3.client("athena").create_work_group(
        Name="capped", Configuration={"BytesScannedCutoffPerQuery": 10_000_000, "EnforceWorkGroupConfiguration": False}
    )
    backend = make(workgroup="capped")
    before = boto3.client("athena").list_query_executions(WorkGroup="capped")["QueryExecutionIds"]
    assert [problem(backend, ID), problem(backend, ID)] == ["too-much-data", "too-much-data"]
    after = boto3.client("athena").list_query_executions(WorkGroup="capped")["QueryExecutionIds"]
    assert (len(before), len(after)) == (0, 1)


def test_a_query_beyond_the_apis_limit_reads_too_much(make, started):
    backend = make(max_bytes=10)
    assert problem(backend) == "too-much-data"
    assert problem(backend) == "too-much-data"
    assert started() == 1


def test_a_query_that_scans_too_much_while_it_runs_is_stopped(make, started, proxy):
    backend = make(max_bytes=10)
    proxy.rule(query_state("RUNNING"), service="athena", operation="GetQueryExecution")
    assert problem(backend) == "too-much-data"
    assert proxy.count("athena", "StopQueryExecution") == 1
    assert started() == 1


def test_a_result_that_was_removed_is_made_again(lake, make, started):
    backend = make()
    rows(backend)
    bucket, _, prefix = f"{lake.place.address}/athena/".removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    for item in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        client.delete_object(Bucket=bucket, Key=item["Key"])
    assert rows(backend).equals(ROWS)
    assert started() == 2


@pytest.mark.parametrize("fault", [denied(), reset()])
@pytest.mark.parametrize(
    ("service", "operation"), [("athena", "StartQueryExecution"), ("s3", "GetObject"), ("glue", "GetTable")]
)
def test_whatever_else_aws_does_is_unavailable(make, proxy, fault, service, operation):
    backend = make()
    release = backend.releases()[0]
    proxy.rule(fault, service=service, operation=operation, resource="*athena*" if service == "s3" else "*")
    with pytest.raises(Problem) as raised:
        backend.releases() if service == "glue" else backend.rows(ALL, release)
    assert raised.value.slug == "unavailable"


def test_releases_are_read_again_only_when_there_is_a_new_one(lake, make, proxy):
    backend = make()
    backend.releases()
    proxy.clear()
    assert len(backend.releases()) == 1
    assert proxy.counts() == {("glue", "GetTable"): 1}
    lake.publish({"summary": ROWS.slice(0, 1)}, run_id="run-2")
    assert len(backend.releases()) == 2
