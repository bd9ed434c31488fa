"""One source's part of a run: for each wave of streams plan, fetch, refine, and judge what came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import polars as pl

from finks import errors
from finks.errors import (
    ConfigurationError,
    ConflictError,
    ContractViolationError,
    EntitlementError,
    FinksError,
    QuotaExhaustedError,
)
from finks.run.backfill import Turn
from finks.run.events import Event, StopRequested
from finks.run.gaps import gaps
from finks.run.ingest import IngestContext, Ingestion
from finks.run.jobs.waiting import in_thread
from finks.run.outcome import GRAVITY
from finks.run.plan import Plan, affordable, waves
from finks.run.planning import nightly_need, plan_source, selected_streams, spent_today, table_name
from finks.run.refine_engines import RefineEngine
from finks.run.report import HELD_BACK, StreamReport, timed
from finks.run.sections import RunSettings
from finks.run.steps import WELL, Course, Step, StepEnd
from finks.source.budget import Budgets
from finks.source.driver import Driver
from finks.source.model import Action, Stream, Windows

ADVICE = {
    1: "Read the reason in the report.",
    2: "Correct the setting or the key, then run the same command again.",
    3: "Remove these keys from the settings, or change the plan with the vendor.",
    4: "Run the same command again later; only what is missing is fetched.",
    5: "Look at the responses or at the failed tests; nothing wrong was let in, and what was served is still served.",
    6: "Wait for the other run, or end it.",
    70: "This is a defect in finks. Report it with the run report.",
}
"""What to do, by exit code."""


@dataclass(frozen=True, slots=True)
class SourceRun:
    """Brings one source's Bronze, Silver and quarantine tables up to date.

    Args:
        context: The run, its report and the source.
        settings: Concurrency, batches, thresholds.
        refetch: Streams, or keys of a stream, to fetch whatever has landed.
        stop: Whether the run was asked to end at its next boundary.
        clock: The time, aware, in UTC.
        course: Runs the steps.
        engine: Refines.
        refine: Whether Silver and quarantine are brought up to date too. Without it the plan goes by the Silver that
            there is: what a new split invalidates is fetched in a run after the next refinement.
        turn: Of a backfill: what it is about and what it leaves alone.
    """

    context: IngestContext
    settings: RunSettings
    refetch: frozenset[str]
    stop: StopRequested
    clock: Callable[[], datetime]
    course: Course
    engine: RefineEngine
    refine: bool = True
    turn: Turn | None = None

    async def run(self) -> None:
        """Run every wave.

        Raises:
            FinksError: The source refused to go on.
        """
        source, selected = self.context.source, selected_streams(self.context.source)
        streams = selected if self.turn is None else self.turn.backfill.narrowed(selected)
        if not streams:
            return
        spent = spent_today(self.context.lake, source, self.clock())
        budgets = Budgets(source.rates(), self.clock, spent_today=spent, reserve=self._reserve(streams))
        driver = Driver(source, redactor=self.context.redactor, clock=self.clock, budgets=budgets)
        try:
            # What an interrupted run had fetched is part of what the plan has to know.
            if self.refine:
                await self._refine(selected, self._bring_up, lambda: WELL)
            for wave in waves(streams):
                await self._wave(driver, budgets, wave)
                if self.stop():
                    break
        finally:
            await driver.aclose()
        if self.turn is not None:
            left = self.turn.outlook(self._due(streams), selected, source.rates())
            self.context.report.backfill = left.plus(self.context.report.backfill)

    def _due(self, streams: Sequence[Stream]) -> Plan:
        """What is due of these streams now."""
        window = None if self.turn is None else self.turn.backfill.days
        context = self.context
        return plan_source(context.lake, context.source, streams, context.logical_date, self.refetch, window)

    def _reserve(self, streams: Sequence[Stream]) -> dict[str, int]:
        """The calls of today that a backfill leaves to the nightly run, per budget."""
        lake, source = self.context.lake, self.context.source
        if self.turn is None or not any(rate.per_day for rate in source.rates().values()):
            return {}
        need = nightly_need(lake, source, self.turn.nightly, self._due(streams).slices, self.clock())
        return self.turn.reserve(need, source.rates())

    async def _wave(self, driver: Driver, budgets: Budgets, wave: Sequence[Stream]) -> None:
        plan = await self._plan(budgets, wave)
        await self._ingest(driver, wave, plan)
        if self.stop():
            return
        if self.refine:
            await self._refine(wave, self._bring_up_and_judge, lambda: self._rejection(wave))
        self._judge(driver, budgets, wave)

    async def _plan(self, budgets: Budgets, wave: Sequence[Stream]) -> Plan:
        context, report = self.context, self.context.report
        plans: list[Plan] = []

        async def work() -> None:
            plans.append(await asyncio.to_thread(self._due, wave))

        with timed(report, "plan"):
            await self.course.run(Step("plan", context.source.name), work)
        plan = (
            plans[0] if self.turn is None else affordable(plans[0], wave, context.source.rates(), budgets.left_today())
        )
        context.observer(Event("plan.ready", context.source.name, total=plan.calls))
        report.planned_calls += plan.calls
        for name, count in plan.settled.items():
            report.stream(table_name(context.source.name, name)).settled = count
        self._repeat_refusals(plan)
        return plan

    async def _ingest(self, driver: Driver, wave: Sequence[Stream], plan: Plan) -> None:
        """All streams at once. One that fails ends alone, unless what failed is the lake or the installation."""
        given_up: list[FinksError] = []
        ingestion = Ingestion(
            self.context, driver, self.settings, lambda: bool(given_up) or self.stop(), order=plan.slices
        )

        async def ingest(stream: Stream) -> None:
            slices = [item for item in plan.slices if item.stream == stream.name]
            table = table_name(self.context.source.name, stream.name)
            try:
                await self.course.run(
                    Step("ingest", table), lambda: ingestion.run(stream, slices), lambda: self._ending(table)
                )
            except (ConfigurationError, ConflictError) as error:
                given_up.append(error)
            except FinksError as error:
                self.context.report.settle(
                    error.exit_code,
                    self.context.redactor.redact(f"{table}: {error}"),
                    error.hint or "",
                    subject=table,
                    error=type(error).__name__,
                )

        with timed(self.context.report, "ingest"):
            await asyncio.gather(*(ingest(stream) for stream in wave if plan.per_stream.get(stream.name)))
        for error in given_up:
            raise error

    def _ending(self, table: str) -> StepEnd:
        """How the fetching of a stream ended, by its gravest failure."""
        report = self.context.report.stream(table)
        codes = [getattr(errors, name).exit_code for name in report.errors]
        if not codes:
            return WELL
        return StepEnd(max(codes, key=GRAVITY.index), "; ".join(report.problems))

    async def _refine(
        self,
        streams: Sequence[Stream],
        work: Callable[[Sequence[Stream], StopRequested], None],
        judge: Callable[[], StepEnd],
    ) -> None:
        with timed(self.context.report, "refine"):
            step = Step("refine", self.context.source.name)
            await self.course.run(step, lambda: in_thread(partial(work, streams), self.stop), judge)

    def _bring_up(self, streams: Sequence[Stream], stop: StopRequested) -> None:
        self.engine.refine(self.context, streams, stop)

    def _bring_up_and_judge(self, streams: Sequence[Stream], stop: StopRequested) -> None:
        self._bring_up(streams, stop)
        for stream in streams:
            self._judge_rejects(stream)
            self._find_gaps(stream)

    def _rejection(self, streams: Sequence[Stream]) -> StepEnd:
        tables = [table_name(self.context.source.name, stream.name) for stream in streams]
        refused = [table for table in tables if self._breaks(self.context.report.stream(table))]
        return StepEnd(5, f"too many records rejected in {', '.join(refused)}") if refused else WELL

    def _breaks(self, counts: StreamReport) -> bool:
        return counts.share_rejected > self.settings.max_rejected or bool(counts.malformed)

    def _repeat_refusals(self, plan: Plan) -> None:
        """What the vendor refused earlier on this date is still missing, although it is not asked again."""
        for name, keys in plan.refused.items():
            if keys:
                table = table_name(self.context.source.name, name)
                shown = ", ".join(keys[:10])
                self.context.report.settle(
                    3,
                    f"{table}: refused today already: {shown}",
                    ADVICE[3],
                    subject=table,
                    error=EntitlementError.__name__,
                )

    def _judge_rejects(self, stream: Stream) -> None:
        """What was rejected is missing until it comes right, so Gold waits in later runs too."""
        report = self.context.report
        counts = report.stream(table_name(self.context.source.name, stream.name))
        if counts.share_rejected > self.settings.max_rejected:
            report.gold.status = HELD_BACK
        if self._breaks(counts):
            report.settle(
                5,
                f"{counts.table}: {counts.share_rejected:.1%} of the newest records were rejected, "
                f"{counts.malformed} whole bodies",
                f"Look at them: finks quarantine show {counts.table}",
                subject=counts.table,
                error=ContractViolationError.__name__,
            )

    def _find_gaps(self, stream: Stream) -> None:
        """Look for what is missing, where something was fetched."""
        table = table_name(self.context.source.name, stream.name)
        report = self.context.report.stream(table)
        contract = stream.contract.compiled()
        if not report.calls or not isinstance(stream.policy, Windows) or contract.event_time is None:
            return
        key = contract.key[0]
        records = self.context.lake.latest(table, select=[key, contract.event_time]).polars()
        found = gaps(records, key, contract.event_time)
        report.gaps = int(found["missing"].sum())
        newest = records[contract.event_time].max()
        report.newest = date(newest.year, newest.month, newest.day) if isinstance(newest, date) else None
        report.behind = dict(found.filter(pl.col("behind") > 0).select("key", "behind").iter_rows())

    def _judge(self, driver: Driver, budgets: Budgets, wave: Sequence[Stream]) -> None:
        """Turn what the vendor said into exit code and advice."""
        source = self.context.source.name
        for stream in wave:
            verdict = driver.stopped(stream)
            # A backfill that has spent its share has done what it could: what is left stands in the report.
            spent = self.turn is not None and budgets.left(stream.endpoint_class) == 0
            if verdict is not None and verdict.action is Action.STOP_SOURCE and not spent:
                kind = getattr(errors, verdict.error)
                raise kind(f"{source} refused to go on: {verdict.reason}", hint=ADVICE[kind.exit_code])
            table = table_name(source, stream.name)
            for name, count in self.context.report.stream(table).errors.items():
                code = getattr(errors, name).exit_code
                self.context.report.settle(
                    code,
                    f"{table}: {count} slices are not whole ({name})",
                    ADVICE[code],
                    # A quota is the whole source's.
                    subject=source if name == QuotaExhaustedError.__name__ else table,
                    error=name,
                )
