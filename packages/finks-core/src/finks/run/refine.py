"""Bronze to Silver: decode and enforce the contract, reject to quarantine, keep every version.

The Silver commit carries the Bronze snapshot that it consumed, so the bookmark is atomic with the
data; everything here can be repeated without effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from finks.contract import CompiledContract, Decoding, KernelResult, enforce_responses
from finks.contract.spec import Kind
from finks.lake import SHARE_REJECTED, Lake, VersionCounts
from finks.run.events import Event, Observer
from finks.run.report import StreamReport
from finks.source.model import Snapshot, Stream

MAX_CHANGES = 20


def refine_stream(
    lake: Lake, source: str, stream: Stream, table: str, run_id: str, report: StreamReport, observer: Observer
) -> None:
    """Bring one stream's Silver and quarantine tables up to the newest Bronze snapshot.

    Args:
        table: The stream's table name in every zone.
        report: Receives the counts.
    """
    contract = stream.contract.compiled()
    silver = lake.silver(table, contract, source)
    quarantine = lake.quarantine_table(table)
    decoding = Decoding(rename=dict(stream.rename), nulls=stream.nulls, from_key=stream.from_key)
    consumed = silver.bookmark()
    newest, batches = lake.bronze(table).added_since(consumed)
    if newest is None or newest == consumed:
        report.share_rejected = silver.share_rejected()
        return
    read = rejected = 0
    moved = False
    for responses, is_last in _with_last(batches):
        result = enforce_responses(responses, contract, decoding)
        _count(result, report)
        read, rejected = read + _total(result, "read"), rejected + _total(result, "rejected")
        if result.rejects.num_rows:
            quarantine.append(result.rejects, run_id=run_id)
            observer(Event("quarantine.committed", table, result.rejects.num_rows))
        observer(Event("silver.before_commit", table))
        counts = silver.write_versions(
            result.good,
            run_id=run_id,
            spans=response_spans(result, responses, contract, stream),
            bookmark=newest if is_last else None,
            authoritative=stream.authoritative,
            properties={SHARE_REJECTED: f"{rejected / read:.6f}"} if read else None,
        )
        moved = is_last
        _count_versions(counts, report)
        observer(Event("silver.committed", table, counts.new + counts.changed))
    if not moved:
        silver.advance(newest, run_id=run_id)
    report.share_rejected = silver.share_rejected()


def _with_last(batches: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    """Each batch, and whether none follows: the bookmark belongs in the last one's commit."""
    current = next(batches, None)
    while current is not None:
        following = next(batches, None)
        yield current, following is None
        current = following


def response_spans(result: KernelResult, responses: pa.Table, contract: CompiledContract, stream: Stream) -> pa.Table:
    """What each response is the whole truth of: a key, between two days.

    A snapshot answers for all of its key (null bounds); a window's answer for the days that were asked for. Of a
    window that the vendor cut, the page answers only from its first to its last record. A response with rejected
    records says nothing about what is absent. Columns: response_id, known_at, key, min_event, max_event.
    """
    told = pl.DataFrame(responses.select(["response_id", "key", "fetched_at", "page", "window_start", "window_end"]))
    read = pl.DataFrame(result.counts).filter(pl.col("rejected") == 0).select("response_id", "read")
    spans = told.join(read, on="response_id").rename({"fetched_at": "known_at"})
    columns = ("response_id", "known_at", "key", "min_event", "max_event")
    if isinstance(stream.policy, Snapshot) or contract.event_time is None:
        bounds = spans.with_columns(pl.lit(None, pl.Date).alias(name) for name in columns[3:])
        return bounds.select(columns).sort("known_at", "response_id").to_arrow()
    seen = (
        pl.DataFrame(result.good.select(["_bronze_ref", contract.event_time]))
        .group_by(response_id="_bronze_ref")
        .agg(first=pl.col(contract.event_time).min(), last=pl.col(contract.event_time).max())
    )
    by_day = contract.field(contract.event_time).kind is Kind.DATE
    whole = pl.lit(by_day) & (pl.col("page") == 0) & ((pl.col("read") < stream.max_rows) | (stream.max_rows == 0))
    bounds = spans.join(seen, on="response_id").with_columns(
        min_event=pl.when(whole).then("window_start").otherwise("first"),
        max_event=pl.when(whole).then("window_end").otherwise("last"),
    )
    return bounds.select(columns).sort("known_at", "response_id").to_arrow()


def _count(result: KernelResult, report: StreamReport) -> None:
    for name in ("read", "good", "rejected", "duplicates"):
        setattr(report, name, getattr(report, name) + _total(result, name))
    rules = Counter(report.rules)
    rules.update(result.rejects["rule"].to_pylist())
    report.rules = dict(rules)
    report.malformed = rules["malformed_body"]


def _total(result: KernelResult, name: str) -> int:
    return sum(result.counts[name].to_pylist())


def _count_versions(counts: VersionCounts, report: StreamReport) -> None:
    for name in ("new", "changed", "same", "retracted", "suspicious"):
        setattr(report, name, getattr(report, name) + getattr(counts, name))
    report.changes.extend(counts.describe_changes(MAX_CHANGES - len(report.changes)))
