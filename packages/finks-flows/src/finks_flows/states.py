"""How a run, or a step of it, ended: as a state that Prefect's window and automations understand."""

from __future__ import annotations

from typing import Any, Final

from finks.run.report import RunReport
from finks.run.steps import StepEnd
from prefect.client.schemas.objects import State, StateType

NAMES: Final = {
    0: "Completed",
    1: "Failed",
    2: "Misconfigured",
    3: "NotEntitled",
    4: "SourceUnavailable",
    5: "BadData",
    6: "LakeBusy",
    70: "Defect",
    143: "Stopped",
}
"""The name of the state by exit code (docs/commands.md)."""

_TYPES: Final = {0: StateType.COMPLETED, 6: StateType.CANCELLED, 143: StateType.CANCELLED}
"""Another run that holds the lake does the work, and a stop was asked for: neither is a failure."""


def state_of(exit_code: int, message: str = "") -> State[Any]:
    """The state of an exit code.

    Args:
        exit_code: As a command of finks ends with.
        message: Shown in the window; without secrets.
    """
    return State(
        type=_TYPES.get(exit_code, StateType.FAILED), name=NAMES.get(exit_code, "Failed"), message=message or None
    )


def step_state(end: StepEnd) -> State[Any]:
    """The state of a step."""
    return state_of(end.exit_code, end.reason)


def run_state(report: RunReport) -> State[Any]:
    """The state of a whole run; its message is the first problem, and how many there are more."""
    first, *others = report.problems or ["everything wanted is there"]
    more = f" (and {len(others)} more)" if others else ""
    return state_of(report.exit_code, f"run {report.run_id} for {report.logical_date}: {first}{more}")


def skipped(reason: str) -> State[Any]:
    """The state of a flow run that had nothing to do."""
    return State(type=StateType.COMPLETED, name="Skipped", message=reason)


__all__ = ["NAMES", "run_state", "skipped", "state_of", "step_state"]
