"""The local runner: one run of the whole path, from the vendors' APIs to a published Gold release.

Every step is a plain function or object of its own; this module puts them in order under the lake's
lease, listens for signals and keeps the report.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, runtime_checkable

from finks.errors import ConfigurationError, FinksError, InvariantError
from finks.lake import Lake
from finks.lake.aws_errors import told
from finks.lake.lease import Holder
from finks.observe import run_context
from finks.plugins import build_source
from finks.redact import Redactor
from finks.run.backfill import Backfill, Turn
from finks.run.events import Event, Observer, ignore
from finks.run.gold.jobs import gold_launcher, keep_result
from finks.run.gold.publishing import GoldRun
from finks.run.identity import new_run_id
from finks.run.ingest import IngestContext
from finks.run.plan import Plan
from finks.run.planning import check_refetch, plan_source, selected_streams
from finks.run.refine_engines import RefineEngine, refine_engine
from finks.run.report import RunReport
from finks.run.schedule.due import default_day
from finks.run.settings import Settings
from finks.run.sourcing import SourceRun
from finks.run.steps import Course, LocalSteps, Steps
from finks.source.protocol import BaseSource

STOPPED = 143


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What one command asks for beyond the settings.

    Attributes:
        logical_date: The date that the run is for. When None: the setting, else the exchange's newest session that
            had closed, else today (UTC).
        refetch: Streams (`daily_bars`) or keys of a stream (`daily_bars/AAPL`) to fetch again.
        refine: Whether to bring Silver up to date; without it a run ends at Bronze.
        gold: Whether to build and publish Gold, from a Silver that is up to date.
        fetch: Whether to fetch and refine; without it, Gold is built of the Silver that there is.
        joins: The run, in another process, whose lease this one shares and which it is a part of; None to take the
            lease.
        command: What the lease shows to a second run.
        missed: Earlier days that no scheduled run covered, for the report.
        backfill: Days to fetch instead of those that are due, behind the nightly run.
    """

    logical_date: date | None = None
    refetch: frozenset[str] = frozenset()
    refine: bool = True
    gold: bool = True
    fetch: bool = True
    joins: str | None = None
    command: str = "finks run"
    missed: tuple[date, ...] = ()
    backfill: Backfill | None = None

    @property
    def whole(self) -> bool:
        """Whether everything is asked for, from plan to Gold."""
        return self.fetch and self.refine and self.gold and self.backfill is None

    def check(self, sources: Sequence[BaseSource]) -> None:
        """Refuse what no source has.

        Raises:
            ConfigurationError: A stream, key or window that is asked for cannot be had.
        """
        check_refetch(sources, self.refetch)
        if self.backfill is not None:
            self.backfill.check([stream for source in sources for stream in selected_streams(source)])


class RunListener(Protocol):
    """Is told when a run has ended: alerts, metrics, lineage."""

    def run_ended(self, lake: Lake, settings: Settings, report: RunReport) -> None:
        """The run is over and its report is kept. A `FinksError` becomes a problem of the run."""
        ...


@runtime_checkable
class StartListener(Protocol):
    """A `RunListener` that is told of the start too."""

    def run_began(self, lake: Lake, report: RunReport, command: str) -> None:
        """The run holds the lake and has fetched nothing yet. What goes wrong here is a problem of the report."""
        ...

    def run_refused(self, settings: Settings, error: FinksError, at: datetime) -> None:
        """A run could not begin, for another reason than that somebody else is at work."""
        ...


@dataclass(slots=True)
class Runner:
    """Runs the path once.

    Args:
        settings: The settings.
        options: What this command asks for.
        observer: Is told every event.
        clock: The time, aware, in UTC.
        given: Sources made in code; those of the settings when None.
        steps: Runs the steps: in place, or each as a task of a scheduler.
        listeners: Are told when the run has ended.
    """

    settings: Settings
    options: RunOptions = field(default_factory=RunOptions)
    observer: Observer = ignore
    clock: Callable[[], datetime] = utc_now
    given: Sequence[BaseSource] | None = None
    steps: Steps = field(default_factory=LocalSteps)
    listeners: Sequence[RunListener] = ()
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def logical_date(self) -> date:
        """The date that this run is for.

        Raises:
            ConfigurationError: It lies in the future, even in the first time zone to get there.
        """
        now = self.clock()
        today = now.date()
        wanted = self.options.logical_date or self.settings.run.logical_date or default_day(self.settings.schedule, now)
        if wanted > today + timedelta(days=1):
            raise ConfigurationError(
                "The logical date lies in the future.",
                where="--date or run.logical_date",
                expected=f"at most {today}",
                got=str(wanted),
            )
        return wanted

    def stop(self) -> None:
        """Ask the run to end at its next boundary."""
        self._stop.set()

    def sources(self) -> list[BaseSource]:
        """The sources of this run, their settings validated."""
        if not self.options.fetch:
            return []
        if self.given is not None:
            return list(self.given)
        if not self.settings.sources:
            raise ConfigurationError(
                "No source is configured.",
                where="finks.toml, [sources.<name>]",
                hint="`finks connectors list` shows what is installed; `finks demo` writes an example.",
            )
        return [build_source(name, values, self.settings.place) for name, values in self.settings.sources.items()]

    def plan(self) -> dict[str, Plan]:
        """What a run would fetch now, per source. Spends nothing and writes no data."""
        sources = self.sources()
        self.options.check(sources)
        lake = Lake.look(self.settings.lake.place(), clock=self.clock)
        backfill = self.options.backfill
        plans: dict[str, Plan] = {}
        for source in sources:
            streams = selected_streams(source)
            plans[source.name] = plan_source(
                lake,
                source,
                streams if backfill is None else backfill.narrowed(streams),
                self.logical_date,
                self.options.refetch,
                None if backfill is None else backfill.days,
            )
        return plans

    def run(self) -> RunReport:
        """Run once; see `run_async`."""
        return asyncio.run(self.run_async())

    async def run_async(self) -> RunReport:
        """Run once.

        Returns:
            The report, also written to `<lake>/runs/<run_id>.json`. Its exit code is the command's.

        Raises:
            ConfigurationError: Before anything was fetched.
            LakeBusyError: Another run holds the lake.
        """
        try:
            sources = self.sources()
            self.options.check(sources)
            logical_date = self.logical_date
            lake = Lake.open(self.settings.lake.place(), create=self.options.fetch, clock=self.clock)
        except FinksError as error:
            for listener in self._start_listeners():
                listener.run_refused(self.settings, error, self.clock())
            raise
        run_id = self.options.joins or new_run_id(self.clock(), random.SystemRandom().getrandbits)
        report = RunReport(
            run_id=run_id,
            logical_date=logical_date,
            missed=list(self.options.missed),
            whole=self.options.whole,
            lake=lake.place.address,
            started_at=self.clock(),
        )
        context = run_context(run_id, logical_date=str(report.logical_date), command=self.options.command)
        with context as root, told(), self._lease(lake, run_id), self._signals():
            self.observer(Event("run.started", run_id))
            for listener in self._start_listeners():
                listener.run_began(lake, report, self.options.command)
            try:
                await self._stages(lake, sources, report)
            except Exception as error:
                # Its text may hold anything, so the report names only its kind; the caller gets it whole.
                report.settle(InvariantError.exit_code, f"The run ended by {type(error).__name__}.")
                self._finish(lake, report)
                raise
            self._finish(lake, report)
            root.set(exit_code=report.exit_code)
            if report.exit_code:
                root.fail(report.status)
        return report

    def _lease(self, lake: Lake, run_id: str) -> AbstractContextManager[Holder]:
        if self.options.joins is not None:
            return lake.join(run_id)
        return lake.hold(run_id=run_id, command=self.options.command)

    def _finish(self, lake: Lake, report: RunReport) -> None:
        """End the report and keep it. It is returned also where the lake cannot be reached to keep it."""
        report.finished_at = self.clock()
        try:
            with told():
                report.gold.release = lake.served_release()
                report.status = {0: "succeeded", STOPPED: "stopped"}.get(report.exit_code, "finished with problems")
                if self.options.joins is None:
                    lake.place.keep(f"runs/{report.run_id}.json", report.model_dump_json(indent=2))
                else:
                    # The run that this one is a part of keeps the report of both.
                    keep_result(lake, report)
        except FinksError as error:
            report.status = "finished with problems"
            report.settle(error.exit_code, f"The report was not kept in the lake: {error}", error.hint or "")
        else:
            self.observer(Event("report.written", report.run_id))
        for listener in self._listening():
            self._tell(listener, lake, report)

    def _listening(self) -> Sequence[RunListener]:
        """A run that works under another's lease is told of by that one."""
        return self.listeners if self.options.joins is None else ()

    def _start_listeners(self) -> list[StartListener]:
        return [listener for listener in self._listening() if isinstance(listener, StartListener)]

    def _tell(self, listener: RunListener, lake: Lake, report: RunReport) -> None:
        """What a listener fails at is a problem of the run, but the run is over: what it did stands."""
        try:
            with told():
                listener.run_ended(lake, self.settings, report)
        except FinksError as error:
            report.settle(error.exit_code, f"{type(listener).__name__}: {error}", error.hint or "")

    async def _stages(self, lake: Lake, sources: Sequence[BaseSource], report: RunReport) -> None:
        engine = refine_engine(self.settings.refine)
        turn = self._turn()
        for source in sources:
            await self._source(lake, source, report, engine, turn)
            if self._stop.is_set():
                report.settle(
                    STOPPED, "Stopped by a signal; what was fetched has landed.", "Run the same command again."
                )
                return
        late = turn is not None and turn.is_late(self.clock())
        enabled = self.settings.gold.enabled or not self.options.fetch
        if self.options.refine and self.options.gold and enabled and not late:
            course = Course(self.steps, self.observer)
            launcher = None if self.options.joins else gold_launcher(self.settings)
            await GoldRun(lake, self.settings, report, course, self._stop.is_set, launcher).run()

    def _turn(self) -> Turn | None:
        """The turn of a backfill, which begins now."""
        if self.options.backfill is None:
            return None
        return Turn.at(self.options.backfill, self.settings.schedule, self.settings.backfill.reserve, self.clock())

    async def _source(
        self, lake: Lake, source: BaseSource, report: RunReport, engine: RefineEngine, turn: Turn | None
    ) -> None:
        """One source; what it raises ends its own part only."""
        rates = source.rates()
        redactor = Redactor(source.secret_headers().values())
        context = IngestContext(lake, source, report.run_id, report.logical_date, redactor, report, self.observer)
        part = SourceRun(
            context,
            self.settings.run,
            self.options.refetch,
            lambda: self._stop.is_set() or (turn is not None and turn.is_over(self.clock(), rates)),
            self.clock,
            Course(self.steps, self.observer, redactor.redact),
            engine,
            self.options.refine,
            turn,
        )
        try:
            with redactor.guarding_logs(), told():
                await part.run()
        except FinksError as error:
            report.unfinished.append(source.name)
            report.settle(
                error.exit_code,
                redactor.redact(f"{source.name}: {error}"),
                error.hint or "",
                subject=source.name,
                error=type(error).__name__,
            )

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
