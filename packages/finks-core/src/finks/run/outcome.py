"""What every report of a command holds: which run it was, how it ended, and what to do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field

from finks.errors import FinksError
from finks.run.identity import new_run_id

if TYPE_CHECKING:
    from finks.lake import Lake

GRAVITY = (0, 3, 4, 5, 2, 6, 1, 70, 143)
"""Exit codes from the lightest to the gravest: fine, not entitled, try again, bad data, configuration,
conflict, unknown, defect, stopped by a signal."""


class Outcome(BaseModel):
    """How one command on a lake ended."""

    run_id: str
    lake: str
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int = 0
    problems: list[str] = Field(default_factory=list)
    advice: list[str] = Field(default_factory=list, description="What to do next.")

    @classmethod
    def begin(cls, lake: Lake, clock: Callable[[], datetime]) -> Self:
        """A report that begins now, with a run id of its own."""
        now = clock()
        return cls(run_id=new_run_id(now, random.SystemRandom().getrandbits), lake=lake.place.address, started_at=now)

    def settle(self, exit_code: int, problem: str, advice: str = "") -> None:
        """Record a problem; the gravest exit code stands (see `GRAVITY`)."""
        if problem not in self.problems:
            self.problems.append(problem)
        if advice and advice not in self.advice:
            self.advice.append(advice)
        if GRAVITY.index(exit_code) > GRAVITY.index(self.exit_code):
            self.exit_code = exit_code

    @contextmanager
    def going_on(self, subject: str) -> Iterator[None]:
        """What fails in the block becomes a problem of the report; the command goes on after it."""
        from finks.lake.aws_errors import told  # pyiceberg takes a second to import

        try:
            with told():
                yield
        except FinksError as error:
            self.settle(error.exit_code, f"{subject}: {error}", error.hint or "")

    def finish(self, lake: Lake, clock: Callable[[], datetime], folder: str) -> None:
        """End the report and keep it in the lake, as `<folder>/<run id>.json`.

        It is whole also where the lake cannot be reached to keep it; then that is one more problem.
        """
        self.finished_at = clock()
        with self.going_on("The report was not kept in the lake"):
            lake.place.keep(f"{folder}/{self.run_id}.json", self.model_dump_json(indent=2))
