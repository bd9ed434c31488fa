"""What is still to be fetched: the slices that the policies want, less the slices that Bronze shows as landed.

Pure: streams, ledger and logical date in, plan out. There is no cursor and no state but the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil

import polars as pl

from finks.run.intervals import Days, subtract
from finks.source.budget import budget_name
from finks.source.model import Outcome, Rate, Slice, Snapshot, Stream, Windows, split_window

LANDED = frozenset({Outcome.OK, Outcome.EMPTY, Outcome.UNCHANGED})
REFUSED = frozenset({Outcome.NOT_ENTITLED, Outcome.UNKNOWN_KEY})


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One slice as one run left it in Bronze.

    Attributes:
        logical_date: The date that the fetch was for, but never later than the day on which it was made:
            an answer says nothing about the days after it.
        landed: Every page came and could be read.
        refused: The vendor said no to this key; asked again on the next logical date.
        empty: The answer held no record.
    """

    stream: str
    key: str
    window: Days | None
    logical_date: date
    fetched_at: datetime
    landed: bool
    refused: bool
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Invalidation:
    """Why a key's history may be worthless: a split rewrites every adjusted price before it.

    Attributes:
        known_at: When the newest version of any such event became known.
        days: The days on which the events took effect.
    """

    known_at: datetime
    days: tuple[date, ...]

    def spoils(self, entry: LedgerEntry, logical_date: date, settling_days: int) -> bool:
        """Whether an earlier fetch must be repeated on `logical_date`.

        Vendors restate a history some days after the event, so for `settling_days` it is fetched again on each date.
        """
        if entry.fetched_at < self.known_at:
            return True
        return entry.logical_date < logical_date and any(
            day <= logical_date and entry.logical_date < day + timedelta(days=settling_days) for day in self.days
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The slices to fetch, in order, and what they are expected to cost.

    Attributes:
        slices: Nightly tails and snapshots first, then history, newest first.
        settled: Stream name to how many of its keys have nothing to fetch.
        refused: Stream name to the keys that the vendor refused on this logical date already.
        calls, wire_bytes, minutes: The estimate.
        days: Over how many days the vendor's daily quota spreads it.
        per_stream: Stream name to the number of slices.
    """

    slices: tuple[Slice, ...]
    settled: Mapping[str, int]
    refused: Mapping[str, tuple[str, ...]]
    calls: int
    wire_bytes: int
    minutes: float
    days: int = 1
    per_stream: Mapping[str, int] = field(default_factory=dict)


def ledger_entries(stream: str, ledger: pl.DataFrame, malformed: frozenset[str] = frozenset()) -> list[LedgerEntry]:
    """Fold a stream's Bronze rows (without bodies) into one entry per run and slice.

    Args:
        stream: The stream's name.
        ledger: Columns of `finks.lake.bronze.BRONZE_SCHEMA` without `body`.
        malformed: `response_id`s whose body could not be read at all: those slices have not landed.
    """
    if ledger.is_empty():
        return []
    folded = ledger.group_by("run_id", "slice", maintain_order=True).agg(
        pl.col("key", "window_start", "window_end").first(),
        pl.col("logical_date", "fetched_at").max(),
        (pl.col("outcome").is_in(list(LANDED)) & ~pl.col("response_id").is_in(list(malformed))).all().alias("landed"),
        pl.col("outcome").is_in(list(REFUSED)).any().alias("refused"),
        (pl.col("outcome") == Outcome.EMPTY).all().alias("empty"),
    )
    return [
        LedgerEntry(
            stream,
            row["key"],
            (row["window_start"], row["window_end"]) if row["window_start"] else None,
            min(row["logical_date"], row["fetched_at"].date()),
            row["fetched_at"],
            row["landed"],
            row["refused"],
            row["empty"],
        )
        for row in folded.iter_rows(named=True)
    ]


def wanted_slices(
    stream: Stream,
    entries: Iterable[LedgerEntry],
    logical_date: date,
    invalidations: Mapping[str, Invalidation] | None = None,
    window: Days | None = None,
) -> list[Slice]:
    """The slices of one stream that are due on `logical_date`.

    Args:
        invalidations: Per key, what makes its history before wanted again.
        window: Of a backfill: these days are wanted instead of the stream's own. A snapshot has no days.
    """
    by_key: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    slices: list[Slice] = []
    for key in stream.keys:
        known = by_key[key]
        cause = (invalidations or {}).get(key)
        match stream.policy:
            case Snapshot(every_days):
                if window is None and not _settled_since(known, every_days, logical_date):
                    slices.append(Slice(stream.name, key))
            case Windows(reread_days=reread_days):
                valid = [e for e in known if cause is None or not cause.spoils(e, logical_date, reread_days)]
                slices.extend(
                    Slice(stream.name, key, start, end)
                    for start, end in _due_windows(
                        _span(stream, stream.policy, logical_date, window), stream.policy, valid, logical_date
                    )
                )
    return slices


def _settled_since(entries: Sequence[LedgerEntry], every_days: int, logical_date: date) -> bool:
    first = logical_date - timedelta(days=every_days - 1)
    return any(
        (e.landed and e.logical_date >= first) or (e.refused and e.logical_date == logical_date) for e in entries
    )


def _span(stream: Stream, policy: Windows, logical_date: date, window: Days | None) -> Days:
    """The days that are wanted. The tail, which is read again every night, is never a backfill's."""
    if window is None:
        return stream.start or logical_date, logical_date
    return window[0], min(window[1], logical_date - _rereading(policy))


def _rereading(policy: Windows) -> timedelta:
    return timedelta(days=max(policy.reread_days - 1, 0))


def _due_windows(span: Days, policy: Windows, entries: Sequence[LedgerEntry], logical_date: date) -> list[Days]:
    """What is wanted less what is settled.

    A day is settled for good by a fetch that was made `reread_days` after it, and until then only for the date of
    the fetch. A key that has never had a record is not settled by an empty answer: its history may still come.
    """
    if span[0] > span[1]:
        return []
    has_records = any(e.landed and not e.empty for e in entries)
    rereading = _rereading(policy)
    settled: list[Days] = []
    for entry in entries:
        if entry.window is None:
            continue
        first, last = entry.window
        if entry.logical_date >= logical_date and (entry.landed or entry.refused):
            settled.append((first, min(last, entry.logical_date)))
        elif entry.landed and (has_records or not entry.empty):
            settled.append((first, min(last, entry.logical_date - rereading)))
    due = subtract(span, (days for days in settled if days[0] <= days[1]))
    return [window for low, high in due for window in split_window(low, high, policy.max_days)]


def make_plan(
    streams: Sequence[Stream],
    entries: Mapping[str, Sequence[LedgerEntry]],
    logical_date: date,
    rates: Mapping[str, Rate],
    invalidations: Mapping[str, Mapping[str, Invalidation]] | None = None,
    only: frozenset[str] | None = None,
    window: Days | None = None,
) -> Plan:
    """The plan of one source.

    Args:
        entries: Stream name to its folded ledger.
        rates: The vendor's budget per endpoint class, for the estimate.
        invalidations: Stream name to key to what makes its history wanted again.
        only: Stream names, or `stream/key`, to fetch again whatever the ledger says (`--refetch`).
        window: Of a backfill; see `wanted_slices`.
    """
    slices: list[Slice] = []
    settled: dict[str, int] = {}
    refused: dict[str, tuple[str, ...]] = {}
    for stream in streams:
        known = [e for e in entries.get(stream.name, ()) if not _asked_again(e, only)]
        due = wanted_slices(stream, known, logical_date, (invalidations or {}).get(stream.name), window)
        slices.extend(due)
        settled[stream.name] = len(set(stream.keys) - {item.key for item in due})
        turned_away = {e.key for e in known if e.refused and e.logical_date == logical_date}
        refused[stream.name] = tuple(sorted(turned_away & set(stream.keys)))
    slices.sort(key=lambda s: (s.end is not None and s.end < logical_date, _age(s, logical_date)))
    return _costed(slices, streams, rates, settled, refused)


def affordable(plan: Plan, streams: Sequence[Stream], rates: Mapping[str, Rate], left: Mapping[str, int]) -> Plan:
    """The first slices of a plan, as many as there are calls left.

    Args:
        left: Calls per name in `rates`; a name that is not in it has no limit.
    """
    classes = {stream.name: budget_name(stream.endpoint_class, rates) for stream in streams}
    counts: dict[str, int] = defaultdict(int)
    kept: list[Slice] = []
    for item in plan.slices:
        name = classes[item.stream]
        counts[name] += 1
        if name not in left or counts[name] <= left[name]:
            kept.append(item)
    return _costed(kept, streams, rates, plan.settled, plan.refused)


def calls_by_budget(plan: Plan, streams: Sequence[Stream], rates: Mapping[str, Rate]) -> dict[str, int]:
    """The calls of a plan per name in `rates`."""
    calls: dict[str, int] = defaultdict(int)
    for stream in streams:
        calls[budget_name(stream.endpoint_class, rates)] += plan.per_stream.get(stream.name, 0)
    return dict(calls)


def _costed(
    slices: Sequence[Slice],
    streams: Sequence[Stream],
    rates: Mapping[str, Rate],
    settled: Mapping[str, int],
    refused: Mapping[str, tuple[str, ...]],
) -> Plan:
    by_name = {stream.name: stream for stream in streams}
    per_stream: dict[str, int] = defaultdict(int)
    per_class: dict[str, int] = defaultdict(int)
    for item in slices:
        per_stream[item.stream] += 1
        per_class[budget_name(by_name[item.stream].endpoint_class, rates)] += 1
    costs = [(count, rates[name]) for name, count in per_class.items()]
    return Plan(
        slices=tuple(slices),
        settled=settled,
        refused=refused,
        calls=len(slices),
        wire_bytes=sum(by_name[item.stream].expected_bytes for item in slices),
        minutes=max((_minutes(count, rate) for count, rate in costs), default=0.0),
        days=max((ceil(count / rate.per_day) for count, rate in costs if rate.per_day), default=1),
        per_stream=dict(per_stream),
    )


def _asked_again(entry: LedgerEntry, only: frozenset[str] | None) -> bool:
    return only is not None and (entry.stream in only or f"{entry.stream}/{entry.key}" in only)


def _age(item: Slice, logical_date: date) -> int:
    return (logical_date - item.end).days if item.end else 0


def _minutes(calls: int, rate: Rate) -> float:
    return max(0.0, calls - rate.burst) / rate.calls * rate.seconds / 60


def waves(streams: Sequence[Stream]) -> list[list[Stream]]:
    """Streams in the order in which they must be fetched: a stream after the one that invalidates it."""
    first = [s for s in streams if s.invalidated_by is None]
    second = [s for s in streams if s.invalidated_by is not None]
    return [wave for wave in (first, second) if wave]
