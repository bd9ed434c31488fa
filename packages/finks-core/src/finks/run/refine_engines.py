"""Where Bronze becomes Silver: in this process, or in a Spark job that shares the run's lease."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from finks.errors import ConfigurationError, JobFailedError
from finks.observe import child_environment
from finks.observe.correlation import TRACE_VARIABLE
from finks.redact import MASK, SECRET_PARAMETERS
from finks.run.events import Event, StopRequested
from finks.run.ingest import IngestContext
from finks.run.jobs import Job, Launcher, ProcessLauncher, RunningJob, watch
from finks.run.jobs.results import RefineResult, result_name
from finks.run.planning import table_name
from finks.run.refine import refine_stream
from finks.run.sections import RefineSettings
from finks.source.model import Stream
from finks.source.protocol import BaseSource
from finks.transform.refined import Refined

COUNTS = ("read", "good", "rejected", "duplicates", "new", "changed", "same", "retracted", "suspicious")


class RefineEngine(Protocol):
    """Refines the streams of a wave."""

    def refine(self, context: IngestContext, streams: Sequence[Stream], stop: StopRequested) -> None:
        """Bring the streams' Silver and quarantine tables up to the newest Bronze snapshots.

        Args:
            context: The run, which holds the lake, and the source. Its report receives the counts.
            stop: Whether the run was asked to stop.

        Raises:
            FinksError: A stream was not refined; what was committed before stays.
        """
        ...


class InProcess:
    """Refines here, one stream after the other."""

    def refine(self, context: IngestContext, streams: Sequence[Stream], stop: StopRequested) -> None:
        """See `RefineEngine`."""
        for stream in streams:
            table = table_name(context.source.name, stream.name)
            counts = context.report.stream(table)
            refine_stream(context.lake, context.source.name, stream, table, context.run_id, counts, context.observer)


class BySpark:
    """Refines in a Spark job, one for all streams of a wave that have anything new.

    The report gets all that an in-process refinement gives it but `changes`, the text of restated records.

    Args:
        launcher: Runs `finks.run.spark` with the job's arguments.
        settings: Time limit and pace.
    """

    def __init__(self, launcher: Launcher, settings: RefineSettings) -> None:
        self._launcher = launcher
        self._settings = settings
        self._numbers = itertools.count(1)

    def refine(self, context: IngestContext, streams: Sequence[Stream], stop: StopRequested) -> None:
        """See `RefineEngine`.

        Raises:
            StoppedError: The run was asked to stop, and the job was ended.
            DeadlineExceededError: The job took too long.
            JobFailedError: It ended without a result.
        """
        waiting = list(_waiting(context, streams))
        if waiting:
            name = f"refine-{next(self._numbers)}"
            running = self._launcher.start(refine_job(context, waiting, name))
            if running.log is not None:
                context.report.logs[name] = running.log
            try:
                self._watch(context, running, name, stop)
            finally:
                # What was refined before a failure stays, and counts.
                _take_over(context, _result(context, name) or RefineResult())
        for stream in streams:
            table = table_name(context.source.name, stream.name)
            silver = context.lake.silver(table, stream.contract.compiled(), context.source.name)
            context.report.stream(table).share_rejected = silver.share_rejected()

    def _watch(self, context: IngestContext, running: RunningJob, name: str, stop: StopRequested) -> None:
        ending = watch(running, stop=stop, timeout=self._settings.timeout, poll=self._settings.poll)
        result = _result(context, name)
        if result is not None and result.failure is not None:
            raise result.failure.error()
        if ending.failure is not None:
            raise ending.failure
        if result is None:
            raise JobFailedError("The Spark job ended without a result.", where=name)


def refine_engine(settings: RefineSettings) -> RefineEngine:
    """The engine that the settings choose.

    Raises:
        ConfigurationError: A setting is missing.
    """
    if settings.engine == "process":
        return InProcess()
    if settings.engine == "spark":
        command = settings.command or (sys.executable, "-m", "finks.run.spark")
        return BySpark(ProcessLauncher(command), settings)
    if settings.glue_job is None:
        raise ConfigurationError(
            "The name of the Glue job is missing.", where="refine.glue_job", hint="docs/engines.md says how it is made."
        )
    from finks.run.jobs.glue import GlueLauncher

    return BySpark(GlueLauncher(settings.glue_job), settings)


def refine_job(context: IngestContext, streams: Sequence[Stream], name: str) -> Job:
    """The job that refines these streams. Nothing in it is secret: the vendor is not called."""
    variables = child_environment()
    trace = variables.get(TRACE_VARIABLE)
    arguments = (
        "--lake", context.lake.place.address,
        "--source", context.source.name,
        "--settings", json.dumps(harmless(context.source), sort_keys=True),
        "--streams", ",".join(stream.name for stream in streams),
        "--joins", context.run_id,
        "--report", result_name(context.run_id, name),
        *(("--traceparent", trace) if trace else ()),
    )  # fmt: skip
    return Job(f"{context.run_id}-{name}", arguments, variables)


def harmless(source: BaseSource) -> dict[str, Any]:
    """The settings that a source was made with, each secret replaced by a text that says so."""
    return _masked(source.config.model_dump(mode="json", exclude_unset=True))


def _masked(values: dict[str, Any]) -> dict[str, Any]:
    """Secrets of pydantic's own type are masked by it; what is only called a secret is masked here."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found[name] = _masked(value)
        elif isinstance(value, str) and any(word in name.lower() for word in SECRET_PARAMETERS):
            found[name] = MASK
        else:
            found[name] = value
    return found


def _waiting(context: IngestContext, streams: Sequence[Stream]) -> Iterator[Stream]:
    """The streams whose Silver has not consumed all of Bronze: starting Spark for nothing takes a minute."""
    for stream in streams:
        table = table_name(context.source.name, stream.name)
        consumed = context.lake.silver(table, stream.contract.compiled(), context.source.name).bookmark()
        newest, _ = context.lake.bronze(table).position(consumed)
        if newest is not None and newest != consumed:
            yield stream


def _result(context: IngestContext, name: str) -> RefineResult | None:
    text = context.lake.place.kept(result_name(context.run_id, name))
    return None if text is None else RefineResult.model_validate_json(text)


def _take_over(context: IngestContext, result: RefineResult) -> None:
    for counts in result.streams:
        _count(context, counts)
        if counts.quarantined:
            context.observer(Event("quarantine.committed", counts.table, counts.quarantined))
        context.observer(Event("silver.committed", counts.table, counts.new + counts.changed))


def _count(context: IngestContext, counts: Refined) -> None:
    report = context.report.stream(counts.table)
    for name in COUNTS:
        setattr(report, name, getattr(report, name) + getattr(counts, name))
    for rule, count in counts.rules.items():
        report.rules[rule] = report.rules.get(rule, 0) + count
    report.malformed = report.rules.get("malformed_body", 0)


__all__ = ["BySpark", "InProcess", "RefineEngine", "harmless", "refine_engine", "refine_job"]
