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
from finks.lake import Lake, VersionCounts
from finks.run.events import Event, Observer
from finks.run.report import StreamReport
from finks.source.model import Stream

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
        return
    moved = False
    for responses, is_last in _with_last(batches):
        result = enforce_responses(responses, contract, decoding)
        _count(result, report)
        if result.rejects.num_rows:
            quarantine.append(result.rejects, run_id=run_id)
            observer(Event("quarantine.committed", table, result.rejects.num_rows))
        observer(Event("silver.before_commit", table))
        counts = silver.write_versions(
            result.good,
            run_id=run_id,
            spans=response_spans(result, responses, contract),
            bookmark=newest if is_last else None,
        )
        moved = is_last
        _count_versions(counts, report)
        observer(Event("silver.committed", table, counts.new + counts.changed))
    if not moved:
        silver.advance(newest, run_id=run_id)


def _with_last(batches: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    """Each batch, and whether none follows: the bookmark belongs in the last one's commit."""
    current = next(batches, None)
    while current is not None:
        following = next(batches, None)
        yield current, following is None
        current = following


def response_spans(result: KernelResult, responses: pa.Table, contract: CompiledContract) -> pa.Table | None:
    """What each response is the whole truth of: its key, from its first to its last event.

    A response with rejected records says nothing about what is absent, and neither does a stream without an
    event time. Columns: response_id, known_at, key, min_event, max_event.
    """
    if contract.event_time is None or result.good.num_rows == 0:
        return None
    spoiled = pl.DataFrame(result.rejects.select(["bronze_ref"]))
    spans = (
        pl.DataFrame(result.good.select(["_bronze_ref", "_known_at", contract.event_time]))
        .group_by(response_id="_bronze_ref")
        .agg(
            known_at=pl.col("_known_at").first(),
            min_event=pl.col(contract.event_time).min(),
            max_event=pl.col(contract.event_time).max(),
        )
        .join(spoiled, left_on="response_id", right_on="bronze_ref", how="anti")
        .join(pl.DataFrame(responses.select(["response_id", "key"])), on="response_id")
        .sort("known_at", "response_id")
    )
    return spans.to_arrow()


def _count(result: KernelResult, report: StreamReport) -> None:
    for name in ("read", "good", "rejected", "duplicates"):
        total = sum(result.counts[name].to_pylist())
        setattr(report, name, getattr(report, name) + total)
    rules = Counter(report.rules)
    rules.update(result.rejects["rule"].to_pylist())
    report.rules = dict(rules)


def _count_versions(counts: VersionCounts, report: StreamReport) -> None:
    for name in ("new", "changed", "same", "retracted", "suspicious"):
        setattr(report, name, getattr(report, name) + getattr(counts, name))
    report.changes.extend(counts.describe_changes(MAX_CHANGES - len(report.changes)))
