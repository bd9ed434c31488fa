"""A short run and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from finks.errors import FinksError
from finks.run.runner import Runner, RunOptions
from finks.run.settings import Settings


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it says."""

    code: int
    text: str


def run_once(settings: Settings, **options) -> Ended:
    """Run to Silver, as `finks run --no-gold` does."""
    try:
        report = Runner(settings, RunOptions(gold=False, **options)).run()
    except FinksError as error:
        return Ended(error.exit_code, str(error))
    return Ended(report.exit_code, "\n".join(report.problems))
