"""`finks alerts`: who would be told, what is open, and what no run can tell by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from finks.cli.runs import ConfigOption, JsonOption
from finks.errors import ConfigurationError, NotificationError
from finks.lake.place import Place
from finks.notify import Delivery, read_book
from finks.notify.delivery import send
from finks.run.listeners.alerting import Alerts, listener
from finks.run.listeners.alerts import Finding, make_alert
from finks.run.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    alerts = typer.Typer(help="See what is wrong and who is told.", no_args_is_help=True)
    alerts.command("show")(show_open)
    alerts.command("test")(send_test)
    alerts.command("check")(check_runs)
    alerts.command("close")(close_subject)
    app.add_typer(alerts, name="alerts")


def show_open(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List what is open, and who was told when."""
    place, _ = _lake(load_settings(config))
    entries = read_book(place).entries
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        console.print_json(data=[entry.model_dump(mode="json") for entry in entries.values()])
        return
    if not entries:
        console.print("Nothing is open.")
    for entry in entries.values():
        alert = entry.alert
        _say(console, f"{alert.severity}: {alert.title.removeprefix('finks: ')} ({alert.kind} {alert.subject})")
        _say(console, f"  since {entry.since:%Y-%m-%d %H:%M} UTC: {alert.reason.splitlines()[0]}")
        told = ", ".join(f"{name} at {moment:%Y-%m-%d %H:%M} UTC" for name, moment in entry.told.items())
        _say(console, f"  told: {told or 'nobody'}; {alert.runbook}")


def send_test(config: ConfigOption = None) -> None:
    """Send a test alert through every notifier, whatever its severity is."""
    settings = load_settings(config)
    alerts = listener(settings)
    if not alerts.notifiers:
        raise ConfigurationError("No notifier is set.", where="[alerts.notifiers.<name>]", hint="See docs/alerts.md.")
    found = Finding("test", "alerts", "info", "This is a test. Nothing is wrong.", "nothing")
    alert = make_alert(found, str(settings.lake.path), settings.alerts, datetime.now(UTC))
    console = Console(highlight=False, soft_wrap=True)
    failed: list[str] = []
    for name, notifier in alerts.notifiers.items():
        failure = send(notifier, alert)
        _say(console, f"{name}: {'sent' if failure is None else failure}")
        failed += [name] if failure is not None else []
    if failed:
        raise NotificationError("The test did not reach everybody.", got=f"failed: {', '.join(failed)}")


def check_runs(config: ConfigOption = None) -> None:
    """Look for a run that never ended and for runs that never began; tell. For a schedule of its own."""
    place, alerts = _lake(load_settings(config))
    console = Console(highlight=False, soft_wrap=True)
    for alert in alerts.check(place, datetime.now(UTC)):
        _say(console, f"{alert.severity}: {alert.title.removeprefix('finks: ')}: {alert.reason}")
        return
    console.print("The last run has ended, or is at work.")


def close_subject(
    subject: Annotated[str, typer.Argument(help="A table, a source, gold or run, as `finks alerts show` names it.")],
    config: ConfigOption = None,
) -> None:
    """Say that what is open for a subject is over, where no later run can find that out."""
    place, alerts = _lake(load_settings(config))
    entries = read_book(place).entries.values()
    if not any(entry.alert.subject == subject for entry in entries):
        raise ConfigurationError(
            "Nothing is open for this subject.",
            expected=f"one of {', '.join(sorted({entry.alert.subject for entry in entries}))}" if entries else None,
            got=subject,
        )
    Delivery(place, alerts.settings, alerts.notifiers).tell(
        [], datetime.now(UTC), over=lambda alert: alert.subject == subject
    )


def _lake(settings: Settings) -> tuple[Place, Alerts]:
    """Where the lake is, and who is told. Raises ConfigurationError when there is no lake."""
    place = settings.lake.place()
    place.open()
    return place, listener(settings)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False)
