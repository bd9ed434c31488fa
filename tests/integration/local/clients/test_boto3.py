"""boto3, the way every other client goes."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

pytestmark = [pytest.mark.aws, pytest.mark.usefixtures("lake")]


def test_a_table_of_each_kind_is_read(lake):
    expected = [["AAPL", "185.50"], ["AAPL", "186.00"], ["MSFT", "370.25"]]
    for table in ("prices", "trades"):
        assert lake(f"SELECT symbol, price FROM {table} ORDER BY 1, 2") == expected


def test_a_paginator_gets_every_row(lake):
    rows = lake("SELECT n FROM UNNEST(sequence(1, 2500)) AS t (n)")
    assert sorted(int(row[0]) for row in rows) == list(range(1, 2501))


def test_the_catalog_is_described():
    athena = boto3.client("athena")
    catalog = {"CatalogName": "AwsDataCatalog"}
    assert [found["Name"] for found in athena.list_databases(**catalog)["DatabaseList"]] == ["demo"]
    tables = athena.list_table_metadata(**catalog, DatabaseName="demo", Expression="pri.*")["TableMetadataList"]
    assert [table["Name"] for table in tables] == ["prices"]
    table = athena.get_table_metadata(**catalog, DatabaseName="demo", TableName="prices")["TableMetadata"]
    assert [column["Name"] for column in table["Columns"] + table["PartitionKeys"]] == ["symbol", "price", "day"]
    with pytest.raises(ClientError, match="MetadataException"):
        athena.get_table_metadata(**catalog, DatabaseName="demo", TableName="absent")


def test_a_statement_that_is_not_sql_is_refused_at_once(lake):
    with pytest.raises(ClientError, match="mismatched input") as caught:
        lake("SELEC 1")
    assert caught.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_a_query_that_scans_too_much_is_cancelled(lake):
    athena = boto3.client("athena")
    athena.create_work_group(
        Name="frugal",
        Configuration={
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfiguration": {"OutputLocation": "s3://lake/frugal/"},
        },
    )
    lake(
        "CREATE TABLE noise WITH (external_location = 's3://lake/demo/noise/') AS "
        "SELECT to_hex(sha512(to_utf8(cast(a AS varchar) || '-' || cast(b AS varchar)))) AS h "
        "FROM UNNEST(sequence(1, 600)) AS t (a), UNNEST(sequence(1, 400)) AS u (b)"
    )
    query = athena.start_query_execution(
        QueryString="SELECT count(DISTINCT h) FROM demo.noise", WorkGroup="frugal"
    )["QueryExecutionId"]  # fmt: skip
    while (status := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in (
        "QUEUED", "RUNNING",
    ):  # fmt: skip
        pass
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")


def test_prepared_statements_are_kept_by_the_workgroup(lake):
    lake("PREPARE by_symbol FROM SELECT count(*) FROM prices WHERE symbol = ?")
    athena = boto3.client("athena")
    kept = athena.get_prepared_statement(StatementName="by_symbol", WorkGroup="primary")["PreparedStatement"]
    assert kept["QueryStatement"] == "SELECT count(*) FROM prices WHERE symbol = ?"
    assert lake("EXECUTE by_symbol USING 'AAPL'") == [["2"]]
    lake("DEALLOCATE PREPARE by_symbol")
    assert athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"] == []
