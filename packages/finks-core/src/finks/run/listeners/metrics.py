"""What a run report says, as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from finks.observe.metrics import Metric, Unit
from finks.run.report import RunReport, StreamReport
from finks.source.model import Outcome

SERVED = frozenset({"published", "unchanged"})
"""States of Gold in which readers are served what this run's Silver gives."""

_COUNTS = {"read": "records_read", "new": "records_new", "changed": "records_changed", "rejected": "records_rejected"}


def run_metrics(report: RunReport, environment: str) -> list[Metric]:
    """The metrics of one run: of the whole, of every stage and of every dataset. Pure.

    Args:
        environment: The value of the dimension of that name.
    """
    whole = {"environment": environment}
    found = [
        Metric("run_succeeded", int(report.exit_code == 0), "Count", whole),
        Metric("gold_published", int(report.gold.status in SERVED), "Count", whole),
    ]
    if report.finished_at is not None:
        seconds = (report.finished_at - report.started_at).total_seconds()
        found.append(Metric("run_seconds", seconds, "Seconds", whole))
    for stage, seconds in report.seconds.items():
        found.append(Metric("stage_seconds", seconds, "Seconds", {**whole, "stage": stage}))
    for stream in report.streams.values():
        dimensions = {**whole, "dataset": stream.table}
        found += [Metric(name, value, unit, dimensions) for name, value, unit in _of_stream(stream, report)]
    return found


def _of_stream(stream: StreamReport, report: RunReport) -> Iterator[tuple[str, float, Unit]]:
    for count, name in _COUNTS.items():
        yield name, getattr(stream, count), "Count"
    yield "share_rejected", 100 * stream.share_rejected, "Percent"
    yield "calls", stream.calls, "Count"
    yield "wire_bytes", stream.wire_bytes, "Bytes"
    # An alarm on failures needs their zero; the other outcomes are told where there are any.
    for outcome, count in {Outcome.FAILED.value: 0, **stream.slices}.items():
        yield f"slices_{outcome}", count, "Count"
    yield "gaps", stream.gaps, "Count"
    yield "keys_behind", len(stream.behind), "Count"
    if stream.newest is not None:
        yield "freshness_lag_days", (report.logical_date - stream.newest).days, "Count"
