"""Fetch the planned slices and commit every response to Bronze, batch by batch.

A batch holds whole slices, so data and progress are one commit: a crash loses at most the batch
that was not yet committed, and the next plan asks for that again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from finks.errors import FinksError
from finks.lake import BRONZE_SCHEMA, Lake
from finks.observe import RUN_ID
from finks.redact import Redactor
from finks.run.events import Event, Observer, StopRequested
from finks.run.plan import LANDED
from finks.run.planning import table_name
from finks.run.report import RunReport
from finks.run.sections import RunSettings
from finks.source.driver import Driver
from finks.source.model import Outcome, Page, Slice, Stream
from finks.source.protocol import BaseSource
from finks.source.turns import Turns


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


class Ingestion:
    """Fetches slices of any number of streams at once and commits every response to Bronze.

    The streams share the calls under way and the batch, so memory is bounded by one batch and those calls.

    Args:
        context: The run and its source.
        driver: Makes the calls.
        settings: The calls under way at once, and the size of a batch.
        stop: Asked between slices; what was fetched until then is committed.
        order: The plan, over all streams: who comes first in it starts first.
    """

    def __init__(
        self,
        context: IngestContext,
        driver: Driver,
        settings: RunSettings,
        stop: StopRequested,
        order: Sequence[Slice] = (),
    ) -> None:
        self._context = context
        self._driver = driver
        self._settings = settings
        self._stop = stop
        self._turns = Turns(settings.concurrency, order)
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._failed: dict[str, FinksError] = {}
        self._slices = 0
        self._body_bytes = 0

    async def run(self, stream: Stream, slices: Sequence[Slice]) -> None:
        """Fetch the slices of one stream; when it returns, all of them are committed.

        Raises:
            FinksError: The plugin or the lake failed. What was committed stays.
        """
        table = table_name(self._context.source.name, stream.name)
        hashes = _last_hashes(self._context.lake, table)
        found = self._driver.fetch_many(
            ((stream, item) for item in slices),
            concurrency=self._settings.concurrency,
            turns=self._turns,
            stop=self._stop,
        )
        done = 0
        async for pages in found:
            done += 1
            for page in pages:
                self._take(table, page, hashes)
            self._slices += 1
            if pages:
                self._context.observer(Event("slice.fetched", stream.name, done, len(slices)))
            if self._body_bytes >= self._settings.batch_bytes or self._slices >= self._settings.batch_slices:
                self._commit(list(self._rows))
                self._slices = self._body_bytes = 0
            self._raise(table)
        self._commit([table])
        self._raise(table)

    def _take(self, table: str, page: Page, hashes: Mapping[tuple[str, int], str]) -> None:
        row = bronze_row(page, self._context, hashes.get((page.slice.id, page.number)))
        self._rows[table].append(row)
        self._body_bytes += len(row["body"] or b"")
        _count(self._context, table, page, row["outcome"])

    def _commit(self, tables: Iterable[str]) -> None:
        """Commit the rows that wait. A commit that fails is not tried again here: it may have landed all the same."""
        for table in tables:
            rows = self._rows.pop(table, [])
            if not rows:
                continue
            self._context.observer(Event("bronze.before_commit", table))
            try:
                self._context.lake.bronze(table).append(
                    pa.Table.from_pylist(rows, schema=BRONZE_SCHEMA), {RUN_ID: self._context.run_id}
                )
            except FinksError as error:
                self._failed[table] = error
            else:
                self._context.observer(Event("bronze.committed", table, len(rows)))

    def _raise(self, table: str) -> None:
        """Whichever stream's batch it was, what failed for a table ends the stream of that table."""
        if table in self._failed:
            raise self._failed[table]


def origin_of(url: str, key: str) -> str:
    """An address without its parameters; `{key}` for the part of its path that is the slice's key."""
    parts = urlsplit(url)
    path = "/".join("{key}" if key and unquote(part) == key else part for part in parts.path.split("/"))
    return f"{parts.scheme}://{parts.netloc}{path}"


def _last_hashes(lake: Lake, table: str) -> dict[tuple[str, int], str]:
    """What an unchanged body would hash to. One that could not be read is not a body to be equal to."""
    return lake.bronze(table).last_hashes(without=lake.quarantine_table(table).malformed())


def _count(context: IngestContext, table: str, page: Page, outcome: str) -> None:
    report = context.report.stream(table)
    report.slices[outcome] = report.slices.get(outcome, 0) + 1
    report.calls += page.response.attempts
    report.wire_bytes += page.response.wire_bytes
    origin = context.redactor.redact(origin_of(page.response.request.url, page.slice.key))
    if origin not in report.origins:
        report.origins.append(origin)
    if page.verdict.outcome is Outcome.EMPTY and page.slice.start is not None:
        report.empty.append(page.slice.key or page.slice.stream)
    if page.verdict.outcome not in LANDED:
        reason = context.redactor.redact(page.verdict.reason)
        report.problems[reason] = report.problems.get(reason, 0) + 1
        report.errors[page.verdict.error] = report.errors.get(page.verdict.error, 0) + 1
