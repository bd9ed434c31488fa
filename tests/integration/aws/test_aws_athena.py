"""Athena from the SDK: the served Gold, exact types, parameters, the cost and its cap, errors in Athena's words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.athena import AthenaDataset

pytestmark = pytest.mark.aws

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ROWS = pa.table(
    {
        "day": pa.array([date(2024, 2, 29), date(2024, 3, 1), None], pa.date32()),
        "name": pa.array(["it's", "", None], pa.string()),
        "amount": pa.array([Decimal("1.500000000001"), Decimal("-2.000000000000"), None], pa.decimal128(38, 12)),
        "at": pa.array([NOW, NOW, None], pa.timestamp("us", tz="UTC")),
        "count": pa.array([2**40, 0, None], pa.int64()),
        "ratio": pa.array([0.1, -1.5e-7, None], pa.float64()),
        "fine": pa.array([True, False, None], pa.bool_()),
    }
)


@pytest.fixture
def lake(new_lake) -> Lake:
    made = Lake.open(new_lake().place(), create=True)
    made.publish({"summary": ROWS}, run_id="run-1")
    return made


def athena(lake: Lake, query: str, *parameters, **options) -> AthenaDataset:
    return lake.sql(query, engine="athena", parameters=parameters, **options)


def test_every_value_comes_back_exact(lake):
    found = athena(lake, "select * from gold.summary").arrow()
    assert found.schema.equals(ROWS.schema)
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, ROWS.to_pylist()))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("day", date(2024, 2, 29)),
        ("name", "it's"),
        ("amount", Decimal("1.500000000001")),
        ("count", 2**40),
        ("ratio", 0.1),
        ("fine", True),
    ],
)
def test_a_parameter_finds_its_row(lake, column, value):
    query = f'select day from gold.summary where "{column}" = ?'
    assert athena(lake, query, value).arrow()["day"].to_pylist() == [date(2024, 2, 29)]


def test_a_time_is_found_by_a_parameter(lake):
    assert athena(lake, "select count(*) as n from gold.summary where at = ?", NOW).arrow()["n"].to_pylist() == [2]


def test_a_parameter_cannot_be_anything_but_a_value(lake):
    query = "select count(*) as n from gold.summary where name = ?"
    assert athena(lake, query, "x' or 'a' = 'a").arrow()["n"].to_pylist() == [0]


def test_the_cost_is_known_once_the_query_ran_and_it_runs_once(lake):
    found = athena(lake, "select sum(amount) as total from gold.summary")
    assert found.cost is None
    found.arrow()
    first = found.cost
    found.polars()
    assert first is not None
    assert first is found.cost
    assert first.bytes_scanned > 0
    assert first.query_id


def test_gold_is_the_served_release_and_not_the_newest_snapshot(lake):
    lake.publish({"summary": ROWS.slice(0, 1)}, run_id="run-2")
    assert athena(lake, "select count(*) as n from gold.summary").arrow()["n"].to_pylist() == [1]
    lake.roll_back(1, run_id="run-3")
    assert athena(lake, "select count(*) as n from gold.summary").arrow()["n"].to_pylist() == [3]


def test_a_query_that_scans_too_much_is_refused_and_says_how_much(lake):
    with pytest.raises(ConfigurationError, match=r"at most 10 bytes[\s\S]*bytes"):
        athena(lake, "select * from gold.summary", max_bytes=10).arrow()


def test_a_wrong_query_is_told_in_athenas_words(lake):
    with pytest.raises(ConfigurationError, match=r"(?i)column.*nothing"):
        athena(lake, "select nothing from gold.summary").arrow()


def test_a_query_that_would_write_is_refused_before_it_is_sent(lake):
    with pytest.raises(ConfigurationError, match="SELECT"):
        athena(lake, "drop table silver.x")


def test_an_unknown_workgroup_is_named(new_lake):
    from finks.lake.athena import AthenaOptions

    place = new_lake().place()
    Lake.open(place, create=True)
    lake = Lake.open(place, athena=AthenaOptions(workgroup="nobody"))
    with pytest.raises(ConfigurationError, match=r"(?i)workgroup"):
        athena(lake, "select 1").arrow()


def test_a_lake_in_a_directory_has_no_athena(tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    with pytest.raises(ConfigurationError, match="S3"):
        lake.sql("select 1", engine="athena")
