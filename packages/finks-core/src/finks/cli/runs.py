"""`finks plan` and `finks run`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from finks.cli.progress import progress
from finks.errors import ConfigurationError
from finks.lake.lake import utc_now
from finks.run.backfill import Backfill
from finks.run.listeners.alerting import refusals
from finks.run.listeners.chosen import listeners
from finks.run.listeners.observing import configure, log_event
from finks.run.plan import Plan
from finks.run.report import RunReport, render
from finks.run.runner import Runner, RunOptions
from finks.run.schedule.due import Due, Skip, due_in_lake
from finks.run.sections import EARLIEST
from finks.run.settings import Settings, load_settings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Read this settings file, or finks.toml in this directory.")
]
DateOption = Annotated[
    str | None,
    typer.Option(
        "--date", help="Run for this day, YYYY-MM-DD; the calendar's newest session or today (UTC) if absent."
    ),
]
RefetchOption = Annotated[
    list[str] | None, typer.Option("--refetch", help="Fetch a stream (daily_bars) or a key (daily_bars/AAPL) again.")
]
ScheduleOption = Annotated[
    bool, typer.Option("--schedule", help="Run for the day that the schedule says, if one is due; else end well.")
]
AtOption = Annotated[
    str | None, typer.Option("--at", help="With --schedule: when it ticked, ISO 8601 with a zone; now if absent.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="Of a backfill: the first day, YYYY-MM-DD.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Of a backfill: the last day, YYYY-MM-DD.")]
StreamOption = Annotated[
    list[str] | None, typer.Option("--stream", help="Of a backfill: this stream only; may be repeated.")
]
KeyOption = Annotated[list[str] | None, typer.Option("--key", help="Of a backfill: this key only; may be repeated.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
LogOption = Annotated[
    Literal["text", "json"] | None,
    typer.Option("--log", help="What standard error gets: progress as text, or lines of JSON; observe.logs if absent."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("plan")(plan)
    app.command("run")(run)
    app.command("gold")(gold)


def parse_date(text: str | None, option: str = "--date") -> date | None:
    """A date from a command's option. Raises ConfigurationError."""
    if text is None:
        return None
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        found = None
    if found is None or found < EARLIEST:
        raise ConfigurationError(
            "The date is not valid.", where=option, expected=f"YYYY-MM-DD, from {EARLIEST} on", got=text
        )
    return found


def parse_instant(text: str) -> datetime:
    """An instant from a command's option. Raises ConfigurationError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigurationError(
            "The instant is not valid.", where="--at", expected="ISO 8601 with a zone: 2024-07-05T20:30:00Z", got=text
        )
    return found


def ask_schedule(settings: Settings, at: str | None, day: str | None) -> Due | Skip:
    """What is due at an instant, now if there is none. An instant that is still to come counts as now.

    Raises:
        ConfigurationError: A day was given too, the instant is no instant, or the calendar does not know it.
    """
    if day is not None:
        raise ConfigurationError("The day comes from the schedule.", where="--date", hint="Leave out --date.")
    now = utc_now()
    tick = min(parse_instant(at), now) if at is not None else now
    with refusals(settings, utc_now):
        return due_in_lake(settings, tick)


def backfill_of(
    first: str | None, last: str | None, streams: Sequence[str] | None, keys: Sequence[str] | None
) -> Backfill | None:
    """The backfill that a command's options ask for; None when they say nothing of one.

    Raises:
        ConfigurationError: A day is not valid, or is missing.
    """
    start, end = parse_date(first, "--from"), parse_date(last, "--to")
    if start is not None and end is not None:
        return Backfill(start, end, frozenset(streams or ()), frozenset(keys or ()))
    if start or end or streams or keys:
        raise ConfigurationError("A backfill needs its first and its last day.", where="--from and --to")
    return None


def with_logs(settings: Settings, log: Literal["text", "json"] | None) -> Settings:
    """The settings, with what `--log` says."""
    if log is None:
        return settings
    return settings.model_copy(update={"observe": settings.observe.model_copy(update={"logs": log})})


def plan(
    config: ConfigOption = None,
    date: DateOption = None,
    refetch: RefetchOption = None,
    first: FromOption = None,
    last: ToOption = None,
    stream: StreamOption = None,
    key: KeyOption = None,
) -> None:
    """Show what a run, or a backfill, would fetch and what that costs. Spends nothing."""
    settings = load_settings(config)
    options = RunOptions(
        logical_date=parse_date(date),
        refetch=frozenset(refetch or ()),
        backfill=backfill_of(first, last, stream, key),
    )
    show_plan(Console(), Runner(settings, options).plan())


def show_plan(console: Console, plans: dict[str, Plan]) -> None:
    """Print plans as a table."""
    table = Table("source", "stream", "slices", title="Plan")
    for source, made in plans.items():
        for stream, count in made.per_stream.items():
            table.add_row(source, stream, str(count))
    calls = sum(p.calls for p in plans.values())
    wire_bytes = sum(p.wire_bytes for p in plans.values())
    minutes = max((p.minutes for p in plans.values()), default=0.0)
    if calls:
        console.print(table)
    settled = sum(sum(p.settled.values()) for p in plans.values())
    days = max((p.days for p in plans.values()), default=1)
    cost = f"{calls} calls, about {wire_bytes:,} bytes and {minutes:.1f} minutes" if calls else "Nothing to fetch"
    console.print(f"{cost}; {settled} keys have nothing to fetch.", highlight=False)
    if days > 1:
        console.print(f"The vendor's daily quota spreads this over {days} days.", highlight=False)


def run(
    config: ConfigOption = None,
    date: DateOption = None,
    schedule: ScheduleOption = False,
    at: AtOption = None,
    refetch: RefetchOption = None,
    ingest_only: Annotated[bool, typer.Option("--ingest-only", help="Stop after Bronze.")] = False,
    no_gold: Annotated[bool, typer.Option("--no-gold", help="Stop after Silver.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log: LogOption = None,
) -> None:
    """Fetch what is missing, refine it, build and test Gold, publish it."""
    settings = load_settings(config)
    options = RunOptions(parse_date(date), frozenset(refetch or ()), refine=not ingest_only, gold=not no_gold)
    if schedule:
        found = ask_schedule(settings, at, date)
        if isinstance(found, Skip):
            typer.echo(json.dumps({"not_due": found.reason}) if as_json else f"Not due: {found.reason}")
            return
        options = replace(options, logical_date=found.logical_date, missed=found.missed)
    elif at is not None:
        raise ConfigurationError("An instant is for a schedule.", where="--at", hint="Add --schedule.")
    report = execute(with_logs(settings, log), options, quiet=quiet or as_json)
    typer.echo(report.model_dump_json(indent=2) if as_json else render(report))
    raise typer.Exit(report.exit_code)


def gold(
    config: ConfigOption = None,
    date: DateOption = None,
    joins: Annotated[
        str | None, typer.Option("--joins", help="The run that holds the lake and started this; takes no lease then.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build and test Gold of the Silver that is there, and publish it. Fetches nothing."""
    options = RunOptions(parse_date(date), fetch=False, joins=joins, command="finks gold")
    report = execute(load_settings(config), options, quiet=quiet or as_json)
    typer.echo(report.model_dump_json(indent=2) if as_json else render(report))
    raise typer.Exit(report.exit_code)


def execute(settings: Settings, options: RunOptions, *, quiet: bool = False) -> RunReport:
    """Run once, observed as the settings say. Progress goes to standard error, unless log records do."""
    configure(settings.observe)
    told = listeners(settings)
    if settings.observe.logs == "json":
        return Runner(settings, options, log_event, listeners=told).run()
    with progress(Console(stderr=True), quiet) as observer:
        return Runner(settings, options, observer, listeners=told).run()
