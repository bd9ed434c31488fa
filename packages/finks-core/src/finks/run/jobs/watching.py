"""Waiting for a job, so that none outlives the wish for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from finks.errors import DeadlineExceededError, RetryableError, StoppedError
from finks.run.jobs.model import Ending, RunningJob

FIRST_POLL: Final = 0.1
_GROWTH: Final = 1.5
_STEP: Final = 0.1
"""Seconds in which a stop is noticed, however rarely the job is looked at."""

logger = logging.getLogger(__name__)


def watch(job: RunningJob, *, stop: Callable[[], bool], timeout: float, poll: float) -> Ending:
    """Wait until a job has ended. However this call ends, the job has ended too, or was told to.

    Args:
        stop: Whether the run was asked to stop.
        timeout: Seconds until the job is ended.
        poll: The most seconds between two looks at it; the first ones follow each other faster.

    Raises:
        StoppedError: The run was asked to stop.
        DeadlineExceededError: The job took too long.
    """
    deadline = time.monotonic() + timeout
    wait = min(FIRST_POLL, poll)
    try:
        while (ending := _look(job)) is None:
            _pause(min(wait, max(deadline - time.monotonic(), 0)), stop)
            if stop():
                raise StoppedError("The job was ended, because the run was asked to stop.", hint=_AGAIN)
            if time.monotonic() >= deadline:
                raise DeadlineExceededError(
                    "The job took too long and was ended.", expected=f"at most {timeout:g} seconds"
                )
            wait = min(wait * _GROWTH, poll)
    except BaseException:
        job.stop()
        raise
    return ending


_AGAIN: Final = "Run the same command again."


def _look(job: RunningJob) -> Ending | None:
    """A look that fails says nothing of the job, which goes on; its time limit bounds how often that is borne."""
    try:
        return job.look()
    except RetryableError as error:
        logger.warning("The job cannot be looked at: %s", error)
        return None


def _pause(seconds: float, stop: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stop() and (left := until - time.monotonic()) > 0:
        time.sleep(min(_STEP, left))
