"""Bronze to Silver: decode and enforce the contract, reject to quarantine, keep every version.

The Silver commit carries the Bronze snapshot that it consumed, so the bookmark is atomic with the
data; everything here can be repeated without effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from finks.contract import KernelResult
from finks.lake import Lake, VersionCounts
from finks.lake.silver import judged
from finks.run.events import Event, Observer
from finks.run.report import StreamReport
from finks.source.model import Stream
from finks.transform import Recipe

MAX_CHANGES = 20


def refine_stream(
    lake: Lake, source: str, stream: Stream, table: str, run_id: str, report: StreamReport, observer: Observer
) -> None:
    """Bring one stream's Silver and quarantine tables up to the newest Bronze snapshot.

    Args:
        table: The stream's table name in every zone.
        report: Receives the counts.
    """
    recipe = Recipe.of(stream)
    report.renames = dict(stream.rename)
    silver = lake.silver(table, recipe.contract, source)
    quarantine = lake.quarantine_table(table)
    consumed = silver.bookmark()
    newest, batches = lake.bronze(table).added_since(consumed)
    if newest is None or newest == consumed:
        report.share_rejected = silver.share_rejected()
        return
    read = rejected = 0
    moved = False
    since: object = None
    for responses, is_last in _with_last(batches):
        since = since or responses["fetched_at"][0].as_py()
        result = recipe.refine(responses)
        _count(result, report)
        read, rejected = read + _total(result, "read"), rejected + _total(result, "rejected")
        if result.rejects.num_rows:
            quarantine.append(result.rejects, run_id=run_id)
            observer(Event("quarantine.committed", table, result.rejects.num_rows))
        observer(Event("silver.before_commit", table))
        counts = silver.write_versions(
            result.good,
            run_id=run_id,
            spans=recipe.spans(result, responses),
            bookmark=newest if is_last else None,
            authoritative=recipe.authoritative,
            properties=judged(read, rejected, since),
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
