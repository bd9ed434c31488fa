"""The entry point of the `finks` command: its commands, and what an error becomes on a terminal."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, version

try:
    import typer
except ImportError:
    sys.exit("The finks command needs an extra: pip install 'finks-core[cli]'")

from finks.cli.failure import show_failure

COMMANDS = "finks.commands"
"""The entry-point group through which a package adds a command, or a group of commands, of its own."""


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(version("finks-core"))
        raise typer.Exit


def root(
    show_version: bool = typer.Option(
        False, "--version", help="Print the version and end.", callback=_show_version, is_eager=True
    ),
) -> None:
    """A vendor's API becomes tested Gold tables: plan, run, look."""


def command_line(asked: str = "") -> typer.Typer:
    """All commands; only that one where a package adds it, because loading those of finks itself takes a second."""
    app = typer.Typer(
        name="finks",
        help="A vendor's API becomes tested Gold tables: plan, run, look.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(root)
    added = sorted(entry_points(group=COMMANDS), key=lambda e: e.name)
    only = [entry for entry in added if entry.name == asked]
    if not only:
        from finks.cli import alerts, backfill, care, doctor, inspect, lineage, quarantine, runs, schedule

        for own in (runs, backfill, schedule, inspect, lineage, quarantine, care, doctor, alerts):
            own.register(app)
    for entry in only or added:
        offered = entry.load()
        if isinstance(offered, typer.Typer):
            app.add_typer(offered, name=entry.name)
        else:
            app.command(entry.name)(offered)
    return app


def main() -> None:
    """Run the command line; an error is shown as text and ends with the exit code of its class."""
    try:
        command_line(*sys.argv[1:2])()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(show_failure(error))
