from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from decimal import Decimal

import pytest
from finks.errors import ConfigurationError
from finks.lake.silver_schema import SYSTEM_COLUMNS

TABLE = "fmp_daily_bars"


@pytest.fixture
def filled(lake, build):
    silver = lake.silver(TABLE, build.contract, "fmp")
    rows = [("AAPL", 1, 10), ("AAPL", 2, 11), ("AAPL", 40, 12), ("IBM", 1, 20)]
    silver.write_versions(build.good("r1", 0, rows), run_id="run-1")
    silver.write_versions(build.good("r2", 5, [("AAPL", 2, 99)]), run_id="run-2")
    return lake


def closes(dataset) -> list[int]:
    return [int(close) for close in dataset.arrow()["close"].to_pylist()]


def test_finks_own_columns_are_hidden_unless_asked_for(filled):
    assert filled.latest(TABLE).arrow().column_names == ["symbol", "session", "close", "note"]
    assert set(SYSTEM_COLUMNS) <= set(filled.latest(TABLE, with_versions=True).arrow().column_names)
    assert set(SYSTEM_COLUMNS) <= set(filled.history(TABLE).arrow().column_names)


def test_select_gives_the_columns_in_the_order_asked(filled):
    assert filled.latest(TABLE, select=["close", "symbol"]).arrow().column_names == ["close", "symbol"]


def test_keys_and_days_narrow_the_rows(filled, build):
    assert closes(filled.latest(TABLE, keys=["AAPL"])) == [10, 99, 12]
    assert closes(filled.latest(TABLE, keys="IBM")) == [20]
    assert closes(filled.latest(TABLE, keys={"symbol": ["AAPL"]}, start=build.day(2), end=build.day(2))) == [99]
    assert closes(filled.history(TABLE, keys=["AAPL"], start=build.day(2), end=build.day(2))) == [11, 99]


def test_a_version_says_when_it_became_known(filled, build):
    rows = filled.latest(TABLE, keys=["AAPL"], with_versions=True).arrow()
    assert rows["_known_at"].to_pylist() == [build.at(0), build.at(5), build.at(0)]


def test_rows_come_sorted_by_key(filled):
    frame = filled.latest(TABLE).polars()
    assert frame.rows() == frame.sort("symbol", "session").rows()


def test_a_time_without_zone_is_refused(filled):
    with pytest.raises(ConfigurationError, match="needs a zone"):
        filled.as_of(TABLE, datetime(2026, 1, 1))


def test_an_unknown_table_names_the_known_ones(filled):
    with pytest.raises(ConfigurationError) as caught:
        filled.latest("fmp_bars").arrow()
    assert "silver.fmp_daily_bars" in str(caught.value)


@pytest.mark.parametrize("selection", [{"select": ["price"]}, {"keys": {"close": ["1"]}}])
def test_an_unknown_column_names_the_known_ones(filled, selection):
    with pytest.raises(ConfigurationError) as caught:
        filled.latest(TABLE, **selection).arrow()
    assert "symbol, session" in str(caught.value)


def test_every_form_holds_the_same_rows(filled):
    dataset = filled.latest(TABLE, keys=["IBM"])
    assert dataset.polars()["close"].to_list() == [Decimal(20)]
    assert list(dataset.pandas()["close"]) == [Decimal(20)]
    assert dataset.duckdb().fetchall()[0][0] == "IBM"


def test_importing_the_lake_loads_neither_duckdb_nor_dbt():
    code = "import sys, finks.lake; print([m for m in ('duckdb', 'dbt', 'boto3', 'pyspark') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
