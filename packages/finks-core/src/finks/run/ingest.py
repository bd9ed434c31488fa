"""Fetch the planned slices and commit every response to Bronze, batch by batch.

A batch holds whole slices, so data and progress are one commit: a crash loses at most the batch
that was not yet committed, and the next plan asks for that again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from finks.lake import BRONZE_SCHEMA, Lake
from finks.redact import Redactor
from finks.run.events import Event, Observer, StopRequested
from finks.run.plan import LANDED
from finks.run.planning import table_name
from finks.run.report import RunReport
from finks.source.driver import Driver
from finks.source.model import Outcome, Page, Slice, Stream
from finks.source.protocol import BaseSource


@dataclass(frozen=True, slots=True)
class IngestContext:
    """What every step of one run's ingestion needs to know."""

    lake: Lake
    source: BaseSource
    run_id: str
    logical_date: date
    redactor: Redactor
    report: RunReport
    observer: Observer


@dataclass(slots=True)
class _Batch:
    """Rows that wait for their commit, per stream."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    slices: int = 0
    body_bytes: int = 0


def bronze_row(page: Page, context: IngestContext, known_hash: str | None) -> dict[str, Any]:
    """One Bronze row. A body equal to the last one of its slice is recorded as unchanged and not stored again."""
    response, verdict = page.response, page.verdict
    body = context.redactor.redact_bytes(response.body)
    digest = hashlib.sha256(body).hexdigest() if body else None
    outcome = verdict.outcome
    if outcome is Outcome.OK and digest == known_hash:
        outcome = Outcome.UNCHANGED
    identity = f"{context.run_id}|{page.slice.id}|{page.number}"
    return {
        "response_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "slice": page.slice.id,
        "key": page.slice.key,
        "window_start": page.slice.start,
        "window_end": page.slice.end,
        "logical_date": context.logical_date,
        "page": page.number,
        "request": context.redactor.describe(response.request),
        "status": response.status,
        "outcome": str(outcome),
        "reason": context.redactor.redact(verdict.reason),
        "attempts": response.attempts,
        "content_type": response.content_type,
        "body": None if outcome is Outcome.UNCHANGED or not body else body,
        "body_sha256": digest,
        "wire_bytes": response.wire_bytes,
        "fetched_at": response.received_at,
        "run_id": context.run_id,
        "connector": context.source.name,
        "connector_version": context.source.version,
    }


async def ingest(
    context: IngestContext,
    driver: Driver,
    streams: Mapping[str, Stream],
    slices: Sequence[Slice],
    *,
    concurrency: int,
    batch_bytes: int,
    batch_slices: int,
    stop: StopRequested,
) -> None:
    """Fetch `slices` and commit them to Bronze. Memory is bounded by one batch and the calls under way.

    Args:
        streams: The source's streams by name.
        stop: Asked between slices; what was fetched until then is committed.
    """
    hashes = {name: _last_hashes(context.lake, table_name(context.source.name, name)) for name in streams}
    batch = _Batch()
    done = 0
    work = [(streams[item.stream], item) for item in slices]
    async for pages in driver.fetch_many(work, concurrency=concurrency, stop=stop):
        done += 1
        for page in pages:
            name = page.slice.stream
            row = bronze_row(page, context, hashes[name].get((page.slice.id, page.number)))
            batch.rows[name].append(row)
            batch.body_bytes += len(row["body"] or b"")
            _count(context, name, page, row["outcome"])
        batch.slices += 1
        if pages:
            context.observer(Event("slice.fetched", pages[0].slice.stream, done, len(slices)))
        if batch.body_bytes >= batch_bytes or batch.slices >= batch_slices:
            _commit(context, batch)
            batch = _Batch()
    _commit(context, batch)


def origin_of(url: str, key: str) -> str:
    """An address without its parameters; `{key}` for the part of its path that is the slice's key."""
    parts = urlsplit(url)
    path = "/".join("{key}" if key and unquote(part) == key else part for part in parts.path.split("/"))
    return f"{parts.scheme}://{parts.netloc}{path}"


def _last_hashes(lake: Lake, table: str) -> dict[tuple[str, int], str]:
    """What an unchanged body would hash to. One that could not be read is not a body to be equal to."""
    return lake.bronze(table).last_hashes(without=lake.quarantine_table(table).malformed())


def _count(context: IngestContext, stream: str, page: Page, outcome: str) -> None:
    report = context.report.stream(table_name(context.source.name, stream))
    report.slices[outcome] = report.slices.get(outcome, 0) + 1
    report.calls += page.response.attempts
    report.wire_bytes += page.response.wire_bytes
    origin = context.redactor.redact(origin_of(page.response.request.url, page.slice.key))
    if origin not in report.origins:
        report.origins.append(origin)
    if page.verdict.outcome is Outcome.EMPTY and page.slice.start is not None:
        report.empty.append(page.slice.key or stream)
    if page.verdict.outcome not in LANDED:
        reason = context.redactor.redact(page.verdict.reason)
        report.problems[reason] = report.problems.get(reason, 0) + 1
        report.errors[page.verdict.error] = report.errors.get(page.verdict.error, 0) + 1


def _commit(context: IngestContext, batch: _Batch) -> None:
    for stream, rows in batch.rows.items():
        table = table_name(context.source.name, stream)
        context.observer(Event("bronze.before_commit", table))
        context.lake.bronze(table).append(
            pa.Table.from_pylist(rows, schema=BRONZE_SCHEMA), {"finks.run-id": context.run_id}
        )
        context.observer(Event("bronze.committed", table, len(rows)))
