"""The command `finks local`."""

from __future__ import annotations

import typer

app = typer.Typer(help="AWS on this machine: an emulator and an Athena endpoint.", no_args_is_help=True)
