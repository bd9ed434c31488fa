"""How a run, or a step of it, ended: as a state that Prefect's window and automations understand."""

from __future__ import annotations

from typing import Any

from finks.run.report import RunReport
from finks.run.steps import StepEnd
from prefect.client.schemas.objects import State, StateType

from finks_flows.endings import FAILED, NAMES, NO_FAILURE, SKIPPED, WELL


def state_of(exit_code: int, message: str = "") -> State[Any]:
    """The state of an exit code.

    Args:
        exit_code: As a command of finks ends with.
        message: Shown in the window; without secrets.
    """
    kind = StateType.COMPLETED if exit_code in WELL else StateType.FAILED
    if exit_code in NO_FAILURE:
        kind = StateType.CANCELLED
    return State(type=kind, name=NAMES.get(exit_code, FAILED[1]), message=message or None)


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
    return State(type=StateType.COMPLETED, name=SKIPPED, message=reason)


__all__ = ["run_state", "skipped", "state_of", "step_state"]
