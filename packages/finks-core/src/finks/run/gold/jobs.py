"""Gold built in another process: a task on ECS that runs `finks gold --joins RUN_ID`, and what it tells."""

from __future__ import annotations

from pydantic import BaseModel

from finks.errors import JobFailedError
from finks.lake import Lake
from finks.lineage.model import Model, Source
from finks.observe import child_environment
from finks.run.events import StopRequested
from finks.run.jobs import Job, Launcher, watch
from finks.run.jobs.results import result_name
from finks.run.report import RunReport
from finks.run.settings import Settings, variable
from finks.run.steps import StepEnd

NAME = "gold"


class GoldResult(BaseModel):
    """What a job that built Gold leaves in the lake: its report, and what a report's JSON does not hold."""

    report: RunReport
    models: list[Model]
    sources: list[Source]


def keep_result(lake: Lake, report: RunReport) -> None:
    """Keep what this process did for the run that it is a part of."""
    result = GoldResult(report=report, models=report.gold.models, sources=report.gold.sources)
    lake.place.keep(result_name(report.run_id, NAME), result.model_dump_json(indent=2))


def gold_launcher(settings: Settings) -> Launcher | None:
    """What builds Gold elsewhere; None where this process does."""
    if settings.gold.runner == "process":
        return None
    from finks.run.jobs.ecs import EcsLauncher

    return EcsLauncher(settings.ecs)


def gold_job(lake: Lake, settings: Settings, report: RunReport) -> Job:
    """The job that builds this run's Gold. What it has to know comes as variables, so its image needs no settings."""
    gold = settings.gold.model_dump(include={"engine", "timeout"}) | {"runner": "process"}
    said = {("gold", name): value for name, value in gold.items()}
    said |= {("athena", name): value for name, value in settings.athena.model_dump(exclude_none=True).items()}
    said |= {("observe", name): value for name, value in _observed(settings).items()}
    variables = {variable(path): str(value) for path, value in said.items()}
    variables["FINKS_LAKE__PATH"] = lake.place.address
    arguments = ("gold", "--joins", report.run_id, "--date", report.logical_date.isoformat(), "--quiet")
    return Job(f"{report.run_id}-{NAME}", arguments, {**variables, **child_environment()})


def _observed(settings: Settings) -> dict[str, str]:
    """How the job is observed. A file of this machine is none of the job's."""
    observe = settings.observe
    told = {"environment": observe.environment, "logs": observe.logs}
    return {**told, "traces": observe.traces} if isinstance(observe.traces, str) else told


def build_elsewhere(
    lake: Lake, settings: Settings, report: RunReport, launcher: Launcher, stop: StopRequested
) -> StepEnd:
    """Have Gold built, tested and published by a job that shares this run's lease; the report says what it did.

    Returns:
        How it went, in the job's own words.

    Raises:
        FinksError: The job was not started, took too long, was stopped, or ended without its report.
    """
    running = launcher.start(gold_job(lake, settings, report))
    if running.log is not None:
        report.logs[NAME] = running.log
    try:
        ending = watch(running, stop=stop, timeout=settings.ecs.timeout, poll=settings.ecs.poll)
    finally:
        end = _adopt(lake, report)
    if end is None:
        raise ending.failure or JobFailedError("The job that builds Gold ended without a report.", where=NAME)
    return end


def _adopt(lake: Lake, report: RunReport) -> StepEnd | None:
    """Make what the job reported a part of this run's report; None where it did not report."""
    text = lake.place.kept(result_name(report.run_id, NAME))
    if text is None:
        return None
    result = GoldResult.model_validate_json(text)
    told = result.report
    told.gold.models, told.gold.sources = result.models, result.sources
    report.gold = told.gold
    for cause in told.causes:
        report.settle(cause.exit_code, cause.problem, cause.advice, subject=cause.subject, error=cause.error)
    return StepEnd(told.exit_code, "; ".join(told.problems))


__all__ = ["build_elsewhere", "gold_job", "gold_launcher", "keep_result"]
