"""What a job is, and what is required of a place that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from finks.errors import (
    ConfigurationError,
    ConflictError,
    DataError,
    EntitlementError,
    FinksError,
    InvariantError,
    JobFailedError,
    RetryableError,
    StoppedError,
)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. Nothing of it is secret.

    Attributes:
        name: Its own among all jobs of all runs, for example `<run id>-gold`: started a second time, because the
            answer to the first start was lost, it is the same job. At most 64 of letters, digits and `-`.
        arguments: Those of the program. Of a Glue job: names that begin with `--`, each followed by its value.
        environment: Variables that the program gets beside those of the place where it runs.
    """

    name: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended.

    Attributes:
        failure: Why it is not done; None when it is.
    """

    failure: FinksError | None = None


class RunningJob(Protocol):
    """A job that was started."""

    @property
    def log(self) -> str | None:
        """Where its log is to be read; None where this process has it."""
        ...

    def look(self) -> Ending | None:
        """How it ended; None while it is under way.

        Raises:
            RetryableError: This cannot be told at the moment.
        """
        ...

    def stop(self) -> None:
        """Have it end. One that has ended is left as it is."""
        ...


class Launcher(Protocol):
    """A place that runs jobs of one kind."""

    def start(self, job: Job) -> RunningJob:
        """Start a job, or find the one that was started under this name and is still under way.

        Raises:
            FinksError: It was not started.
        """
        ...


_CLASSES: Final[Mapping[int, type[FinksError]]] = {
    kind.exit_code: kind
    for kind in (
        ConfigurationError,
        EntitlementError,
        RetryableError,
        DataError,
        ConflictError,
        StoppedError,
        InvariantError,
    )
}


def ended(exit_code: int, *, where: str, reason: str | None = None, hint: str | None = None) -> Ending:
    """The ending that a program's exit code stands for (docs/commands.md).

    Args:
        where: The job.
        reason: What the place that ran it says, or the end of its output.
    """
    if exit_code == 0:
        return Ending()
    kind = _CLASSES.get(exit_code, JobFailedError)
    text = f"exit code {exit_code}" + (f": {reason}" if reason else "")
    return Ending(kind("A job of the run failed.", where=where, expected="exit code 0", got=text, hint=hint))
