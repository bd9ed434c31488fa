"""What `finks doctor` and maintenance look at. Each check is a plain function; none changes anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel

from finks.errors import FinksError
from finks.lake import Lake
from finks.lake.aws_errors import told
from finks.notify import build_notifiers
from finks.plugins import build_source
from finks.run.care.backups import list_backups
from finks.run.planning import selected_streams
from finks.run.schedule.cron import next_tick
from finks.run.schedule.sessions import sessions_of
from finks.run.settings import Settings

PARTS: Final = (("duckdb", "duckdb"), ("dbt", "gold"), ("pandas", "pandas"), ("boto3", "aws"))
"""A module, and the extra of finks-core that brings it."""

LOW_BYTES: Final = 2**30
LOW_SHARE: Final = 0.05
"""With less room than one of these, a disk is nearly full."""


class Check(BaseModel):
    """What one check found.

    Attributes:
        name: What was looked at.
        status: A warning is something to do soon; what failed stops runs.
        text: What was found, and what to do.
        exit_code: Of the class of what failed, else 0.
    """

    name: str
    status: Literal["ok", "warning", "failed"] = "ok"
    text: str
    exit_code: int = 0


def failed(name: str, error: FinksError) -> Check:
    """A check that ended with an error."""
    return Check(name=name, status="failed", text=str(error), exit_code=error.exit_code)


def installation() -> Iterator[Check]:
    """Whether the optional parts are installed. One that is absent is no fault."""
    for module, extra in PARTS:
        present = find_spec(module) is not None
        yield Check(name=module, text="installed" if present else f"absent; pip install 'finks-core[{extra}]'")


def sources(settings: Settings) -> Iterator[Check]:
    """Whether the settings of each source are right."""
    for name, values in settings.sources.items():
        try:
            source = build_source(name, values, settings.place)
            yield Check(name=f"source {name}", text=f"{source.version}, {len(selected_streams(source))} streams")
        except FinksError as error:
            yield failed(f"source {name}", error)
    if not settings.sources:
        yield Check(name="sources", text="none is configured; `finks connectors list` shows what is installed")


def schedule(settings: Settings, now: datetime) -> Check:
    """Whether the calendar is known, and when the next run is due."""
    wanted = settings.schedule
    try:
        day = sessions_of(wanted.calendar, wanted.tzinfo).latest(now)
    except FinksError as error:
        return failed("schedule", error)
    tick = next_tick(wanted.cron, wanted.tzinfo, now).astimezone(wanted.tzinfo)
    days = f"sessions of {wanted.calendar}" if wanted.calendar else "every day"
    return Check(name="schedule", text=f"{days}, the newest {day}; the next tick is at {tick:%Y-%m-%d %H:%M %Z}")


def alerts(settings: Settings) -> Check:
    """Whether the settings of each notifier are right."""
    try:
        names = ", ".join(build_notifiers(settings.alerts.notifiers, settings.place))
    except FinksError as error:
        return failed("alerts", error)
    return Check(name="alerts", text=f"go to {names}; `finks alerts test` sends one" if names else "nobody is told")


def lake_opens(settings: Settings) -> tuple[Lake | None, Check]:
    """The configured lake, None when it does not open."""
    try:
        with told():
            lake = Lake.open(settings.lake.place())
            tables = sum(map(len, lake.tables().values()))
    except FinksError as error:
        return None, failed("lake", error)
    return lake, Check(name="lake", text=f"{tables} tables in {settings.lake.path}")


def lake_checks(lake: Lake, settings: Settings, now: datetime) -> Iterator[Check]:
    """Everything about a lake that opens: its lock, its files, its backups, the room on its disk.

    Args:
        now: The time, aware.
    """
    for check in (orphan_lock, small_files):
        try:
            with told():
                yield check(lake)
        except FinksError as error:
            yield failed(check.__name__.replace("_", " "), error)
    try:
        with told():
            yield newest_backup(settings, now)
    except FinksError as error:
        yield failed("backup", error)
    for name, path in (("disk", lake.place.address), ("backup disk", str(settings.backup.target or ""))):
        if path and "://" not in path:
            yield disk_space(name, Path(path))


def orphan_lock(lake: Lake) -> Check:
    """Whether a run died without letting the lake go."""
    holder = lake.place.orphan()
    if holder is None:
        return Check(name="lock", text="nobody died holding the lake")
    return Check(
        name="lock",
        status="warning",
        text=f"`{holder.command}` (run {holder.run_id}, process {holder.pid} on {holder.host}) began at "
        f"{holder.started_at} and died; the lake is free, and the next run completes what it left",
    )


def small_files(lake: Lake) -> Check:
    """Whether tables have so many small files that reading them is slow."""
    due = lake.compaction_due()
    if not due:
        return Check(name="files", text="no table needs compaction")
    shown = ", ".join(f"{name} ({files})" for name, files in sorted(due.items(), key=lambda item: -item[1])[:5])
    return Check(
        name="files",
        status="warning",
        text=f"{len(due)} tables have small files to merge: {shown}; run `finks maintain`",
    )


def newest_backup(settings: Settings, now: datetime) -> Check:
    """Whether there is a backup, and how old the newest one is."""
    if settings.backup.target is None:
        return Check(name="backup", status="warning", text="none is configured; set [backup] target")
    known = list_backups(settings.backup.target)
    if not known:
        return Check(name="backup", status="warning", text="there is none yet; run `finks backup`")
    age = now - max(known.values())
    old = age > timedelta(hours=settings.backup.max_age_hours)
    text = f"the newest of {len(known)} is {age.total_seconds() / 3600:.1f} hours old"
    return Check(name="backup", status="warning" if old else "ok", text=f"{text}; run `finks backup`" if old else text)


def disk_space(name: str, path: Path) -> Check:
    """Whether the disk of a directory, or of where it would be made, has room."""
    there = next(folder for folder in (path.resolve(), *path.resolve().parents) if folder.exists())
    facts = shutil.disk_usage(there)
    low = facts.free < LOW_BYTES or facts.free < LOW_SHARE * facts.total
    text = f"{facts.free / 2**30:.1f} of {facts.total / 2**30:.1f} GiB free at {there}"
    return Check(name=name, status="warning" if low else "ok", text=f"{text}; make room" if low else text)
