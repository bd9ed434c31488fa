"""The steps of a run as Prefect tasks: the same work, shown in the window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from finks.run.steps import Step, StepEnd
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from finks_flows.states import step_state


class PrefectSteps:
    """Runs each step as a task run. Retries are the connectors' affair, so a task has none."""

    async def run(self, step: Step, work: Callable[[], Awaitable[StepEnd]]) -> StepEnd:
        """See `finks.run.steps.Steps`."""
        ends: list[StepEnd] = []
        defects: list[BaseException] = []

        @task(
            name=step.kind,
            task_run_name=str(step).replace("{", "(").replace("}", ")"),
            tags=[step.kind],
            cache_policy=NO_CACHE,
            persist_result=False,
        )
        async def run_step() -> State[Any]:
            try:
                ends.append(await work())
            except BaseException as error:
                defects.append(error)
                raise
            return step_state(ends[0])

        # Prefect's overloads say that an async task is not awaited when its state is asked for; it is.
        state = await cast("Awaitable[State[Any]]", run_step(return_state=True))
        for defect in defects:
            raise defect
        if not ends:
            # Prefect's orchestration refused the task before it began.
            raise RuntimeError(f"{step} was not run: {state.name}: {state.message}")
        return ends[0]


__all__ = ["PrefectSteps"]
