"""`finks doctor`: whether the installation is whole, the settings are right and the lake is well."""

from __future__ import annotations

import typer
from rich.console import Console

from finks.cli.runs import ConfigOption
from finks.errors import FinksError
from finks.run.care import checks
from finks.run.care.checks import Check
from finks.run.runner import utc_now
from finks.run.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("doctor")(doctor)


def doctor(config: ConfigOption = None) -> None:
    """Check the installation, the settings and the lake; say what to do about each finding."""
    console = Console(highlight=False, soft_wrap=True)
    for check in checks.installation():
        _tell(console, check)
    try:
        settings = load_settings(config)
    except FinksError as error:
        _tell(console, checks.failed("settings", error))
        raise typer.Exit(error.exit_code) from None
    _tell(console, Check(name="settings", text="read"))
    codes = [_tell(console, check) for check in checks.sources(settings)]
    codes += [_tell(console, check) for check in (checks.schedule(settings, utc_now()), checks.alerts(settings))]
    lake, opened = checks.lake_opens(settings)
    codes.append(_tell(console, opened))
    if lake is not None:
        codes += [_tell(console, check) for check in checks.lake_checks(lake, settings, utc_now())]
    raise typer.Exit(max(codes))


def _tell(console: Console, check: Check) -> int:
    mark = "warning: " if check.status == "warning" else ""
    console.print(f"{mark}{check.name}: {check.text}", markup=False)
    return check.exit_code
