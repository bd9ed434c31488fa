"""The steps of a run, and who runs them: this process, one after the other, or a scheduler that shows each.

What a step does is a plain coroutine. `Steps` only decides how it is called, so a run is the same
whoever runs it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from finks.errors import FinksError
from finks.observe import span
from finks.run.events import Event, Observer

Kind = Literal["plan", "ingest", "refine", "build", "publish"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes:
        kind: `plan`, `ingest`, `refine`, `build` (dbt) or `publish` (the release).
        subject: The source or table concerned; `gold` for the last two.
    """

    kind: Kind
    subject: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step ended.

    Attributes:
        exit_code: 0, or that of the class of what went wrong (see `finks.errors`).
        reason: What went wrong, without secrets.
    """

    exit_code: int = 0
    reason: str = ""


WELL: Final = StepEnd()


class Steps(Protocol):
    """Runs the steps of a run."""

    async def run(self, step: Step, work: Callable[[], Awaitable[StepEnd]]) -> StepEnd:
        """Do the work of a step, once, and return how it ended. What it raises is a defect, and passes."""
        ...


class LocalSteps:
    """Runs each step in place."""

    async def run(self, step: Step, work: Callable[[], Awaitable[StepEnd]]) -> StepEnd:
        """See `Steps`."""
        return await work()


@dataclass(frozen=True, slots=True)
class Course:
    """Runs steps, each in a span of its own, and tells the observer of each.

    Args:
        steps: Who runs them.
        observer: Is told when a step starts, and how it ended.
        redact: Hides secrets in what is told.
    """

    steps: Steps
    observer: Observer
    redact: Callable[[str], str] = field(default=str)

    async def run(
        self, step: Step, work: Callable[[], Awaitable[None]], judge: Callable[[], StepEnd] = lambda: WELL
    ) -> None:
        """Run one step.

        Args:
            step: Which one.
            work: What it does.
            judge: After the work: how it went, where that is told by what it found and not by an error.

        Raises:
            FinksError: What the work raised.
        """
        failures: list[FinksError] = []

        async def observed() -> StepEnd:
            with span(str(step), stage=step.kind, subject=step.subject) as opened:
                self.observer(Event("step.started", str(step)))
                end = StepEnd(70, "ended by a defect")
                try:
                    await work()
                    end = judge()
                except FinksError as error:
                    failures.append(error)
                    end = StepEnd(error.exit_code, self.redact(error.message))
                finally:
                    self.observer(Event("step.failed" if end.exit_code else "step.finished", str(step)))
                opened.set(exit_code=end.exit_code)
                if end.exit_code:
                    opened.fail(end.reason)
            return end

        await self.steps.run(step, observed)
        for failure in failures:
            raise failure


__all__ = ["WELL", "Course", "Kind", "LocalSteps", "Step", "StepEnd", "Steps"]
