"""The commands that keep a lake well: maintain, backup, restore."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from finks.cli.progress import progress
from finks.cli.runs import ConfigOption, JsonOption, QuietOption
from finks.lake import Lake
from finks.run.care import backups, maintenance
from finks.run.listeners.alerting import cared
from finks.run.runner import utc_now
from finks.run.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("maintain")(maintain)
    app.command("backup")(backup)
    app.command("restore")(restore)


def maintain(config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Merge small files, forget what nothing needs, back up where that is set, and check. No version is dropped."""
    settings = load_settings(config)
    with progress(Console(stderr=True), quiet or as_json) as observer:

        def work() -> maintenance.MaintenanceReport:
            return maintenance.maintain(Lake.open(settings.lake.place()), settings, utc_now, observer=observer)

        report = cared(settings, "maintenance", work, utc_now)
    typer.echo(report.model_dump_json(indent=2) if as_json else maintenance.render(report))
    raise typer.Exit(report.exit_code)


def backup(config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Copy what is new in the lake to the target of [backup], and drop the oldest backups."""
    settings = load_settings(config)
    lake = Lake.open(settings.lake.place())
    with progress(Console(stderr=True), quiet or as_json) as observer:
        report = backups.backup(lake, settings, utc_now, observer)
    assert report.backup is not None
    typer.echo(report.model_dump_json(indent=2) if as_json else backups.render_backup(report.backup))
    raise typer.Exit(report.exit_code)


def restore(
    source: Annotated[str, typer.Argument(help="Name the backups' directory, or s3://bucket/prefix.")],
    config: ConfigOption = None,
    backup_id: Annotated[str | None, typer.Option("--backup", help="Restore this one; the newest if absent.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a lake that is whole; what came after the backup is lost.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="List the backups there, and restore nothing.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring the configured lake back from a backup, each file checked; a whole lake is left alone."""
    if show:
        for name, at in backups.list_backups(source).items():
            typer.echo(f"{name}  {at:%Y-%m-%d %H:%M:%S} UTC")
        return
    settings = load_settings(config)
    with progress(Console(stderr=True), quiet or as_json) as observer:
        report = backups.restore_lake(
            settings, source, utc_now, backup_id=backup_id, replace=replace, observer=observer
        )
    typer.echo(report.model_dump_json(indent=2) if as_json else backups.render_restore(report))
    raise typer.Exit(report.exit_code)
