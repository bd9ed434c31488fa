"""The plan of a source from its lake: reads the ledger, then asks the pure planner (`finks.run.plan`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.intervals import Days
from finks.run.plan import Invalidation, LedgerEntry, Plan, calls_by_budget, ledger_entries, make_plan
from finks.source.model import Slice, Stream
from finks.source.protocol import BaseSource


def table_name(source: str, stream: str) -> str:
    """The name of a stream's tables in every zone."""
    return f"{source}_{stream}"


def selected_streams(source: BaseSource) -> list[Stream]:
    """The streams that the settings select.

    Raises:
        ConfigurationError: A selected stream does not exist, or one that it depends on is not selected.
    """
    offered = {stream.name: stream for stream in source.streams()}
    names = source.config.select if source.config.select is not None else tuple(offered)
    for name in names:
        needed = offered[name].invalidated_by if name in offered else name
        if needed is not None and (needed not in offered or needed not in names):
            raise ConfigurationError(
                "A stream is not on offer, or another stream needs it selected too.",
                where=f"[sources.{source.name}] select",
                expected=f"names among {', '.join(offered)}",
                got=needed,
            )
    return [offered[name] for name in names]


def plan_source(
    lake: Lake,
    source: BaseSource,
    streams: Sequence[Stream],
    logical_date: date,
    refetch: frozenset[str] = frozenset(),
    window: Days | None = None,
) -> Plan:
    """What to fetch for these streams of a source on `logical_date`.

    Args:
        refetch: Stream names, or `stream/key`, to fetch whatever has landed.
        window: Of a backfill: its days instead of the streams' own.
    """
    entries, invalidations = _known(lake, source, streams)
    return make_plan(streams, entries, logical_date, source.rates(), invalidations, refetch or None, window)


def nightly_need(
    lake: Lake, source: BaseSource, logical_date: date, planned: Sequence[Slice], now: datetime
) -> dict[str, int]:
    """Calls per budget that the nightly run for `logical_date` would need if `planned` had landed now."""
    streams, rates = selected_streams(source), source.rates()
    entries, invalidations = _known(lake, source, streams)
    for item in planned:
        window = (item.start, item.end) if item.start and item.end else None
        entries[item.stream].append(
            LedgerEntry(item.stream, item.key, window, now.date(), now, landed=True, refused=False)
        )
    return calls_by_budget(make_plan(streams, entries, logical_date, rates, invalidations), streams, rates)


def _known(
    lake: Lake, source: BaseSource, streams: Sequence[Stream]
) -> tuple[dict[str, list[LedgerEntry]], dict[str, dict[str, Invalidation]]]:
    """The streams' folded ledgers, and what makes their histories wanted again."""
    entries: dict[str, list[LedgerEntry]] = {}
    invalidations: dict[str, dict[str, Invalidation]] = {}
    for stream in streams:
        table = table_name(source.name, stream.name)
        ledger = pl.DataFrame(lake.bronze(table).ledger())
        entries[stream.name] = ledger_entries(stream.name, ledger, lake.quarantine_table(table).malformed())
        if stream.invalidated_by:
            invalidations[stream.name] = _invalidations(lake, source, stream.invalidated_by)
    return entries, invalidations


def spent_today(lake: Lake, source: BaseSource, now: datetime) -> dict[str, int]:
    """Calls that the ledger shows for today (UTC), per endpoint class: a vendor's day has one quota."""
    spent: dict[str, int] = {}
    if not any(rate.per_day for rate in source.rates().values()):
        return spent
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for stream in source.streams():
        ledger = pl.DataFrame(lake.bronze(table_name(source.name, stream.name)).ledger())
        calls = ledger.filter(pl.col("fetched_at") >= midnight)["attempts"].sum()
        spent[stream.endpoint_class] = spent.get(stream.endpoint_class, 0) + int(calls)
    return spent


def check_refetch(sources: Sequence[BaseSource], refetch: frozenset[str]) -> None:
    """Refuse to fetch again what no source has.

    Raises:
        ConfigurationError: A name is neither a selected stream nor one of its keys.
    """
    streams = [stream for source in sources for stream in selected_streams(source)]
    known = {stream.name for stream in streams} | {f"{s.name}/{key}" for s in streams for key in s.keys}
    for name in sorted(refetch - known):
        raise ConfigurationError(
            "There is no such stream or key to fetch again.",
            where="--refetch",
            expected=f"one of {', '.join(stream.name for stream in streams)}, or STREAM/KEY with a configured key",
            got=name,
        )


def _invalidations(lake: Lake, source: BaseSource, stream_name: str) -> dict[str, Invalidation]:
    """Per key of a stream, its events and when the newest version of one became known."""
    table = table_name(source.name, stream_name)
    if not lake.has_silver(table):
        return {}
    stream = next(stream for stream in source.streams() if stream.name == stream_name)
    contract = stream.contract.compiled()
    event = contract.event_time
    days = pl.col(event).unique() if event else pl.lit([], pl.List(pl.Date))
    found = lake.history(table).polars().group_by(contract.key[0]).agg(pl.col("_known_at").max(), days=days)
    return {row[0]: Invalidation(row[1], tuple(row[2])) for row in found.iter_rows()}
