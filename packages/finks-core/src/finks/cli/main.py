"""The entry point of the `finks` command: its commands, and what an error becomes on a terminal."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, version

try:
    import typer
except ImportError:
    sys.exit("The finks command needs an extra: pip install 'finks-core[cli]'")

from finks.cli import alerts, backfill, care, doctor, inspect, lineage, quarantine, runs, schedule
from finks.cli.failure import show_failure

COMMANDS = "finks.commands"
"""The entry-point group through which a package adds a command, or a group of commands, of its own."""

app = typer.Typer(
    name="finks",
    help="A vendor's API becomes tested Gold tables: plan, run, look.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(version("finks-core"))
        raise typer.Exit


@app.callback()
def root(
    show_version: bool = typer.Option(
        False, "--version", help="Print the version and end.", callback=_show_version, is_eager=True
    ),
) -> None:
    """A vendor's API becomes tested Gold tables: plan, run, look."""


runs.register(app)
backfill.register(app)
schedule.register(app)
inspect.register(app)
lineage.register(app)
quarantine.register(app)
care.register(app)
doctor.register(app)
alerts.register(app)
for entry in sorted(entry_points(group=COMMANDS), key=lambda e: e.name):
    offered = entry.load()
    if isinstance(offered, typer.Typer):
        app.add_typer(offered, name=entry.name)
    else:
        app.command(entry.name)(offered)


def main() -> None:
    """Run the command line; an error is shown as text and ends with the exit code of its class."""
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(show_failure(error))
