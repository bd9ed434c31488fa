"""Results: paged as Athena pages them, written as Athena writes them."""

from __future__ import annotations

import csv
import io

import pytest
from finks_local.wire import ServiceError


def results(api, query, **request):
    return api("GetQueryResults", QueryExecutionId=query, **request)


def values(reply):
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in reply["ResultSet"]["Rows"]]


def all_pages(api, query, **request):
    pages, token = [], {}
    while True:
        reply = results(api, query, **request, **token)
        pages.append(values(reply))
        if "NextToken" not in reply:
            return pages
        token = {"NextToken": reply["NextToken"]}


def expected(count):
    return [["n", "s"], *([str(n), None if n % 3 == 0 else f'a "{n}", b'] for n in range(count))]


@pytest.mark.parametrize(
    ("count", "size", "pages"),
    [(0, 1000, [1]), (3, 1000, [4]), (999, 1000, [1000]), (1000, 1000, [1000, 1]), (2500, 1000, [1000, 1000, 501]),
     (5, 1, [1] * 6), (2100, 700, [700, 700, 700, 1])],
)  # fmt: skip
def test_pages_hold_every_row_once_and_the_names_come_first(api, count, size, pages):
    query = api.run(f"rows {count}")["QueryExecutionId"]
    found = all_pages(api, query, MaxResults=size)
    assert [len(page) for page in found] == pages
    assert [row for page in found for row in page] == expected(count)


def test_null_has_no_value_and_an_empty_text_has_one(api):
    query = api.run("rows 1")["QueryExecutionId"]
    assert results(api, query)["ResultSet"]["Rows"][1]["Data"] == [{"VarCharValue": "0"}, {}]


def test_columns_are_described(api):
    reply = results(api, api.run("rows 1")["QueryExecutionId"])
    columns = reply["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Name"], column["Type"]) for column in columns] == [("n", "bigint"), ("s", "varchar")]
    assert reply["UpdateCount"] == 0


def test_the_file_is_a_csv_as_athena_writes_it(api, s3):
    found = api.run("rows 3")
    name = found["ResultConfiguration"]["OutputLocation"]
    assert name == f"s3://out/here/{found['QueryExecutionId']}.csv"
    written = (s3 / name.removeprefix("s3://")).read_text()
    assert written == '"n","s"\n"0",\n"1","a ""1"", b"\n"2","a ""2"", b"\n'
    assert (s3 / f"{name.removeprefix('s3://')}.metadata").stat().st_size > 0


def test_the_file_and_the_pages_are_the_same(api, s3):
    found = api.run("rows 1500")
    written = (s3 / found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://")).read_text()
    rows = [row for page in all_pages(api, found["QueryExecutionId"]) for row in page]
    assert list(csv.reader(io.StringIO(written))) == [[cell or "" for cell in row] for row in rows]


def test_a_query_without_rows_writes_the_names(api, s3):
    found = api.run("rows 0")
    assert (s3 / found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://")).read_text() == '"n","s"\n'


def test_a_query_that_fails_or_is_stopped_leaves_no_file(api, s3):
    query = api.start("wait-rows")
    api.wait(query, "RUNNING")
    api("StopQueryExecution", QueryExecutionId=query)
    api.run("fails-late")
    api.service.close()
    assert [path.name for path in s3.rglob("*") if path.is_file()] == []


def test_a_listing_has_no_names_and_is_a_text(api, s3):
    found = api.run("show tables")
    assert values(results(api, found["QueryExecutionId"])) == [["a"], ["b"]]
    name = found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://")
    assert name.endswith(".txt")
    assert (s3 / name).read_text() == "a\nb"


def test_ddl_has_neither_rows_nor_columns_nor_a_count(api, s3):
    found = api.run("ddl")
    reply = results(api, found["QueryExecutionId"])
    assert reply == {"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": []}}}
    assert (s3 / found["ResultConfiguration"]["OutputLocation"].removeprefix("s3://")).read_text() == ""


def test_a_write_tells_its_count_and_its_files(api, s3):
    found = api.run("insert 7")
    reply = results(api, found["QueryExecutionId"])
    assert reply["UpdateCount"] == 7
    assert reply["ResultSet"]["Rows"] == []
    assert reply["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]["Name"] == "rows"
    manifest = found["Statistics"]["DataManifestLocation"]
    assert manifest == f"s3://out/here/{found['QueryExecutionId']}-manifest.csv"
    assert (s3 / manifest.removeprefix("s3://")).read_text() == "s3://lake/t/a\ns3://lake/t/b\n"


def test_a_ctas_writes_below_tables(api):
    found = api.run("ctas")
    folder = f"s3://out/here/tables/{found['QueryExecutionId']}"
    assert found["ResultConfiguration"]["OutputLocation"] == folder
    assert found["Statistics"]["DataManifestLocation"] == f"{folder}-manifest.csv"


def test_a_bucket_that_is_not_there_fails_the_query(api):
    status = api.run("rows 1", ResultConfiguration={"OutputLocation": "s3://absent/x/"})["Status"]
    assert status["State"] == "FAILED"


def test_managed_results_are_paged_and_have_no_file(api, s3):
    api("CreateWorkGroup", Name="own", Configuration={"ManagedQueryResultsConfiguration": {"Enabled": True}})
    found = api.run("rows 3", WorkGroup="own")
    assert "OutputLocation" not in found["ResultConfiguration"]
    assert found["ManagedQueryResultsConfiguration"] == {"Enabled": True}
    assert values(results(api, found["QueryExecutionId"])) == expected(3)
    assert [path.name for path in s3.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("statement", "state", "message"),
    [("fail X y", "FAILED", "Query did not finish successfully. Final query state: FAILED"),
     ("wait", "RUNNING", "Query has not yet finished. Current state: RUNNING")],
)  # fmt: skip
def test_there_is_no_result_before_success(api, statement, state, message):
    query = api.start(statement)
    api.wait(query, state)
    with pytest.raises(ServiceError) as caught:
        results(api, query)
    assert (caught.value.message, caught.value.members["AthenaErrorCode"]) == (message, "INVALID_QUERY_EXECUTION_STATE")


def test_a_stopped_query_has_no_result(api):
    query = api.start("wait")
    api("StopQueryExecution", QueryExecutionId=query)
    with pytest.raises(ServiceError, match="Could not find results"):
        results(api, query)


@pytest.mark.parametrize(
    ("request_", "message"),
    [({"MaxResults": 1001}, "value less than or equal to 1000"),
     ({"MaxResults": 0}, "value greater than or equal to 1"),
     ({"NextToken": "x"}, "Malformed nextPageToken x"),
     ({"QueryResultType": "DATA_MANIFEST"}, "DATA_MANIFEST is not supported")],
)  # fmt: skip
def test_a_wrong_page_is_refused(api, request_, message):
    query = api.run("rows 1")["QueryExecutionId"]
    with pytest.raises(ServiceError, match=message):
        results(api, query, **request_)


def test_an_unknown_query_is_refused(api):
    with pytest.raises(ServiceError, match="QueryExecution absent was not found"):
        results(api, "absent")


def test_statistics_count_rows_and_bytes(api, s3):
    query = api.run("rows 3")["QueryExecutionId"]
    statistics = api("GetQueryRuntimeStatistics", QueryExecutionId=query)["QueryRuntimeStatistics"]
    size = (s3 / "out" / "here" / f"{query}.csv").stat().st_size
    assert statistics["Rows"] == {"InputBytes": 77, "OutputRows": 3, "OutputBytes": size}
    assert statistics["Timeline"]["TotalExecutionTimeInMillis"] >= 0
