"""polars, pyarrow, pyiceberg and DuckDB on the same files and tables: what one writes, Athena and the others read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem
from pyiceberg.catalog import load_catalog

pytestmark = [pytest.mark.aws, pytest.mark.usefixtures("lake")]
SYMBOLS = ["AAPL", "AAPL", "MSFT"]


@pytest.fixture(scope="module")
def filesystem(local_aws):
    address = urlsplit(local_aws.emulator.url)
    return S3FileSystem(
        access_key="test", secret_key="test", region="us-east-1", endpoint_override=address.netloc, scheme="http"
    )


@pytest.fixture(scope="module")
def catalog(local_aws):
    return load_catalog(
        "glue",
        **{
            "type": "glue",
            "glue.endpoint": local_aws.endpoint.url,
            "glue.region": "us-east-1",
            "s3.endpoint": local_aws.emulator.url,
            "s3.region": "us-east-1",
        },
    )


class S3Files(ArrowFSWrapper):
    """pyarrow's S3 for DuckDB, which then needs no extension."""

    protocol = "s3"


@pytest.fixture(scope="module")
def duck(filesystem):
    with duckdb.connect() as connection:
        connection.register_filesystem(S3Files(filesystem))
        yield connection


def external(lake, name: str) -> list[list[str | None]]:
    """What Athena reads of the Parquet files in a folder."""
    lake(
        f"CREATE EXTERNAL TABLE {name} (symbol string, price double) STORED AS PARQUET "
        f"LOCATION 's3://lake/demo/{name}/'"
    )
    return lake(f"SELECT symbol, price FROM {name} ORDER BY 1, 2")


def test_polars_reads_a_partitioned_table():
    frame = pl.scan_parquet("s3://lake/demo/prices/", hive_partitioning=True, extra_columns="ignore").collect()
    assert sorted(frame["symbol"]) == SYMBOLS


def test_polars_reads_an_iceberg_table(catalog, monkeypatch):
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # its own planner is another package
    frame = pl.scan_iceberg(catalog.load_table("demo.trades")).collect()
    assert sorted(frame["price"]) == [Decimal("185.50"), Decimal("186.00"), Decimal("370.25")]


def test_athena_reads_what_polars_writes(lake):
    pl.DataFrame({"symbol": ["A", "B"], "price": [1.5, 2.5]}).write_parquet("s3://lake/demo/by_polars/one.parquet")
    assert external(lake, "by_polars") == [["A", "1.5"], ["B", "2.5"]]


def test_pyarrow_reads_a_partitioned_table(filesystem):
    table = ds.dataset("lake/demo/prices", filesystem=filesystem, partitioning="hive", format="parquet").to_table()
    assert sorted(table.column("symbol").to_pylist()) == SYMBOLS


def test_athena_reads_what_pyarrow_writes(lake, filesystem):
    table = pa.table({"symbol": ["A", "B"], "price": [1.5, 2.5]})
    with filesystem.open_output_stream("lake/demo/by_pyarrow/one.parquet") as sink:
        pq.write_table(table, sink)
    assert external(lake, "by_pyarrow") == [["A", "1.5"], ["B", "2.5"]]


def test_pyiceberg_reads_what_athena_wrote(catalog):
    table = catalog.load_table("demo.trades").scan(row_filter="symbol = 'MSFT'").to_arrow()
    assert table.column("price").to_pylist() == [Decimal("370.25")]


def test_athena_reads_what_pyiceberg_writes(lake, catalog):
    schema = pa.schema([("symbol", pa.string()), ("day", pa.date32())])
    table = catalog.create_table("demo.by_pyiceberg", schema, location="s3://lake/demo/by_pyiceberg")
    table.append(pa.table({"symbol": ["A"], "day": [date(2024, 5, 1)]}, schema=schema))
    table.append(pa.table({"symbol": ["B"], "day": [date(2024, 5, 2)]}, schema=schema))
    assert lake("SELECT * FROM by_pyiceberg ORDER BY symbol") == [["A", "2024-05-01"], ["B", "2024-05-02"]]
    lake("UPDATE by_pyiceberg SET day = DATE '2024-06-01' WHERE symbol = 'A'")
    found = catalog.load_table("demo.by_pyiceberg").scan().to_arrow().sort_by("symbol")
    assert found.column("day").to_pylist() == [date(2024, 6, 1), date(2024, 5, 2)]


def test_duckdb_reads_files(duck):
    rows = duck.sql("SELECT symbol FROM read_parquet('s3://lake/demo/prices/*/*') ORDER BY 1").fetchall()
    assert [row[0] for row in rows] == SYMBOLS


def test_duckdb_reads_an_iceberg_table(duck, catalog):
    trades = catalog.load_table("demo.trades").scan().to_arrow_batch_reader()
    duck.register("trades", trades)
    assert duck.sql("SELECT sum(price) FROM trades").fetchall() == [(Decimal("741.75"),)]


def test_athena_reads_what_duckdb_writes(lake, duck):
    duck.sql(
        "COPY (SELECT * FROM (VALUES ('A', 1.5::DOUBLE), ('B', 2.5::DOUBLE)) AS v (symbol, price)) "
        "TO 's3://lake/demo/by_duckdb/one.parquet' (FORMAT parquet)"
    )
    assert external(lake, "by_duckdb") == [["A", "1.5"], ["B", "2.5"]]
