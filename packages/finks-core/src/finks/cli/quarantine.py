"""`finks quarantine`: rejected records, and a second reading of them after a correction."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from finks.cli.inspect import LimitOption, show_frame
from finks.cli.progress import progress
from finks.cli.runs import ConfigOption, JsonOption, QuietOption
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.care import replay
from finks.run.listeners.alerting import cared
from finks.run.runner import utc_now
from finks.run.settings import load_settings

RuleOption = Annotated[str | None, typer.Option("--rule", help="Only records that broke this rule.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    quarantine = typer.Typer(help="Look at rejected records, and read them again.", no_args_is_help=True)
    quarantine.command("show")(show)
    quarantine.command("replay")(replay_rejects)
    app.add_typer(quarantine, name="quarantine")


def show(
    table: Annotated[str, typer.Argument(help="Name a table, for example fmp_daily_bars.")],
    config: ConfigOption = None,
    limit: LimitOption = 20,
    rule: RuleOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the resolved ones too.")] = False,
) -> None:
    """Show the open rejected records with the rule, the reason and their source text."""
    settings = load_settings(config)
    lake = Lake.open(settings.lake.place())
    rejects = lake.quarantine(table, rule=rule, resolved=everything).polars()
    console = Console()
    counts = rejects.group_by("rule").len("records").sort("rule")
    what = "Rejected" if everything else "Open rejects"
    console.print(f"{what} in {table}: {rejects.height} records", highlight=False)
    show_frame(console, counts)
    columns = ["rule", "field", "reason", "key_text", "record", "bronze_ref"]
    more = ["contract_version", "resolution", "resolved_at", "resolved_run"] if everything else []
    show_frame(console, rejects.select(*columns, *more).head(limit))


def replay_rejects(
    table: Annotated[str | None, typer.Argument(help="Name a table, for example fmp_daily_bars.")] = None,
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay every configured stream.")] = False,
    rule: RuleOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read rejected records again by the contract of now, after it or the connector was corrected."""
    if (table is None) != everything:
        raise ConfigurationError(
            "Name one table, or give --all.", where="finks quarantine replay", expected="TABLE or --all"
        )
    settings = load_settings(config)
    with progress(Console(stderr=True), quiet or as_json) as observer:

        def work() -> replay.ReplayReport:
            lake = Lake.open(settings.lake.place())
            return replay.replay(lake, settings, utc_now, table=table, rule=rule, observer=observer)

        report = cared(settings, "replay", work, utc_now)
    typer.echo(report.model_dump_json(indent=2) if as_json else replay.render(report))
    raise typer.Exit(report.exit_code)
