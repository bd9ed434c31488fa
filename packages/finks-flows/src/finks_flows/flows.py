"""The flows. Each is a thin wrapper over what `finks` does without Prefect.

What they run is assembled from `finks.toml`: an installed plugin that is configured there appears in the flow.
"""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

from finks.errors import FinksError
from finks.run.runner import Runner, RunOptions
from finks.run.settings import load_settings
from prefect import flow
from prefect.client.schemas.objects import State

from finks_flows.artifacts import Progress, show_report
from finks_flows.states import run_state, state_of
from finks_flows.steps import PrefectSteps


@flow(name="finks-nightly", persist_result=False)
async def nightly(
    config: Path | None = None, logical_date: date | None = None, refetch: list[str] | None = None
) -> State[Any]:
    """The whole path once: plan, ingest, refine, build and test Gold, publish it.

    Args:
        config: The settings file, or its directory; the working directory when None.
        logical_date: The date that the run is for; the setting, else today (UTC), when None.
        refetch: Streams (`daily_bars`) or keys of a stream (`daily_bars/AAPL`) to fetch again.
    """
    return await run_flow(config, RunOptions(logical_date, frozenset(refetch or ()), command="the nightly flow"))


async def run_flow(config: Path | None, options: RunOptions) -> State[Any]:
    """Run once with every step as a task, and show the report; what cannot start is told in the state."""
    progress = Progress(asyncio.get_running_loop())
    try:
        runner = Runner(load_settings(config), options, progress, steps=PrefectSteps())
        report = await runner.run_async()
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    await progress.end()
    await show_report(report)
    return run_state(report)
