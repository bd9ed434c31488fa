"""The last stage of a run: build Gold, and publish it when every test passed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from finks.errors import ConfigurationError, FinksError, QualityError, StoppedError
from finks.lake import Lake
from finks.lake.aws_errors import told
from finks.run.events import Event, StopRequested
from finks.run.gold.build import dbt_build, project_directory, source_tables
from finks.run.gold.engines import gold_engine
from finks.run.gold.jobs import build_elsewhere
from finks.run.jobs import Launcher
from finks.run.jobs.waiting import in_thread
from finks.run.report import HELD_BACK, RunReport, timed
from finks.run.settings import Settings
from finks.run.sourcing import ADVICE
from finks.run.steps import Course, Step, StepEnd


@dataclass(frozen=True, slots=True)
class GoldRun:
    """Builds Gold and publishes it. Whatever fails leaves the served release and says so in the report.

    Args:
        lake: The lake.
        settings: The settings.
        report: Receives what happened.
        course: Runs the steps.
        stop: Whether the run was asked to stop; a build is then ended.
        launcher: Builds and publishes Gold as a job elsewhere; this process does when None.
    """

    lake: Lake
    settings: Settings
    report: RunReport
    course: Course
    stop: StopRequested
    launcher: Launcher | None = None

    async def run(self) -> None:
        """Build and publish, unless Gold is held back."""
        if self.report.gold.status == HELD_BACK:
            return
        try:
            with told(), timed(self.report, "gold"):
                await (self._here() if self.launcher is None else self._elsewhere(self.launcher))
        except StoppedError as error:
            self.report.settle(error.exit_code, f"Gold was not published: {error.message}", error.hint or "")
        except FinksError as error:
            self.report.gold.status = "failed"
            self.report.gold.failures = self.report.gold.failures or [str(error)]
            advice = error.hint or ADVICE[error.exit_code]
            self.report.settle(
                error.exit_code,
                f"Gold was not published: {error.message}",
                advice,
                subject="gold",
                error=type(error).__name__,
            )

    async def _here(self) -> None:
        marts: dict[str, pa.Table] = {}

        async def build() -> None:
            marts.update(await in_thread(partial(self._build, scratch), self.stop))

        with self.lake.place.scratch(self.report.run_id) as scratch:
            await self.course.run(Step("build", "gold"), build)
            await self.course.run(Step("publish", "gold"), lambda: asyncio.to_thread(self._publish, marts))

    async def _elsewhere(self, launcher: Launcher) -> None:
        """One step: the job builds, tests and publishes."""
        ends: list[StepEnd] = []

        async def build() -> None:
            work = partial(build_elsewhere, self.lake, self.settings, self.report, launcher)
            ends.append(await in_thread(work, self.stop))

        await self.course.run(Step("build", "gold"), build, lambda: ends[0])

    def _build(self, scratch: Path, stop: StopRequested) -> dict[str, pa.Table]:
        """The marts, after every test passed."""
        project = project_directory(self.settings.gold.project)
        missing = sorted(source_tables(project) - set(self.lake.tables()["silver"]))
        if missing:
            raise ConfigurationError(
                f"Gold is made of tables that no configured source delivers: {', '.join(missing)}.",
                where="[sources]",
                hint="Configure the sources and streams that deliver them, or set gold.enabled = false.",
            )
        engine = gold_engine(self.lake, self.settings)
        self.course.observer(Event("dbt.started", str(project)))
        build = dbt_build(
            project,
            engine,
            scratch,
            logical_date=self.report.logical_date,
            as_of=None,
            timeout=self.settings.gold.timeout,
            stop=stop,
        )
        self.course.observer(Event("dbt.finished", str(project)))
        self.report.gold.tests = build.tests
        self.report.gold.failures = list(build.failures)
        self.report.gold.scanned_bytes = build.scanned_bytes
        self.report.gold.models, self.report.gold.sources = build.models, build.sources
        if build.failures:
            raise QualityError(f"{len(build.failures)} dbt nodes failed.", got=build.failures[0])
        return {mart: engine.read(scratch, *relation) for mart, relation in build.marts.items()}

    def _publish(self, marts: Mapping[str, pa.Table]) -> None:
        self.course.observer(Event("gold.before_publish"))
        release = self.lake.publish(marts, run_id=self.report.run_id)
        self.report.gold.tables = dict(release.rows)
        self.report.gold.status = "unchanged" if release.unchanged else "published"
        self.course.observer(Event("gold.published", str(release.release_id)))
