"""One source's part of a run: for each wave of streams plan, fetch, refine, and judge what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from finks import errors
from finks.run.events import Event, StopRequested
from finks.run.gaps import gaps
from finks.run.ingest import IngestContext, ingest
from finks.run.plan import Plan, waves
from finks.run.planning import plan_source, selected_streams, spent_today, table_name
from finks.run.refine import refine_stream
from finks.run.report import HELD_BACK, timed
from finks.run.settings import RunSettings
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
        refine: Whether Silver and quarantine are brought up to date too. Without it the plan goes by the Silver that
            there is: what a new split invalidates is fetched in a run after the next refinement.
    """

    context: IngestContext
    settings: RunSettings
    refetch: frozenset[str]
    stop: StopRequested
    clock: Callable[[], datetime]
    refine: bool = True

    async def run(self) -> None:
        """Run every wave.

        Raises:
            FinksError: The source refused to go on.
        """
        source = self.context.source
        budgets = Budgets(source.rates(), self.clock, spent_today=spent_today(self.context.lake, source, self.clock()))
        driver = Driver(source, redactor=self.context.redactor, clock=self.clock, budgets=budgets)
        streams = selected_streams(source)
        try:
            # What an interrupted run had fetched is part of what the plan has to know.
            if self.refine:
                with timed(self.context.report, "refine"):
                    for stream in streams:
                        self._refine(stream)
            for wave in waves(streams):
                await self._wave(driver, wave)
                if self.stop():
                    return
        finally:
            await driver.aclose()

    async def _wave(self, driver: Driver, wave: Sequence[Stream]) -> None:
        context, report = self.context, self.context.report
        with timed(report, "plan"):
            plan = plan_source(context.lake, context.source, wave, context.logical_date, self.refetch)
        context.observer(Event("plan.ready", context.source.name, total=plan.calls))
        report.planned_calls += plan.calls
        for name, count in plan.settled.items():
            report.stream(table_name(context.source.name, name)).settled = count
        self._repeat_refusals(plan)
        with timed(report, "ingest"):
            await ingest(
                context,
                driver,
                {stream.name: stream for stream in wave},
                plan.slices,
                concurrency=self.settings.concurrency,
                batch_bytes=self.settings.batch_bytes,
                batch_slices=self.settings.batch_slices,
                stop=self.stop,
            )
        if self.stop():
            return
        if self.refine:
            with timed(report, "refine"):
                for stream in wave:
                    self._refine(stream)
                    self._judge_rejects(stream)
                    self._find_gaps(stream)
        self._judge(driver, wave)

    def _repeat_refusals(self, plan: Plan) -> None:
        """What the vendor refused earlier on this date is still missing, although it is not asked again."""
        for name, keys in plan.refused.items():
            if keys:
                table = table_name(self.context.source.name, name)
                shown = ", ".join(keys[:10])
                self.context.report.settle(3, f"{table}: refused today already: {shown}", ADVICE[3])

    def _refine(self, stream: Stream) -> None:
        context = self.context
        table = table_name(context.source.name, stream.name)
        report = context.report.stream(table)
        refine_stream(context.lake, context.source.name, stream, table, context.run_id, report, context.observer)

    def _judge_rejects(self, stream: Stream) -> None:
        """What was rejected is missing until it comes right, so Gold waits in later runs too."""
        report = self.context.report
        counts = report.stream(table_name(self.context.source.name, stream.name))
        too_many = counts.share_rejected > self.settings.max_rejected
        if too_many:
            report.gold.status = HELD_BACK
        if too_many or counts.malformed:
            report.settle(
                5,
                f"{counts.table}: {counts.share_rejected:.1%} of the newest records were rejected, "
                f"{counts.malformed} whole bodies",
                f"Look at them: finks quarantine show {counts.table}",
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
        report.behind = found.filter(pl.col("behind") > 0)["key"].to_list()

    def _judge(self, driver: Driver, wave: Sequence[Stream]) -> None:
        """Turn what the vendor said into exit code and advice."""
        source = self.context.source.name
        for stream in wave:
            verdict = driver.stopped(stream)
            if verdict is not None and verdict.action is Action.STOP_SOURCE:
                kind = getattr(errors, verdict.error)
                raise kind(f"{source} refused to go on: {verdict.reason}", hint=ADVICE[kind.exit_code])
            table = table_name(source, stream.name)
            for name, count in self.context.report.stream(table).errors.items():
                code = getattr(errors, name).exit_code
                self.context.report.settle(code, f"{table}: {count} slices are not whole ({name})", ADVICE[code])
