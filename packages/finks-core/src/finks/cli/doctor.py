"""`finks doctor`: whether the installation is whole, the settings are right and the lake opens."""

from __future__ import annotations

from importlib.util import find_spec

import typer
from rich.console import Console

from finks.cli.runs import ConfigOption
from finks.errors import FinksError
from finks.lake import Lake
from finks.lake.lake import utc_now
from finks.notify import build_notifiers
from finks.plugins import build_source
from finks.run.cron import next_tick
from finks.run.planning import selected_streams
from finks.run.sessions import sessions_of
from finks.run.settings import Settings, load_settings

PARTS = (("duckdb", "duckdb"), ("dbt", "gold"), ("pandas", "pandas"), ("boto3", "aws"))
"""A module, and the extra of finks-core that brings it."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("doctor")(doctor)


def doctor(config: ConfigOption = None) -> None:
    """Check the installation, the settings and the lake; say what to do about each finding."""
    console = Console(highlight=False, soft_wrap=True)
    for module, extra in PARTS:
        present = find_spec(module) is not None
        console.print(f"{module}: " + ("installed" if present else f"absent; pip install 'finks-core[{extra}]'"))
    try:
        settings = load_settings(config)
    except FinksError as error:
        _tell(console, "settings", str(error))
        raise typer.Exit(error.exit_code) from None
    _tell(console, "settings", "read")
    codes = [_source(console, settings, name) for name in settings.sources]
    if not codes:
        _tell(console, "sources", "none is configured; `finks connectors list` shows what is installed")
    codes += [_schedule(console, settings), _notifiers(console, settings), _lake(console, settings)]
    raise typer.Exit(max(codes))


def _source(console: Console, settings: Settings, name: str) -> int:
    try:
        source = build_source(name, settings.sources[name], settings.place)
        _tell(console, f"source {name}", f"{source.version}, {len(selected_streams(source))} streams")
    except FinksError as error:
        _tell(console, f"source {name}", str(error))
        return error.exit_code
    return 0


def _schedule(console: Console, settings: Settings) -> int:
    schedule = settings.schedule
    try:
        day = sessions_of(schedule.calendar, schedule.tzinfo).latest(utc_now())
    except FinksError as error:
        _tell(console, "schedule", str(error))
        return error.exit_code
    tick = next_tick(schedule.cron, schedule.tzinfo, utc_now()).astimezone(schedule.tzinfo)
    days = f"sessions of {schedule.calendar}" if schedule.calendar else "every day"
    _tell(console, "schedule", f"{days}, the newest {day}; the next tick is at {tick:%Y-%m-%d %H:%M %Z}")
    return 0


def _notifiers(console: Console, settings: Settings) -> int:
    try:
        names = ", ".join(build_notifiers(settings.alerts.notifiers, settings.place))
    except FinksError as error:
        _tell(console, "alerts", str(error))
        return error.exit_code
    _tell(console, "alerts", f"go to {names}; `finks alerts test` sends one" if names else "nobody is told")
    return 0


def _lake(console: Console, settings: Settings) -> int:
    try:
        tables = Lake.open(settings.lake.place()).tables()
    except FinksError as error:
        _tell(console, "lake", str(error))
        return error.exit_code
    _tell(console, "lake", f"{sum(map(len, tables.values()))} tables in {settings.lake.path}")
    return 0


def _tell(console: Console, what: str, text: str) -> None:
    console.print(f"{what}: {text}", markup=False)
