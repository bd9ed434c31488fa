from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
from finks.contract import Contract, key
from finks.run.plan import Invalidation, LedgerEntry, ledger_entries, make_plan, wanted_slices, waves
from finks.source.model import Rate, Slice, Snapshot, Stream, Windows
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2024, 6, 28)
NOON = datetime(2024, 6, 28, 12, tzinfo=UTC)
START = date(2020, 1, 1)


class Thing(Contract, version="1.0"):
    """A thing with a key and a day."""

    name: str = key()
    day: date = key(event_time=True)


def stream(**changes) -> Stream:
    values = {"keys": ("AAPL",), "start": START, "policy": Windows(max_days=400, reread_days=14)} | changes
    return Stream("bars", Thing, "bars", **values)


def entry(start: date, end: date, *, on: date = TODAY, landed: bool = True, refused: bool = False) -> LedgerEntry:
    return LedgerEntry("bars", "AAPL", (start, end), on, NOON, landed, refused)


def landed(slices: list[Slice], on: date = TODAY) -> list[LedgerEntry]:
    return [entry(s.start, s.end, on=on) for s in slices]


def test_an_empty_ledger_wants_the_whole_history_in_windows():
    slices = wanted_slices(stream(), [], TODAY)
    assert (slices[0].start, slices[-1].end) == (START, TODAY)
    assert all((s.end - s.start).days < 400 for s in slices)


def test_what_landed_today_is_not_wanted_again():
    assert wanted_slices(stream(), landed(wanted_slices(stream(), [], TODAY)), TODAY) == []


def test_the_next_day_wants_only_the_reread_window():
    before = landed(wanted_slices(stream(), [], TODAY))
    tomorrow = TODAY + timedelta(days=1)
    assert wanted_slices(stream(), before, tomorrow) == [Slice("bars", "AAPL", tomorrow - timedelta(days=13), tomorrow)]


def test_a_failed_slice_stays_wanted():
    slices = wanted_slices(stream(), [], TODAY)
    entries = [entry(s.start, s.end, landed=s != slices[1]) for s in slices]
    assert wanted_slices(stream(), entries, TODAY) == [slices[1]]


def test_a_refusal_is_asked_again_on_the_next_date_only():
    refusal = [entry(START, TODAY, landed=False, refused=True)]
    assert wanted_slices(stream(), refusal, TODAY) == []
    assert wanted_slices(stream(), refusal, TODAY + timedelta(days=1))


def split(*days: date, known_at: datetime = NOON) -> dict[str, Invalidation]:
    return {"AAPL": Invalidation(known_at, days)}


def test_an_invalidated_key_wants_its_whole_history():
    entries = landed(wanted_slices(stream(), [], TODAY))
    later = NOON + timedelta(hours=1)
    assert wanted_slices(stream(), entries, TODAY, split(START, known_at=later))[0].start == START
    assert wanted_slices(stream(), entries, TODAY, {"MSFT": Invalidation(later, ())}) == []


def test_a_history_is_fetched_daily_while_the_vendor_settles_after_a_split():
    before = split(TODAY)
    entries = landed(wanted_slices(stream(), [], TODAY))
    assert wanted_slices(stream(), entries, TODAY, before) == []
    tomorrow = TODAY + timedelta(days=1)
    assert wanted_slices(stream(), entries, tomorrow, before)[0].start == START
    settled = landed(wanted_slices(stream(), [], TODAY + timedelta(days=14)), on=TODAY + timedelta(days=14))
    assert wanted_slices(stream(), settled, TODAY + timedelta(days=15), before)[0].start > TODAY


def test_a_split_announced_ahead_counts_from_its_day_on():
    entries = landed(wanted_slices(stream(), [], TODAY))
    announced = split(TODAY + timedelta(days=5))
    assert wanted_slices(stream(), entries, TODAY + timedelta(days=4), announced)[0].start > START
    assert wanted_slices(stream(), entries, TODAY + timedelta(days=5), announced)[0].start == START


def test_days_that_were_too_young_are_wanted_again_however_late_the_next_run():
    before = landed(wanted_slices(stream(), [], TODAY))
    later = TODAY + timedelta(days=60)
    assert wanted_slices(stream(), before, later)[0].start == TODAY - timedelta(days=12)


def test_an_empty_history_is_asked_for_again_on_the_next_date():
    nothing = [LedgerEntry("bars", "AAPL", (START, TODAY), TODAY, NOON, landed=True, refused=False, empty=True)]
    assert wanted_slices(stream(), nothing, TODAY) == []
    assert wanted_slices(stream(), nothing, TODAY + timedelta(days=1))[0].start == START


def test_a_fetch_for_a_future_date_settles_nothing_after_its_own_day():
    ledger = pl.DataFrame(
        {
            "response_id": ["r"], "run_id": ["1"], "slice": ["s"], "key": ["AAPL"], "window_start": [START],
            "window_end": [date(2031, 1, 1)], "logical_date": [date(2031, 1, 1)], "fetched_at": [NOON],
            "outcome": ["ok"],
        }
    )  # fmt: skip
    entries = ledger_entries("bars", ledger)
    assert wanted_slices(stream(), entries, TODAY + timedelta(days=30))[0].start == TODAY - timedelta(days=12)


def test_what_the_vendor_refused_today_is_named_in_the_plan():
    refusal = [entry(START, TODAY, landed=False, refused=True)]
    plan = make_plan([stream()], {"bars": refusal}, TODAY, {"default": Rate(60)})
    assert (plan.calls, plan.refused) == (0, {"bars": ("AAPL",)})


def test_a_daily_quota_spreads_the_plan_over_days():
    small = stream(policy=Windows(max_days=10))
    plan = make_plan([small], {}, TODAY, {"default": Rate(60, per_day=100)})
    assert plan.days == 2


def test_a_stream_that_is_always_due_is_wanted_on_every_run():
    fetched = [LedgerEntry("bars", "AAPL", None, TODAY, NOON, landed=True, refused=False)]
    assert wanted_slices(stream(policy=Snapshot(every_days=0)), fetched, TODAY) == [Slice("bars", "AAPL")]


def test_a_snapshot_is_wanted_once_per_period():
    snapshot = stream(policy=Snapshot(every_days=7))
    fetched = [LedgerEntry("bars", "AAPL", None, TODAY, NOON, landed=True, refused=False)]
    assert wanted_slices(snapshot, fetched, TODAY + timedelta(days=6)) == []
    assert wanted_slices(snapshot, fetched, TODAY + timedelta(days=7)) == [Slice("bars", "AAPL")]


def test_the_nightly_tail_goes_before_the_backfill():
    old = [entry(date(2022, 1, 1), TODAY, on=TODAY - timedelta(days=1))]
    plan = make_plan([stream()], {"bars": old}, TODAY, {"default": Rate(60)})
    assert plan.slices[0].end == TODAY
    assert [s.end for s in plan.slices[1:]] == sorted((s.end for s in plan.slices[1:]), reverse=True)


def test_refetch_asks_for_the_named_key_whatever_has_landed():
    both = stream(keys=("AAPL", "MSFT"))
    entries = {"bars": [LedgerEntry("bars", k, (START, TODAY), TODAY, NOON, True, False) for k in both.keys]}
    plan = make_plan([both], entries, TODAY, {"default": Rate(60)}, only=frozenset({"bars/MSFT"}))
    assert {s.key for s in plan.slices} == {"MSFT"}


def test_the_estimate_counts_calls_against_the_rate():
    plan = make_plan([stream(policy=Windows(max_days=10))], {}, TODAY, {"default": Rate(calls=60, seconds=60, burst=1)})
    assert plan.calls == len(plan.slices)
    assert plan.minutes == (plan.calls - 1) / 60


def test_a_stream_is_fetched_after_the_one_that_invalidates_it():
    adjusted = Stream("adjusted", Thing, "a", Snapshot(), invalidated_by="splits")
    splits = Stream("splits", Thing, "s", Snapshot())
    assert waves([adjusted, splits]) == [[splits], [adjusted]]


@given(st.lists(st.tuples(st.integers(0, 1600), st.integers(0, 500), st.booleans()), max_size=12))
def test_whatever_has_landed_the_plan_completes_the_history(history):
    """Landing the plan's slices leaves nothing to want."""
    entries = [
        entry(START + timedelta(days=a), min(TODAY, START + timedelta(days=a + b)), landed=ok)
        for a, b, ok in history
        if START + timedelta(days=a) <= TODAY
    ]
    due = wanted_slices(stream(), entries, TODAY)
    assert wanted_slices(stream(), entries + landed(due), TODAY) == []
