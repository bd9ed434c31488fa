from __future__ import annotations

from datetime import date

import polars as pl
from finks.run.gaps import gaps


def records(**days: list[int]) -> pl.DataFrame:
    rows = [(name, date(2024, 1, day)) for name, numbers in days.items() for day in numbers]
    return pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date}, orient="row")


def test_a_session_that_others_have_and_a_key_lacks_is_a_gap():
    found = gaps(records(A=[1, 2, 3, 4], B=[1, 4]), "symbol", "session")
    assert found.rows() == [("B", 2, 0)]


def test_a_key_that_ends_early_is_behind():
    assert gaps(records(A=[1, 2, 3], B=[1]), "symbol", "session").rows() == [("B", 0, 2)]


def test_a_key_that_starts_late_lacks_nothing():
    assert gaps(records(A=[1, 2, 3], B=[2, 3]), "symbol", "session").is_empty()


def test_a_day_that_nobody_has_is_no_session():
    assert gaps(records(A=[1, 5], B=[1, 5]), "symbol", "session").is_empty()


def test_no_records_have_no_gaps():
    assert gaps(records(), "symbol", "session").is_empty()
