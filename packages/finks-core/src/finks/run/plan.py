"""What is still to be fetched: the slices that the policies want, less the slices that Bronze shows as landed.

Pure: streams, ledger and logical date in, plan out. There is no cursor and no state but the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from finks.run.intervals import Days, subtract, union
from finks.source.model import Outcome, Rate, Slice, Snapshot, Stream, Windows, split_window

LANDED = frozenset({Outcome.OK, Outcome.EMPTY, Outcome.UNCHANGED})
REFUSED = frozenset({Outcome.NOT_ENTITLED, Outcome.UNKNOWN_KEY})


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One slice as one run left it in Bronze.

    Attributes:
        landed: Every page came and could be read.
        refused: The vendor said no to this key; asked again on the next logical date.
    """

    stream: str
    key: str
    window: Days | None
    logical_date: date
    fetched_at: datetime
    landed: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The slices to fetch, in order, and what they are expected to cost.

    Attributes:
        slices: Nightly tails and snapshots first, then history, newest first.
        landed: Stream name to how many slices the ledger shows as landed.
        calls, wire_bytes, minutes: The estimate.
        per_stream: Stream name to the number of slices.
    """

    slices: tuple[Slice, ...]
    landed: Mapping[str, int]
    calls: int
    wire_bytes: int
    minutes: float
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
    )
    return [
        LedgerEntry(
            stream,
            row["key"],
            (row["window_start"], row["window_end"]) if row["window_start"] else None,
            row["logical_date"],
            row["fetched_at"],
            row["landed"],
            row["refused"],
        )
        for row in folded.iter_rows(named=True)
    ]


def wanted_slices(
    stream: Stream,
    entries: Iterable[LedgerEntry],
    logical_date: date,
    invalidated_at: Mapping[str, datetime] | None = None,
) -> list[Slice]:
    """The slices of one stream that are due on `logical_date`.

    Args:
        invalidated_at: Per key, the time at which its history before became worthless
            (a new split rewrites every adjusted price).
    """
    by_key: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    slices: list[Slice] = []
    for key in stream.keys:
        since = (invalidated_at or {}).get(key)
        valid = [e for e in by_key[key] if e.refused or since is None or e.fetched_at >= since]
        match stream.policy:
            case Snapshot(every_days):
                if not _settled_since(valid, logical_date - timedelta(days=every_days - 1), logical_date):
                    slices.append(Slice(stream.name, key))
            case Windows():
                slices.extend(
                    Slice(stream.name, key, start, end)
                    for start, end in _due_windows(stream, stream.policy, valid, logical_date)
                )
    return slices


def _settled_since(entries: Sequence[LedgerEntry], first: date, logical_date: date) -> bool:
    return any(
        (e.landed and e.logical_date >= first) or (e.refused and e.logical_date == logical_date) for e in entries
    )


def _due_windows(stream: Stream, policy: Windows, entries: Sequence[LedgerEntry], logical_date: date) -> list[Days]:
    start = stream.start or logical_date
    if start > logical_date:
        return []
    today = [e.window for e in entries if e.window and e.logical_date >= logical_date and (e.landed or e.refused)]
    ever = [e.window for e in entries if e.window and (e.landed or (e.refused and e.logical_date >= logical_date))]
    tail = (max(start, logical_date - timedelta(days=policy.reread_days - 1)), logical_date)
    due = union([*subtract((start, logical_date), ever), *subtract(tail, today)])
    return [window for low, high in due for window in split_window(low, high, policy.max_days)]


def make_plan(
    streams: Sequence[Stream],
    entries: Mapping[str, Sequence[LedgerEntry]],
    logical_date: date,
    rates: Mapping[str, Rate],
    invalidated_at: Mapping[str, Mapping[str, datetime]] | None = None,
    only: frozenset[str] | None = None,
) -> Plan:
    """The plan of one source.

    Args:
        entries: Stream name to its folded ledger.
        rates: The vendor's budget per endpoint class, for the estimate.
        invalidated_at: Stream name to key to time.
        only: Stream names, or `stream/key`, to fetch again whatever the ledger says (`--refetch`).
    """
    slices: list[Slice] = []
    landed: dict[str, int] = {}
    for stream in streams:
        known = [e for e in entries.get(stream.name, ()) if not _asked_again(e, only)]
        landed[stream.name] = sum(e.landed for e in known)
        slices.extend(wanted_slices(stream, known, logical_date, (invalidated_at or {}).get(stream.name)))
    slices.sort(key=lambda s: (s.end is not None and s.end < logical_date, _age(s, logical_date)))
    by_name = {stream.name: stream for stream in streams}
    per_stream: dict[str, int] = defaultdict(int)
    per_class: dict[str, int] = defaultdict(int)
    for item in slices:
        per_stream[item.stream] += 1
        per_class[by_name[item.stream].endpoint_class] += 1
    minutes = max((_minutes(count, rates.get(name, rates["default"])) for name, count in per_class.items()), default=0)
    wire_bytes = sum(by_name[item.stream].expected_bytes for item in slices)
    return Plan(tuple(slices), landed, len(slices), wire_bytes, minutes, dict(per_stream))


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
