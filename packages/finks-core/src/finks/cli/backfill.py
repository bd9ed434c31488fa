"""`finks backfill`."""

from __future__ import annotations

from typing import Annotated

import typer

from finks.cli.runs import (
    ConfigOption,
    FromOption,
    JsonOption,
    KeyOption,
    LogOption,
    QuietOption,
    StreamOption,
    ToOption,
    backfill_of,
    execute,
    with_logs,
)
from finks.errors import ConfigurationError
from finks.run.report import render
from finks.run.runner import RunOptions
from finks.run.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("backfill")(backfill)


def backfill(
    first: FromOption = None,
    last: ToOption = None,
    config: ConfigOption = None,
    stream: StreamOption = None,
    key: KeyOption = None,
    gold: Annotated[
        bool, typer.Option("--gold", help="Build and publish Gold too; else the nightly run does.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log: LogOption = None,
) -> None:
    """Fetch earlier days, in what the nightly run leaves of the quota. The same command again goes on."""
    asked = backfill_of(first, last, stream, key)
    if asked is None:
        raise ConfigurationError("A backfill needs its days.", where="--from and --to", expected="YYYY-MM-DD")
    options = RunOptions(gold=gold, command="finks backfill", backfill=asked)
    report = execute(with_logs(load_settings(config), log), options, quiet=quiet or as_json)
    typer.echo(report.model_dump_json(indent=2) if as_json else render(report))
    raise typer.Exit(report.exit_code)
