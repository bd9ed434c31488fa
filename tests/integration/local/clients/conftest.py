"""A small lake on the local AWS, made through Athena, and this process's environment pointed to it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import boto3
import pytest
from finks_local.stack import Stack

RESULTS = "s3://lake/results/"
ROWS = [("AAPL", "2024-01-01", "185.50"), ("AAPL", "2024-01-02", "186.00"), ("MSFT", "2024-01-02", "370.25")]
VALUES = ", ".join(f"('{symbol}', DATE '{day}', CAST('{price}' AS decimal(10, 2)))" for symbol, day, price in ROWS)


def run(statement: str) -> list[list[str | None]]:
    """The rows of a statement, every page of them, through boto3."""
    athena = boto3.client("athena")
    query = athena.start_query_execution(
        QueryString=statement,
        QueryExecutionContext={"Database": "demo"},
        ResultConfiguration={"OutputLocation": RESULTS},
    )["QueryExecutionId"]
    while True:
        found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        state = found["Status"]["State"]
        if state == "SUCCEEDED":
            break
        assert state in ("QUEUED", "RUNNING"), found["Status"]
        time.sleep(0.02)
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]
    return rows[1:] if found["StatementType"] == "DML" else rows


@pytest.fixture(scope="module")
def lake(local_aws: Stack) -> Iterator[Callable[[str], list[list[str | None]]]]:
    """Database `demo` with `prices` (Parquet, partitioned) and `trades` (Iceberg); called, it runs a statement."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in local_aws.environment.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="lake")
        run("CREATE DATABASE demo LOCATION 's3://lake/demo/'")
        source = f"SELECT * FROM (VALUES {VALUES}) AS v (symbol, day, price)"
        run(
            "CREATE TABLE prices WITH (format = 'PARQUET', external_location = 's3://lake/demo/prices/', "
            f"partitioned_by = ARRAY['day']) AS SELECT symbol, price, day FROM ({source})"
        )
        run(
            "CREATE TABLE trades WITH (table_type = 'ICEBERG', is_external = false, "
            f"location = 's3://lake/demo/trades/') AS {source}"
        )
        yield run
