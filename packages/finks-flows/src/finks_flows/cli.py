"""The commands `finks flows`: Prefect on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from finks.cli.runs import ConfigOption
from rich.console import Console
from rich.table import Table

from finks_flows.deploy.command import deploy_to, read, show
from finks_flows.deploy.connect import Server
from finks_flows.stack import stack
from finks_flows.stack.layout import PORT, Layout, default_directory

app = typer.Typer(help="Prefect on this machine: PostgreSQL, the server, a worker.", no_args_is_help=True)

DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", help="Data, logs and state; the user's state directory if not given.")
]
_console = Console(stderr=True, highlight=False, soft_wrap=True)


def layout_of(directory: Path | None) -> Layout:
    """The stack of a directory, or the user's."""
    return Layout((directory or default_directory()).resolve())


@app.command()
def up(
    config: ConfigOption = None,
    directory: DirectoryOption = None,
    port: Annotated[int, typer.Option(help="The port of Prefect's window and API.")] = PORT,
    auth: Annotated[bool, typer.Option("--auth", help="Let the window and the API want a password.")] = False,
) -> None:
    """Start everything, unless it runs, and deploy the finks.toml of this directory; then runs can be scheduled."""
    settings, flows = read(config)
    layout = layout_of(directory)
    choices = stack.up(layout, port=port, auth=auth, say=_console.print)
    _console.print("deploying")
    show(deploy_to(Server(choices.api, layout.auth(choices)), settings, flows, config), check=False)
    if flows.pool_type == "process":
        stack.work(layout, choices, flows.pool, _console.print)
    _console.print(f"The stack is up: {choices.address}, state in {layout.directory}.")
    if choices.auth:
        _console.print(f"The window wants finks: and the password in {layout.directory / 'api.secret'}.")


@app.command()
def down(directory: DirectoryOption = None) -> None:
    """Stop the worker, the server and PostgreSQL; what they hold is kept for the next start."""
    stopped = stack.down(layout_of(directory))
    _console.print("The stack is down." if stopped else "The stack was not up.")


@app.command()
def status(
    directory: DirectoryOption = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say which parts run and where the server is; the exit code is 0 when all do their work, else 1."""
    found = stack.status(layout_of(directory))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        table = Table(box=None, show_header=False)
        for name, value in found.items():
            table.add_row(name, "does not run" if value is None else str(value))
        Console(highlight=False).print(table)
    if not found["healthy"]:
        raise typer.Exit(1)


@app.command()
def reset(directory: DirectoryOption = None) -> None:
    """Remove what a stack that is down has kept: runs, deployments, logs."""
    stack.reset(layout_of(directory))
    _console.print("The stack is empty.")
