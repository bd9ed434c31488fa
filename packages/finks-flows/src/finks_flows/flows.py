"""The flows. Each is a thin wrapper over what `finks` does without Prefect."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from finks.run.runner import Runner, RunOptions
from finks.run.settings import load_settings
from prefect import flow


@flow(name="nightly")
async def nightly(config: Path | None = None, logical_date: date | None = None) -> int:
    """The whole path once.

    Args:
        config: The settings file, or its directory; the working directory when None.
        logical_date: The date that the run is for; the setting, else today (UTC), when None.

    Returns:
        The run's exit code.
    """
    runner = Runner(load_settings(config), RunOptions(logical_date=logical_date, command="finks nightly"))
    report = await asyncio.to_thread(runner.run)
    return report.exit_code
