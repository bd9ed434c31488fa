"""Query executions: their states, their limits, what is remembered of them."""

from __future__ import annotations

import pytest
from finks_local.store import Store
from finks_local.wire import ServiceError


def test_a_query_is_accepted_and_succeeds(api):
    found = api.run("rows 3", QueryExecutionContext={"Database": "db", "Catalog": "AwsDataCatalog"})
    status, numbers = found["Status"], found["Statistics"]
    assert status["State"] == "SUCCEEDED"
    assert status["SubmissionDateTime"] <= status["CompletionDateTime"]
    assert found["QueryExecutionContext"] == {"Database": "db", "Catalog": "awsdatacatalog"}
    assert (found["StatementType"], found["SubstatementType"]) == ("DML", "SELECT")
    assert numbers["DataScannedInBytes"] == 77
    assert numbers["TotalExecutionTimeInMillis"] >= numbers["EngineExecutionTimeInMillis"]


def test_the_engine_gets_what_the_request_says(api, engine):
    api("CreateWorkGroup", Name="w", Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    api("CreatePreparedStatement", StatementName="pq", WorkGroup="w", QueryStatement="select 1")
    api.run("rows 1", WorkGroup="w", ExecutionParameters=["1", "'a'"], QueryExecutionContext={"Database": "Silver"})
    ((statement, request),) = engine.ran
    assert (statement, request.database, request.parameters) == ("rows 1", "silver", ("1", "'a'"))
    assert (request.scan_limit, request.staging) == (10_000_000, "s3://out/here/")
    assert request.prepared == {"pq": "select 1"}


def test_a_failed_query_tells_why(api):
    status = api.run("fail TABLE_NOT_FOUND line 1:15: Table 'awsdatacatalog.a.b' does not exist")["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("TABLE_NOT_FOUND: line 1:15")
    assert status["AthenaError"] == {
        "ErrorCategory": 2, "ErrorType": 1301, "Retryable": False, "ErrorMessage": status["StateChangeReason"],
    }  # fmt: skip


def test_a_defect_of_the_endpoint_is_a_system_error(api):
    status = api.run("broken")["Status"]
    assert status["AthenaError"]["ErrorCategory"] == 1
    assert "ZeroDivisionError: a defect" in status["StateChangeReason"]


def test_a_query_beyond_its_limit_is_cancelled(api):
    status = api.run("fail EXCEEDED_SCAN_LIMIT too much")["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")


def test_a_statement_that_is_not_sql_is_refused_and_its_token_stays_free(api):
    with pytest.raises(ServiceError, match="line 1:1") as caught:
        api.start("malformed", ClientRequestToken="t" * 32)
    assert caught.value.members["AthenaErrorCode"] == "MALFORMED_QUERY"
    assert api.start("rows 1", ClientRequestToken="t" * 32)


def test_another_catalog_is_refused(api):
    with pytest.raises(ServiceError, match="postgres"):
        api.start("rows 1", QueryExecutionContext={"Catalog": "postgres"})


@pytest.mark.parametrize("statement", ["wait", "wait-rows"])
def test_a_running_query_can_be_stopped(api, statement):
    query = api.start(statement)
    api.wait(query, "RUNNING")
    api("StopQueryExecution", QueryExecutionId=query)
    status = api.find(query)["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")


def test_a_queued_query_can_be_stopped_and_never_runs(make, engine):
    api = make(running=1)
    first, second = api.start("wait"), api.start("rows 1")
    api.wait(first, "RUNNING")
    assert api.state(second) == "QUEUED"
    api("StopQueryExecution", QueryExecutionId=second)
    assert api.state(second) == "CANCELLED"
    engine.released.set()
    api.wait(first)
    assert [statement for statement, _ in engine.ran] == ["wait"]


def test_stopping_a_finished_query_changes_nothing(api):
    query = api.run("rows 1")["QueryExecutionId"]
    api("StopQueryExecution", QueryExecutionId=query)
    assert api.state(query) == "SUCCEEDED"


def test_so_many_queries_run_at_once_and_no_more(make, engine):
    api = make(running=3)
    queries = [api.start("wait") for _ in range(7)]
    for query in queries[:3]:
        api.wait(query, "RUNNING")
    assert {api.state(query) for query in queries[3:]} == {"QUEUED"}
    engine.released.set()
    assert {api.wait(query)["Status"]["State"] for query in queries} == {"SUCCEEDED"}
    assert engine.most_running <= 3


def test_too_many_queries_are_refused(make):
    api = make(running=1, active=2)
    api.start("wait"), api.start("wait")
    with pytest.raises(ServiceError, match="TooManyRequestsException") as caught:
        api.start("wait")
    assert caught.value.members["Reason"] == "CONCURRENT_QUERY_LIMIT_EXCEEDED"


def test_one_token_starts_one_query(api, engine):
    first = api.start("rows 1", ClientRequestToken="t" * 32)
    api.wait(first)
    assert api.start("rows 1", ClientRequestToken="t" * 32, ExecutionParameters=["1"]) == first
    with pytest.raises(ServiceError, match="Idempotent parameters do not match") as caught:
        api.start("rows 2", ClientRequestToken="t" * 32)
    assert caught.value.members["AthenaErrorCode"] == "IDEMPOTENT_PARAMETER_MISMATCH"
    assert len(engine.ran) == 1


def test_a_request_without_a_token_is_refused(api):
    with pytest.raises(ServiceError, match="clientRequestToken is null or empty"):
        api("StartQueryExecution", QueryString="rows 1")


def test_executions_are_listed_by_workgroup_newest_first(api):
    api("CreateWorkGroup", Name="w")
    mine = [api.run("rows 1", WorkGroup="w")["QueryExecutionId"] for _ in range(3)]
    api.run("rows 1")
    first = api("ListQueryExecutions", WorkGroup="w", MaxResults=2)
    rest = api("ListQueryExecutions", WorkGroup="w", NextToken=first["NextToken"])
    assert first["QueryExecutionIds"] + rest["QueryExecutionIds"] == mine[::-1]


def test_a_batch_tells_found_and_missing(api):
    query = api.run("rows 1")["QueryExecutionId"]
    reply = api("BatchGetQueryExecution", QueryExecutionIds=[query, "absent"])
    assert [found["QueryExecutionId"] for found in reply["QueryExecutions"]] == [query]
    assert [missing["QueryExecutionId"] for missing in reply["UnprocessedQueryExecutionIds"]] == ["absent"]


REUSE = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}


def test_an_earlier_result_is_reused_where_allowed(api, engine):
    first = api.run("rows 3")
    again = api.run("rows 3", ResultReuseConfiguration=REUSE)
    assert again["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
    assert again["ResultConfiguration"]["OutputLocation"] == first["ResultConfiguration"]["OutputLocation"]
    rows = api("GetQueryResults", QueryExecutionId=again["QueryExecutionId"])["ResultSet"]["Rows"]
    assert len(rows) == 4
    assert len(engine.ran) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 0}}},
        {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}}},
        {"QueryExecutionContext": {"Database": "other"}},
        {"WorkGroup": "w"},
        {"ExecutionParameters": ["1"]},
    ],
)
def test_no_result_is_reused_for_another_query(api, engine, change):
    api("CreateWorkGroup", Name="w")
    api.run("rows 3")
    api.run("rows 3", **{"ResultReuseConfiguration": REUSE, **change})
    assert len(engine.ran) == 2


def test_executions_survive_the_endpoint(make, tmp_path):
    before = make(Store(tmp_path / "s.sqlite"))
    query = before.run("rows 2")["QueryExecutionId"]
    waiting = before.start("wait")
    before.wait(waiting, "RUNNING")
    after = make(Store(tmp_path / "s.sqlite"))  # the first was never closed, as after kill -9
    assert len(after("GetQueryResults", QueryExecutionId=query)["ResultSet"]["Rows"]) == 3
    assert after.state(waiting) == "FAILED"
    assert "endpoint ended" in after.find(waiting)["Status"]["StateChangeReason"]


def test_only_so_many_executions_are_remembered(make, tmp_path):
    api = make(running=1, remembered=3)
    queries = [api.run("rows 1")["QueryExecutionId"] for _ in range(5)]
    api.service.close()
    assert api("ListQueryExecutions")["QueryExecutionIds"] == queries[:1:-1]
    assert len(list((tmp_path / "spool").iterdir())) == 3
    assert api.store.count("request-token") == 3


def test_prepare_and_deallocate_keep_and_remove_a_statement(api):
    api.run("prepare pq select ?")
    statement = api("GetPreparedStatement", StatementName="pq", WorkGroup="primary")["PreparedStatement"]
    assert statement["QueryStatement"] == "select ?"
    api.run("prepare pq")
    assert api("ListPreparedStatements", WorkGroup="primary")["PreparedStatements"] == []


def test_a_workgroup_with_saved_queries_is_deleted_only_on_request(api):
    api("CreateWorkGroup", Name="w", Tags=[{"Key": "team", "Value": "data"}])
    api("CreateNamedQuery", Name="n", Database="d", QueryString="select 1", WorkGroup="w")
    with pytest.raises(ServiceError, match="not empty"):
        api("DeleteWorkGroup", WorkGroup="w")
    api("DeleteWorkGroup", WorkGroup="w", RecursiveDeleteOption=True)
    api("CreateWorkGroup", Name="w")
    assert api("ListNamedQueries", WorkGroup="w")["NamedQueryIds"] == []
    arn = "arn:aws:athena:us-east-1:000000000000:workgroup/w"
    assert api("ListTagsForResource", ResourceARN=arn)["Tags"] == []


@pytest.mark.parametrize("operation", ["StartSession", "CreateNotebook", "CreateDataCatalog", "ListExecutors"])
def test_an_operation_that_is_not_served_is_refused_by_name(api, operation):
    request = {
        "StartSession": {"WorkGroup": "primary", "EngineConfiguration": {}},
        "CreateNotebook": {"WorkGroup": "primary", "Name": "n"},
        "CreateDataCatalog": {"Name": "c", "Type": "HIVE"},
        "ListExecutors": {"SessionId": "s"},
    }[operation]
    with pytest.raises(ServiceError, match=f"{operation} is not supported"):
        api(operation, **request)
