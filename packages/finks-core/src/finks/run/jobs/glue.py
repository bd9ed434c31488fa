"""Jobs as runs of an AWS Glue job: started once, looked at, stopped.

`StartJobRun` has no token that makes it idempotent (AWS Glue Web API reference), so boto3 must not try it again by
itself: each attempt here looks first whether the job is under way with the same arguments.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from finks.errors import (
    ConfigurationError,
    ConflictError,
    DeadlineExceededError,
    FinksError,
    JobFailedError,
    RetryableError,
)
from finks.lake.aws import aws
from finks.lake.aws_errors import told
from finks.run.jobs.links import log_stream
from finks.run.jobs.model import Ending, Job

ATTEMPTS: Final = 6
FIRST_WAIT: Final = 1.0
"""Seconds after the first attempt that failed; doubled each time."""

_ACTIVE: Final = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
_NEWEST: Final = 200
_LOGS: Final = "/aws-glue/jobs"

logger = logging.getLogger(__name__)


class GlueLauncher:
    """Runs jobs by a Glue job that exists. A job's variables do not reach it: Glue passes arguments alone.

    Args:
        name: The Glue job's name.
        sleep: Waits some seconds between two attempts.
    """

    def __init__(self, name: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = name
        self._sleep = sleep

    def start(self, job: Job) -> GlueRun:
        """See `Launcher`.

        Raises:
            ConfigurationError: There is no such Glue job, or it does not take these arguments.
            ConflictError: As many runs of it as it allows are under way.
            RetryableError: AWS did not do it, although it was asked several times.
        """
        arguments = dict(zip(job.arguments[::2], job.arguments[1::2], strict=True))
        failure: FinksError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(FIRST_WAIT * 2 ** (attempt - 1))
            try:
                with told():
                    found = self._under_way(arguments) or self._start(arguments)
                return GlueRun(self._name, found)
            except (RetryableError, ConflictError) as error:
                failure = error
        assert failure is not None
        raise failure

    def _start(self, arguments: Mapping[str, str]) -> str:
        client = aws().client("glue", attempts=1)
        try:
            return client.start_job_run(JobName=self._name, Arguments=dict(arguments))["JobRunId"]
        except client.exceptions.ConcurrentRunsExceededException as error:
            raise ConflictError(
                "The Glue job allows no further run at the moment.",
                where=f"Glue job {self._name}",
                got=str(error),
                hint="Let its other runs end, or raise its MaxConcurrentRuns.",
            ) from None
        except (client.exceptions.EntityNotFoundException, client.exceptions.InvalidInputException) as error:
            raise ConfigurationError(
                "The Glue job cannot be started.", where=f"refine.glue_job = {self._name}", got=str(error)
            ) from None

    def _under_way(self, arguments: Mapping[str, str]) -> str | None:
        """The run that an earlier attempt started, whose answer was lost."""
        client = aws().client("glue")
        try:
            runs = client.get_job_runs(JobName=self._name, MaxResults=_NEWEST)["JobRuns"]
        except client.exceptions.EntityNotFoundException:
            return None
        ours = (run for run in runs if arguments.items() <= run.get("Arguments", {}).items())
        return next((run["Id"] for run in ours if run["JobRunState"] in _ACTIVE), None)


class GlueRun:
    """One run of a Glue job.

    Args:
        name: The Glue job's name.
        run: The run's id.
    """

    def __init__(self, name: str, run: str) -> None:
        self._name = name
        self._run = run

    @property
    def log(self) -> str:
        """See `RunningJob`."""
        return log_stream(aws().region, f"{_LOGS}/error", self._run)

    def look(self) -> Ending | None:
        """See `RunningJob`."""
        with told():
            run = aws().client("glue").get_job_run(JobName=self._name, RunId=self._run)["JobRun"]
        return run_ending(run, self.log)

    def stop(self) -> None:
        """See `RunningJob`. It does not wait: a run that goes on commits nothing without its lease."""
        client = aws().client("glue")
        try:
            with told():
                answer = client.batch_stop_job_run(JobName=self._name, JobRunIds=[self._run])
        except FinksError as error:
            logger.warning("The Glue job's run %s was not stopped: %s", self._run, error)
        else:
            for failure in answer.get("Errors", []):
                logger.warning("The Glue job's run %s was not stopped: %s", self._run, failure["ErrorDetail"])


def run_ending(run: Mapping[str, Any], log: str) -> Ending | None:
    """How a run ended, by what `GetJobRun` says of it; None while it is under way. Pure.

    FAILED and ERROR are the script's or Glue's own, STOPPED is somebody's wish, EXPIRED waited too long for workers
    (AWS Glue developer guide, job run statuses).
    """
    state = run["JobRunState"]
    if state in _ACTIVE:
        return None
    if state == "SUCCEEDED":
        return Ending()
    kind = DeadlineExceededError if state == "TIMEOUT" else JobFailedError
    return Ending(
        kind(
            "A run of the Glue job did not succeed.",
            where=f"Glue job {run.get('JobName')}, run {run.get('Id')}",
            expected="SUCCEEDED",
            got=": ".join(part for part in (state, run.get("ErrorMessage")) if part),
            hint=f"Its log: {log}",
        )
    )
