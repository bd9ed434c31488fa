"""The local runner: one run of the whole path, from the vendors' APIs to a published Gold release.

Every step is a plain function; this module only puts them in order, keeps the report and decides
what a failure means for what follows.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl

from finks import errors
from finks.errors import ConfigurationError, FinksError, QualityError
from finks.lake import Lake, lease
from finks.plugins import build_source
from finks.redact import Redactor
from finks.run.events import Event, Observer, ignore
from finks.run.gaps import gaps
from finks.run.gold import dbt_build, project_directory, read_marts
from finks.run.identity import new_run_id
from finks.run.ingest import IngestContext, ingest, table_name
from finks.run.plan import LedgerEntry, Plan, ledger_entries, make_plan, waves
from finks.run.refine import refine_stream
from finks.run.report import RunReport
from finks.run.settings import Settings
from finks.source.budget import Budgets
from finks.source.driver import Driver
from finks.source.model import Action, Stream, Windows
from finks.source.protocol import BaseSource

HELD_BACK = "held back"


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What one command asks for beyond the settings.

    Attributes:
        logical_date: The date that the run is for; the setting, else today (UTC), when None.
        refetch: Streams (`daily_bars`) or keys of a stream (`daily_bars/AAPL`) to fetch again.
        gold: Whether to build and publish Gold.
        command: What the lease shows to a second run.
    """

    logical_date: date | None = None
    refetch: frozenset[str] = frozenset()
    gold: bool = True
    command: str = "finks run"


@dataclass(slots=True)
class Runner:
    """Runs the path once.

    Args:
        settings: The settings.
        options: What this command asks for.
        observer: Is told every event.
        clock: The time, aware, in UTC.
        given: Sources made in code; those of the settings when None.
    """

    settings: Settings
    options: RunOptions = field(default_factory=RunOptions)
    observer: Observer = ignore
    clock: Callable[[], datetime] = utc_now
    given: Sequence[BaseSource] | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def logical_date(self) -> date:
        """The date that this run is for."""
        return self.options.logical_date or self.settings.run.logical_date or self.clock().date()

    def stop(self) -> None:
        """Ask the run to end at its next boundary."""
        self._stop.set()

    def sources(self) -> list[BaseSource]:
        """The sources of this run, their settings validated."""
        if self.given is not None:
            return list(self.given)
        return [build_source(name, values) for name, values in self.settings.sources.items()]

    def plan(self) -> dict[str, Plan]:
        """What a run would fetch now, per source. Spends nothing and writes nothing."""
        sources = self.sources()
        lake = Lake.open(self.settings.lake.path, create=True, clock=self.clock)
        return {source.name: self._plan(lake, source, selected_streams(source)) for source in sources}

    def run(self) -> RunReport:
        """Run once.

        Returns:
            The report, also written to `<lake>/runs/<run_id>.json`. Its exit code is the command's.

        Raises:
            ConfigurationError: Before anything was fetched.
            LakeBusyError: Another run holds the lake.
        """
        sources = self.sources()
        path = self.settings.lake.path
        lake = Lake.open(path, create=True, clock=self.clock)
        run_id = new_run_id(self.clock(), random.SystemRandom().getrandbits)
        report = RunReport(
            run_id=run_id, logical_date=self.logical_date, lake=str(path), started_at=self.clock(), status="running"
        )
        with lease.hold(path, run_id=run_id, command=self.options.command, clock=self.clock), self._signals():
            self.observer(Event("run.started", run_id))
            self._stages(lake, sources, report)
            report.finished_at = self.clock()
            self._conclude(lake, report)
            report.write(path / "runs")
            self.observer(Event("report.written", run_id))
        return report

    def _stages(self, lake: Lake, sources: Sequence[BaseSource], report: RunReport) -> None:
        for source in sources:
            redactor = Redactor(source.secret_headers().values())
            context = IngestContext(lake, source, report.run_id, report.logical_date, redactor, report, self.observer)
            try:
                with redactor.guarding_logs():
                    asyncio.run(self._ingest_source(context))
            except FinksError as error:
                report.settle(error.exit_code, redactor.redact(f"{source.name}: {error}"), error.hint or "")
            if self._stop.is_set():
                report.settle(143, "Stopped by a signal; what was fetched has landed.", "Run the same command again.")
                return
        if self.options.gold and self.settings.gold.enabled:
            with _timed(report, "gold"):
                self._gold(lake, report)

    async def _ingest_source(self, context: IngestContext) -> None:
        budgets = Budgets(
            context.source.rates(), self.clock, spent_today=self._spent_today(context.lake, context.source)
        )
        driver = Driver(context.source, redactor=context.redactor, clock=self.clock, budgets=budgets)
        try:
            for wave in waves(selected_streams(context.source)):
                await self._ingest_wave(context, driver, wave)
                if self._stop.is_set():
                    return
        finally:
            await driver.aclose()

    async def _ingest_wave(self, context: IngestContext, driver: Driver, wave: Sequence[Stream]) -> None:
        report = context.report
        with _timed(report, "plan"):
            plan = self._plan(context.lake, context.source, wave)
        self.observer(Event("plan.ready", context.source.name, total=plan.calls))
        report.planned_calls += plan.calls
        for name, count in plan.landed.items():
            report.stream(table_name(context.source.name, name)).landed_before = count
        with _timed(report, "ingest"):
            await self._fetch(context, driver, wave, plan)
        if self._stop.is_set():
            return
        with _timed(report, "refine"):
            for stream in wave:
                self._refine(context, stream)
                self._find_gaps(context, stream)
        self._judge_slices(context, driver, wave)

    def _spent_today(self, lake: Lake, source: BaseSource) -> dict[str, int]:
        """Calls that the ledger shows for today (UTC), per endpoint class: a vendor's day has one quota."""
        midnight = self.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        spent: dict[str, int] = {}
        if not any(rate.per_day for rate in source.rates().values()):
            return spent
        for stream in source.streams():
            ledger = pl.DataFrame(lake.bronze(table_name(source.name, stream.name)).ledger())
            calls = ledger.filter(pl.col("fetched_at") >= midnight)["attempts"].sum()
            spent[stream.endpoint_class] = spent.get(stream.endpoint_class, 0) + int(calls)
        return spent

    async def _fetch(self, context: IngestContext, driver: Driver, wave: Sequence[Stream], plan: Plan) -> None:
        run = self.settings.run
        await ingest(
            context,
            driver,
            {stream.name: stream for stream in wave},
            plan.slices,
            concurrency=run.concurrency,
            batch_bytes=run.batch_bytes,
            batch_slices=run.batch_slices,
            stop=self._stop.is_set,
        )

    def _judge_slices(self, context: IngestContext, driver: Driver, wave: Sequence[Stream]) -> None:
        for stream in wave:
            verdict = driver.stopped(stream)
            if verdict is not None and verdict.action is Action.STOP_SOURCE:
                kind = getattr(errors, verdict.error)
                raise kind(f"{context.source.name} refused to go on: {verdict.reason}", hint=ADVICE[kind.exit_code])
            table = table_name(context.source.name, stream.name)
            for name, count in context.report.stream(table).errors.items():
                code = getattr(errors, name).exit_code
                context.report.settle(code, f"{table}: {count} slices are not whole ({name})", ADVICE[code])

    def _refine(self, context: IngestContext, stream: Stream) -> None:
        table = table_name(context.source.name, stream.name)
        report = context.report.stream(table)
        refine_stream(context.lake, context.source.name, stream, table, context.report.run_id, report, self.observer)
        malformed = report.rules.get("malformed_body", 0)
        too_many = report.read > 0 and report.rejected / report.read > self.settings.run.max_rejected
        if malformed or too_many:
            context.report.settle(
                5,
                f"{table}: {report.rejected} of {report.read} records were rejected ({malformed} whole bodies)",
                f"Look at them: finks quarantine show {table}",
            )
        if too_many:
            context.report.gold.status = HELD_BACK

    def _find_gaps(self, context: IngestContext, stream: Stream) -> None:
        """Look for what is missing, where something was fetched."""
        table = table_name(context.source.name, stream.name)
        report = context.report.stream(table)
        contract = stream.contract.compiled()
        if not report.calls or not isinstance(stream.policy, Windows) or contract.event_time is None:
            return
        key = contract.key[0]
        records = context.lake.latest(table, select=[key, contract.event_time]).polars()
        found = gaps(records, key, contract.event_time)
        report.gaps = int(found["missing"].sum())
        report.behind = found.filter(pl.col("behind") > 0)["key"].to_list()

    def _plan(self, lake: Lake, source: BaseSource, streams: Sequence[Stream]) -> Plan:
        entries: dict[str, list[LedgerEntry]] = {}
        invalidated: dict[str, dict[str, datetime]] = {}
        for stream in streams:
            table = table_name(source.name, stream.name)
            ledger = pl.DataFrame(lake.bronze(table).ledger())
            entries[stream.name] = ledger_entries(stream.name, ledger, lake.quarantine_table(table).malformed())
            if stream.invalidated_by:
                invalidated[stream.name] = self._newest_versions(lake, source, stream.invalidated_by)
        refetch = self.options.refetch or None
        return make_plan(streams, entries, self.logical_date, source.rates(), invalidated, refetch)

    def _newest_versions(self, lake: Lake, source: BaseSource, stream_name: str) -> dict[str, datetime]:
        """Per key of a stream, when its newest version became known."""
        table = table_name(source.name, stream_name)
        if not lake.has_silver(table):
            return {}
        stream = next(s for s in source.streams() if s.name == stream_name)
        key = stream.contract.compiled().key[0]
        versions = lake.history(table).polars()
        newest = versions.group_by(key).agg(pl.col("_known_at").max())
        return dict(newest.iter_rows())

    def _gold(self, lake: Lake, report: RunReport) -> None:
        gold = report.gold
        gold.release = lake.served_release()
        if gold.status == HELD_BACK:
            return
        try:
            self._build_and_publish(lake, report)
        except FinksError as error:
            gold.status = "failed"
            gold.failures = gold.failures or [str(error)]
            report.settle(error.exit_code, f"Gold was not published: {error.message}", ADVICE[5])

    def _build_and_publish(self, lake: Lake, report: RunReport) -> None:
        path = self.settings.lake.path
        project = project_directory(self.settings.gold.project)
        self.observer(Event("dbt.started", str(project)))
        build = dbt_build(
            project,
            path,
            path / "scratch" / report.run_id,
            logical_date=report.logical_date,
            as_of=None,
            timeout=self.settings.gold.timeout,
        )
        self.observer(Event("dbt.finished", str(project)))
        report.gold.tests = build.tests
        report.gold.failures = list(build.failures)
        if build.failures:
            raise QualityError(f"{len(build.failures)} dbt nodes failed.", got=build.failures[0])
        self.observer(Event("gold.before_publish"))
        release = lake.publish(read_marts(build), run_id=report.run_id)
        report.gold.release = release.release_id
        report.gold.tables = dict(release.rows)
        report.gold.status = "unchanged" if release.unchanged else "published"
        self.observer(Event("gold.published", str(release.release_id)))

    def _conclude(self, lake: Lake, report: RunReport) -> None:
        report.status = {0: "succeeded", 143: "stopped"}.get(report.exit_code, "finished with problems")
        report.gold.release = lake.served_release()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the run at its next boundary; only the main thread can listen."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


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


ADVICE = {
    1: "Read the reason in the report.",
    2: "Correct the setting or the key, then run the same command again.",
    3: "Remove these keys from the settings, or change the plan with the vendor.",
    4: "Run the same command again later; only what is missing is fetched.",
    5: "Look at the responses or at the failed tests; nothing wrong was let in, and what was served is still served.",
    6: "Wait for the other run, or end it.",
    70: "This is a defect in finks. Report it with the run report.",
}


@contextmanager
def _timed(report: RunReport, stage: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        report.seconds[stage] = report.seconds.get(stage, 0.0) + time.monotonic() - start


__all__ = ["RunOptions", "Runner", "utc_now"]
