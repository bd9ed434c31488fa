"""The command `finks local`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from finks_local import daemon
from finks_local.emulator import environment as emulator_environment

app = typer.Typer(help="AWS on this machine: an emulator and an Athena endpoint.", no_args_is_help=True)

Directory = Annotated[
    Path | None, typer.Option("--directory", help="Data, logs and state; the user's state directory if not given.")
]
_console = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def up(
    directory: Directory = None,
    port: Annotated[int, typer.Option(help="The emulator's port; 0 takes a free one.")] = 4566,
    endpoint_port: Annotated[int, typer.Option(help="The port of Athena and Glue; 0 takes a free one.")] = 4567,
    enforce_iam: Annotated[bool, typer.Option("--enforce-iam", help="Check signatures and permissions.")] = False,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, until Ctrl-C.")] = False,
    env: Annotated[bool, typer.Option("--env", help="Print nothing but the exports, for eval.")] = False,
    env_file: Annotated[Path | None, typer.Option(help="Also write the variables to this file.")] = None,
) -> None:
    """Start it, unless it runs, and say how clients find it."""
    options = daemon.Options(_directory(directory), port, endpoint_port, enforce_iam)
    if foreground:
        daemon.log_to_stderr()
        _console.print(f"The local AWS runs in {options.directory} until Ctrl-C.")
        return daemon.serve(options)
    if not emulator_environment.is_made():
        _console.print("Making the emulator's Python environment; this happens once.")
    state = daemon.up(options)
    if env_file is not None:
        env_file.write_text("".join(f"{n}={v}\n" for n, v in state.environment.items()), encoding="utf-8")
    if not env:
        _console.print(f"The local AWS is up: emulator {state.emulator}, Athena and Glue {state.endpoint}.")
        _console.print('Clients need these variables: eval "$(finks local up --env)" sets them.')
    for name, value in state.environment.items():
        typer.echo(f"export {name}={value}")
    return None


@app.command()
def down(directory: Directory = None) -> None:
    """Stop it; what it holds is kept for the next start."""
    stopped = daemon.down(_directory(directory))
    _console.print("The local AWS is down." if stopped else "The local AWS was not up.")


@app.command()
def status(
    directory: Directory = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say whether it runs and what it holds; the exit code is 0 when both servers answer, else 1."""
    found = _status(_directory(directory))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        table = Table(box=None, show_header=False)
        for name, value in found.items():
            table.add_row(name.replace("_", " "), str(value))
        Console(highlight=False).print(table)
    if not found["healthy"]:
        raise typer.Exit(1)


@app.command()
def reset(directory: Directory = None) -> None:
    """Empty everything: buckets, tables, queues, users, queries."""
    where = _directory(directory)
    state = daemon.find(where)
    if state is None:
        daemon.discard(where)
    else:
        daemon.reset(state)
    _console.print("The local AWS is empty.")


def _directory(chosen: Path | None) -> Path:
    return chosen or daemon.default_directory()


def _status(directory: Path) -> Mapping[str, Any]:
    state = daemon.find(directory)
    found: dict[str, Any] = {"healthy": False, "directory": str(directory), "version": version("finks-local")}
    if state is None:
        return found
    from finks_local.inventory import inventory  # so that no other command pays for boto3

    health = daemon.health(state)
    found |= {
        "healthy": bool(health.get("emulator")),
        "emulator": f"{state.emulator} (ministack {emulator_environment.VERSION})",
        "endpoint": state.endpoint,
        "enforce_iam": state.enforce_iam,
        "emulator_memory_mb": _megabytes(state.emulator_pid),
        "endpoint_memory_mb": _megabytes(state.pid),
    }
    return {**found, **inventory(state.environment, health)} if found["healthy"] else found


def _megabytes(pid: int) -> int | None:
    try:
        return psutil.Process(pid).memory_info().rss // 2**20
    except psutil.NoSuchProcess:
        return None
