"""Glue's partition filters."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from finks_local.emulator.partition_filter import matching
from finks_local.wire import ServiceError
from hypothesis import given
from hypothesis import strategies as st

KEYS = [("dt", "date"), ("region", "string"), ("n", "int"), ("price", "decimal(10,2)")]
ROWS = [
    ["2024-01-01", "eu", "1", "1.50"],
    ["2024-01-02", "us", "2", "2.00"],
    ["2024-01-10", "us-east", "10", "10.25"],
    ["2024-02-01", "__HIVE_DEFAULT_PARTITION__", "3", "0.10"],
]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("dt = '2024-01-01'", [0]),
        ("dt >= DATE '2024-01-02' AND dt < DATE '2024-02-01'", [1, 2]),
        ("n > 2", [2, 3]),
        ("n = '10'", [2]),
        ("region IN ('eu', 'us')", [0, 1]),
        ("region NOT IN ('eu')", [1, 2]),
        ("region LIKE 'us%'", [1, 2]),
        ("region IS NULL", [3]),
        ("NOT (n BETWEEN 2 AND 10)", [0]),
        ("(region = 'eu' OR price <= 0.10) AND DT > '2024-01-15'", [3]),
        ("price = 10.25", [2]),
        ("region <> 'eu'", [1, 2]),
    ],
)
def test_a_filter_keeps_what_it_says(expression, kept):
    assert matching(expression, KEYS, ROWS) == kept


@pytest.mark.parametrize(
    "expression",
    [
        "nothing = 1",
        "dt =",
        "upper(region) = 'EU'",
        "n = (select 1)",
        "t.n = 1",
        "n + 1 = 2",
        "1 = 1; drop table partition",
    ],
)
def test_anything_else_is_refused(expression):
    with pytest.raises(ServiceError, match="InvalidInputException"):
        matching(expression, KEYS, ROWS)


def test_a_key_of_another_type_is_refused():
    with pytest.raises(ServiceError, match="binary"):
        matching("x = 1", [("x", "binary")], [])


@given(
    st.lists(st.dates(date(2000, 1, 1), date(2030, 1, 1)), max_size=20), st.dates(date(2000, 1, 1), date(2030, 1, 1))
)
def test_dates_compare_as_dates(days, bound):
    kept = matching(f"dt <= '{bound}'", [("dt", "date")], [[day.isoformat()] for day in days])
    assert kept == [number for number, day in enumerate(days) if day <= bound]
    assert matching(f"dt < DATE '{bound + timedelta(1)}'", [("dt", "date")], [[d.isoformat()] for d in days]) == kept
