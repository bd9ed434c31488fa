"""PyAthena: each of its cursors."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import boto3
import pytest
from pyathena import connect
from pyathena.arrow.cursor import ArrowCursor
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import DictCursor
from pyathena.error import DatabaseError, OperationalError
from pyathena.pandas.cursor import PandasCursor
from pyathena.polars.cursor import PolarsCursor
from pyathena.s3fs.cursor import S3FSCursor

pytestmark = [pytest.mark.aws, pytest.mark.usefixtures("lake")]
SQL = "SELECT symbol, day, price FROM prices ORDER BY symbol, day"
ROWS = [
    ("AAPL", date(2024, 1, 1), Decimal("185.50")),
    ("AAPL", date(2024, 1, 2), Decimal("186.00")),
    ("MSFT", date(2024, 1, 2), Decimal("370.25")),
]


def cursor(kind=None, **options):
    connection = connect(s3_staging_dir="s3://lake/pyathena/", schema_name="demo", poll_interval=0.05)
    return connection.cursor(kind, **options) if kind else connection.cursor(**options)


def test_the_default_cursor_gives_python_values():
    assert cursor().execute(SQL).fetchall() == ROWS


def test_the_dictionary_cursor_names_them():
    assert cursor(DictCursor).execute(SQL).fetchone() == {"symbol": "AAPL", "day": ROWS[0][1], "price": ROWS[0][2]}


@pytest.mark.parametrize("unload", [False, True])
def test_the_pandas_cursor_reads_the_result_file(unload):
    frame = cursor(PandasCursor, unload=unload, engine="pyarrow" if unload else "auto").execute(SQL).as_pandas()
    assert sorted(frame["symbol"]) == [row[0] for row in ROWS]


def test_the_polars_cursor_reads_unloaded_files():
    frame = cursor(PolarsCursor, unload=True).execute(SQL).as_polars()
    assert sorted(frame["symbol"]) == [row[0] for row in ROWS]


def test_the_arrow_cursor_reads_results_that_athena_keeps():
    """It makes a pyarrow file system without an endpoint, so it cannot reach a result file here."""
    configuration = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    boto3.client("athena").create_work_group(Name="managed", Configuration=configuration)
    connection = connect(work_group="managed", schema_name="demo", poll_interval=0.05, cursor_class=ArrowCursor)
    assert connection.cursor().execute(SQL).as_arrow().to_pylist() == [
        {"symbol": symbol, "day": day, "price": price} for symbol, day, price in ROWS
    ]


def test_the_file_cursor_reads_the_result_file():
    assert cursor(S3FSCursor).execute(SQL).fetchall() == ROWS


def test_the_async_cursor_runs_queries_at_once():
    running = [cursor(AsyncCursor).execute(f"SELECT {number}") for number in range(5)]
    assert [future.result().fetchone() for _, future in running] == [(number,) for number in range(5)]


@pytest.mark.parametrize(("style", "sql"), [("qmark", "SELECT ? + 1"), ("pyformat", "SELECT %(n)s + 1")])
def test_parameters_are_bound(style, sql):
    values = ["41"] if style == "qmark" else {"n": 41}
    assert cursor().execute(sql, values, paramstyle=style).fetchone() == (42,)


def test_a_count_of_changed_rows_is_told():
    made = cursor().execute("CREATE TABLE copies WITH (table_type = 'ICEBERG', is_external = false, "
                            "location = 's3://lake/demo/copies/') AS SELECT * FROM trades")  # fmt: skip
    assert made.rowcount == 3
    assert cursor().execute("INSERT INTO copies SELECT * FROM trades").rowcount == 3
    assert cursor().execute("DELETE FROM copies WHERE symbol = 'MSFT'").rowcount == 2


def test_a_failure_is_raised_with_athenas_words():
    with pytest.raises(OperationalError, match="TABLE_NOT_FOUND"):
        cursor().execute("SELECT * FROM absent")
    with pytest.raises(DatabaseError, match="mismatched input"):
        cursor().execute("SELEC 1")


def test_a_result_is_reused_where_asked():
    sql = "SELECT count(*) FROM trades"
    cursor().execute(sql)
    again = cursor().execute(sql, result_reuse_enable=True, result_reuse_minutes=10)
    assert again.reused_previous_result
    assert again.fetchone() == (3,)
