from __future__ import annotations

from datetime import date, timedelta

from finks.run.intervals import subtract, union
from finks.source.model import split_window
from hypothesis import given
from hypothesis import strategies as st

FIRST = date(2020, 1, 1)
ranges = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(
    lambda pair: (FIRST + timedelta(days=pair[0]), FIRST + timedelta(days=pair[0] + pair[1]))
)


def days(parts: list[tuple[date, date]]) -> set[date]:
    return {low + timedelta(days=n) for low, high in parts for n in range((high - low).days + 1)}


@given(ranges, st.lists(ranges))
def test_subtract_leaves_exactly_the_days_that_nothing_covers(wanted, covered):
    missing = subtract(wanted, covered)
    assert days(missing) == days([wanted]) - days(covered)
    assert union(missing) == missing


@given(st.lists(ranges))
def test_union_keeps_every_day_and_is_disjoint(parts):
    merged = union(parts)
    assert days(merged) == days(parts)
    assert sum((high - low).days + 1 for low, high in merged) == len(days(parts))


@given(ranges, st.integers(1, 30))
def test_split_windows_tile_the_range_within_the_limit(window, limit):
    parts = split_window(*window, limit)
    assert days(parts) == days([window])
    assert all((high - low).days < limit for low, high in parts)
