from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from finks.contract import Contract, key
from finks.errors import ConfigurationError
from finks.run.backfill import Backfill, Turn
from finks.run.plan import LedgerEntry, affordable, make_plan, wanted_slices
from finks.run.report import RunReport, render
from finks.run.sections import ScheduleSettings
from finks.source.model import Rate, Slice, Snapshot, Stream, Windows
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2024, 6, 28)
WINDOW = (date(2015, 1, 1), date(2019, 12, 31))
ASKED = Backfill(*WINDOW)
RATES = {"default": Rate(300, per_day=100)}


class Thing(Contract, version="1.0"):
    """A thing with a key and a day."""

    name: str = key()
    day: date = key(event_time=True)


BARS = Stream("bars", Thing, "bars", Windows(200, 14), keys=("AAPL", "IBM"), start=date(2018, 1, 1))
SPLITS = Stream("splits", Thing, "splits", Snapshot(1), keys=("AAPL", "IBM"))


def landed(item: Slice, on: date) -> LedgerEntry:
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    assert item.start
    assert item.end
    return LedgerEntry(item.stream, item.key, (item.start, item.end), on, at, landed=True, refused=False)


def days(slices: list[Slice]) -> list[tuple[str, date]]:
    return [(s.key, s.start + timedelta(days=n)) for s in slices for n in range((s.end - s.start).days + 1)]


LEDGERS = st.lists(
    st.tuples(st.sampled_from(BARS.keys), st.dates(date(2014, 1, 1), TODAY), st.integers(0, 900)), max_size=6
).map(
    lambda spans: [
        landed(Slice("bars", key, first, min(first + timedelta(days=length), TODAY)), TODAY)
        for key, first, length in spans
    ]
)


@given(LEDGERS, st.data())
def test_a_backfill_in_pieces_asks_exactly_for_the_slices_of_an_undisturbed_one(before, data):
    whole = wanted_slices(BARS, before, TODAY, window=WINDOW)
    ledger, asked, day = list(before), [], TODAY
    while rest := wanted_slices(BARS, ledger, day, window=WINDOW):
        piece = data.draw(st.lists(st.sampled_from(rest), min_size=1, unique=True))
        asked += piece
        ledger += [landed(item, day) for item in piece]
        day += timedelta(days=data.draw(st.integers(0, 40)))
    assert sorted(asked) == sorted(whole)


@given(LEDGERS, st.integers(0, 30))
def test_a_nightly_run_after_a_backfill_asks_for_nothing_twice(before, later):
    backfilled = wanted_slices(BARS, before, TODAY, window=WINDOW)
    ledger = before + [landed(item, TODAY) for item in backfilled]
    nightly = wanted_slices(BARS, ledger, TODAY + timedelta(days=later))
    assert not set(days(backfilled)) & set(days(nightly))


@given(LEDGERS)
def test_a_backfill_after_a_nightly_run_asks_for_nothing_twice(before):
    nightly = wanted_slices(BARS, before, TODAY)
    ledger = before + [landed(item, TODAY) for item in nightly]
    backfilled = wanted_slices(BARS, ledger, TODAY, window=(date(2015, 1, 1), TODAY))
    assert not set(days(backfilled)) & set(days(nightly))
    assert len(days(backfilled)) == len(set(days(backfilled)))


def test_the_days_that_the_nightly_run_reads_again_are_never_a_backfills():
    slices = wanted_slices(BARS, [], TODAY, window=(date(2024, 1, 1), TODAY))
    assert max(s.end for s in slices) == TODAY - timedelta(days=13)


def test_a_snapshot_has_no_days_to_backfill():
    assert wanted_slices(SPLITS, [], TODAY, window=WINDOW) == []
    assert ASKED.narrowed([BARS, SPLITS]) == [BARS]


def test_a_backfill_is_narrowed_to_streams_and_keys():
    asked = Backfill(*WINDOW, streams=frozenset({"bars"}), keys=frozenset({"IBM"}))
    assert asked.narrowed([BARS, replace(BARS, name="others")]) == [replace(BARS, keys=("IBM",))]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Backfill(WINDOW[1], WINDOW[0]), "--to"),
        (Backfill(*WINDOW, streams=frozenset({"splits"})), "one of bars"),
        (Backfill(*WINDOW, keys=frozenset({"NOPE"})), "--key"),
    ],
)
def test_what_cannot_be_backfilled_is_refused(asked, said):
    with pytest.raises(ConfigurationError, match=said):
        asked.check([BARS, SPLITS])


def test_what_is_affordable_is_the_newest_of_each_budget():
    plan = make_plan([BARS], {}, TODAY, RATES, window=WINDOW)
    cut = affordable(plan, [BARS], RATES, {"default": 3})
    assert cut.slices == plan.slices[:3]
    assert (cut.calls, cut.per_stream) == (3, {"bars": 3})
    assert affordable(plan, [BARS], RATES, {}) == plan


def turn(now: datetime, share: float = 0.1, calendar: str | None = "XNYS") -> Turn:
    return Turn.at(ASKED, ScheduleSettings(calendar=calendar), share, now)


def test_the_reserve_is_for_the_last_nightly_run_of_the_vendors_day():
    # The tick of Friday evening in New York, 00:30 UTC, is of the vendor's Saturday; during Friday it is Thursday's.
    assert turn(datetime(2024, 6, 28, 12, tzinfo=UTC)).nightly == date(2024, 6, 27)
    assert turn(datetime(2024, 6, 29, 0, 10, tzinfo=UTC)).nightly == date(2024, 6, 28)


def test_a_backfill_ends_before_the_nightly_run_and_with_the_day_of_a_quota():
    started = turn(datetime(2024, 6, 28, 12, tzinfo=UTC))
    assert not started.is_over(datetime(2024, 6, 28, 23, 59, tzinfo=UTC), RATES)
    assert started.is_over(datetime(2024, 6, 29, tzinfo=UTC), RATES)
    assert not started.is_over(datetime(2024, 6, 29, tzinfo=UTC), {"default": Rate(300)})
    assert started.is_over(datetime(2024, 6, 29, 0, 25, tzinfo=UTC), {"default": Rate(300)})


def test_the_reserve_is_what_the_nightly_run_needs_and_a_share():
    assert turn(datetime(2024, 6, 28, 12, tzinfo=UTC)).reserve({"default": 7}, RATES) == {"default": 17}
    assert turn(datetime(2024, 6, 28, 12, tzinfo=UTC)).reserve({"default": 7}, {"default": Rate(300)}) == {}


@pytest.mark.parametrize(("per_day", "expected"), [(None, 1), (30, 1), (10, 4), (5, None)])
def test_the_days_that_are_left_are_those_of_the_quota_beside_the_nightly_run(per_day, expected):
    rates = {"default": Rate(300, per_day=per_day)}
    left = make_plan([BARS], {}, TODAY, rates, window=WINDOW)
    assert left.calls == 20
    # A night asks four times here: two keys of two streams; a tenth of the day is left besides.
    outlook = turn(datetime(2024, 6, 28, 12, tzinfo=UTC)).outlook(left, [BARS, SPLITS], rates)
    assert (outlook.left, outlook.days) == (20, expected)


def test_a_report_says_what_is_left_of_a_backfill():
    now = datetime(2024, 6, 28, 12, tzinfo=UTC)
    made = RunReport(run_id="r", logical_date=TODAY, lake="", started_at=now)
    left = make_plan([BARS], {}, TODAY, RATES, window=WINDOW)
    made.backfill = turn(now).outlook(left, [BARS], RATES)
    assert "20 slices are left, for about 1 day. Run the same command again." in render(made)
    made.backfill = turn(now).outlook(make_plan([], {}, TODAY, RATES), [BARS], RATES)
    assert "Backfill 2015-01-01 to 2019-12-31: all of it is there." in render(made)
