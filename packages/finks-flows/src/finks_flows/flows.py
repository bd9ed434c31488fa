"""The flows. Each is a thin wrapper over what `finks` does without Prefect.

What they run is assembled from `finks.toml`: an installed plugin that is configured there appears in the flow.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from finks.errors import FinksError
from finks.lake import Lake
from finks.run.backfill import Backfill
from finks.run.care.maintenance import MaintenanceReport, maintain, render
from finks.run.care.replay import ReplayReport
from finks.run.care.replay import replay as replay_rejects
from finks.run.listeners.alerting import cared, listener, refusals
from finks.run.listeners.chosen import listeners
from finks.run.listeners.observing import configure, log_event
from finks.run.runner import Runner, RunOptions, utc_now
from finks.run.schedule.due import Skip, due_in_lake
from finks.run.settings import Settings, load_settings
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext

from finks_flows.artifacts import Progress, show_report, show_text
from finks_flows.link import run_link
from finks_flows.states import run_state, skipped, state_of
from finks_flows.steps import PrefectSteps


@flow(name="nightly", persist_result=False)
async def nightly(
    config: Path | None = None, logical_date: date | None = None, refetch: list[str] | None = None
) -> State[Any]:
    """The whole path once: plan, ingest, refine, build and test Gold, publish it.

    A run that the schedule started takes its day from the exchange calendar and does nothing when no run is due.

    Args:
        config: The settings file, or its directory; the working directory when None.
        logical_date: The date that the run is for; when None the setting, else what schedule and calendar say.
        refetch: Streams (`daily_bars`) or keys of a stream (`daily_bars/AAPL`) to fetch again.
    """
    try:
        settings = load_settings(config)
        options = RunOptions(logical_date, frozenset(refetch or ()), command="the flow nightly")
        if (tick := _tick()) is not None and (logical_date or settings.run.logical_date) is None:
            with refusals(settings, utc_now, run_link()):
                found = await asyncio.to_thread(due_in_lake, settings, tick)
            if isinstance(found, Skip):
                return skipped(found.reason)
            options = RunOptions(found.logical_date, options.refetch, command=options.command, missed=found.missed)
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    return await _run(settings, options)


@flow(name="backfill", persist_result=False)
async def backfill(
    first: date,
    last: date,
    config: Path | None = None,
    streams: list[str] | None = None,
    keys: list[str] | None = None,
    gold: bool = False,
) -> State[Any]:
    """Fetch earlier days, in what the nightly run leaves of the quota. The same flow again goes on where it ended.

    Args:
        first: The first day.
        last: The last day.
        config: The settings file, or its directory; the working directory when None.
        streams: Only these streams; all that have a history when None.
        keys: Only these keys; all when None.
        gold: Build and publish Gold too; else the nightly run does.
    """
    wanted = Backfill(first, last, frozenset(streams or ()), frozenset(keys or ()))
    try:
        settings = load_settings(config)
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    return await _run(settings, RunOptions(gold=gold, command="the flow backfill", backfill=wanted))


@flow(name="replay", persist_result=False)
async def replay(config: Path | None = None, table: str | None = None, rule: str | None = None) -> State[Any]:
    """Judge what was rejected by the contract of now, and free Gold of what came right.

    Args:
        config: The settings file, or its directory; the working directory when None.
        table: The table of one stream, for example `fmp_daily_bars`; all when None.
        rule: Only records that broke this rule; any when None.
    """
    try:
        settings = load_settings(config)

        def work() -> ReplayReport:
            lake = Lake.open(settings.lake.place())
            return replay_rejects(lake, settings, utc_now, table=table, rule=rule, command="the flow replay")

        report = await asyncio.to_thread(cared, settings, "replay", work, utc_now, run_link())
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    await show_text("finks-replay", "Replay report", report.model_dump_json(indent=2))
    return state_of(report.exit_code, "; ".join(report.problems))


@flow(name="maintenance", persist_result=False)
async def maintenance(config: Path | None = None) -> State[Any]:
    """Merge small files, forget what nothing needs, back up, and check.

    Args:
        config: The settings file, or its directory; the working directory when None.
    """
    try:
        settings = load_settings(config)

        def work() -> MaintenanceReport:
            return maintain(Lake.open(settings.lake.place()), settings, utc_now, command="the flow maintenance")

        report = await asyncio.to_thread(cared, settings, "maintenance", work, utc_now, run_link())
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    await show_text("finks-maintenance", "Maintenance report", render(report))
    return state_of(report.exit_code, "; ".join(report.problems))


@flow(name="check_alerts", persist_result=False)
async def check_alerts(config: Path | None = None) -> State[Any]:
    """Look for a run that never ended and for runs that never began, and tell.

    Args:
        config: The settings file, or its directory; the working directory when None.
    """
    try:
        settings = load_settings(config)
        place = settings.lake.place()
        if await asyncio.to_thread(place.is_free):
            return skipped("No run has made the lake yet.")
        found = await asyncio.to_thread(listener(settings).check, place, utc_now())
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    return state_of(0, "; ".join(f"{alert.kind} of {alert.subject}: {alert.reason}" for alert in found))


async def _run(settings: Settings, options: RunOptions) -> State[Any]:
    """Run once with every step as a task, and show the report; what cannot start is told in the state."""
    progress = Progress(asyncio.get_running_loop(), log_event)
    try:
        configure(settings.observe)
        runner = Runner(
            settings, options, progress, steps=PrefectSteps(), listeners=listeners(settings, link=run_link())
        )
        report = await runner.run_async()
    except FinksError as error:
        return state_of(error.exit_code, str(error))
    finally:
        await progress.end()
    await show_report(report)
    return run_state(report)


def _tick() -> datetime | None:
    """When this run was due, if the schedule started it and not a person."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or not run.auto_scheduled or run.expected_start_time is None:
        return None
    # A run that waited for the one before it asks for now: the same answer holds until the next session ends.
    return max(run.expected_start_time.astimezone(UTC), utc_now())
