"""What a run tells while it works. Progress bars, logs and tests listen to the same events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, or is about to.

    Attributes:
        name: A dotted name from `EVENTS`.
        subject: The stream, table or step concerned.
        done, total: Progress within the subject, where it can be counted.
    """

    name: str
    subject: str = ""
    done: int = 0
    total: int = 0


EVENTS = (
    "run.started",
    "step.started",
    "step.finished",
    "step.failed",
    "plan.ready",
    "slice.fetched",
    "bronze.before_commit",
    "bronze.committed",
    "quarantine.committed",
    "silver.before_commit",
    "silver.committed",
    "replay.judged",
    "quarantine.resolved",
    "dbt.started",
    "dbt.finished",
    "gold.before_publish",
    "gold.published",
    "backup.copied",
    "backup.written",
    "restore.copied",
    "report.written",
)

Observer = Callable[[Event], None]


class StopRequested(Protocol):
    """Tells whether the run was asked to stop at its next boundary."""

    def __call__(self) -> bool:
        """Whether to stop."""
        ...


def ignore(event: Event) -> None:
    """The observer that does nothing."""
