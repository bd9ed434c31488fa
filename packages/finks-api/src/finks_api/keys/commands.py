"""`finks keys`: who may use the Data API."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Annotated

import polars as pl
import typer
from finks.cli.inspect import show_frame
from finks.cli.runs import ConfigOption, JsonOption
from finks.errors import ConfigurationError
from finks.run.settings import load_settings
from rich.console import Console

from finks_api.keys.edit import add_key, read_document, revoke_key, set_plan
from finks_api.keys.model import DATASETS, STANDARD, KeyEntry, Plan
from finks_api.keys.place import KeyPlace, key_place
from finks_api.settings import api_settings

app = typer.Typer(help="Keys of the Data API: make them, list them, revoke them.", no_args_is_help=True)

_told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="Say whose key it is.")],
    plan: Annotated[str, typer.Option("--plan", help="How often it may ask: a plan of `finks keys list`.")] = STANDARD,
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", help=f"It may read this dataset, not all ({', '.join(DATASETS)}); may be repeated."),
    ] = None,
    portfolio: Annotated[
        list[str] | None, typer.Option("--portfolio", help="It may read this portfolio, not all; may be repeated.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="No longer valid from then on: YYYY-MM-DD (UTC), or an instant.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it. It is shown this once: what is kept is its SHA-256."""
    key, entry = add_key(
        _place(config),
        name=name,
        now=datetime.now(UTC),
        plan=plan,
        datasets=dataset or None,
        portfolios=portfolio or None,
        expires_at=_instant(expires) if expires is not None else None,
    )
    typer.echo(key)
    _told.print(f"The key {entry.id} of {entry.name}, with the plan {entry.plan}. It is not shown again.")


@app.command("list")
def list_keys(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the keys and the plans; no key itself, for nobody has them."""
    document = read_document(_place(config))
    if as_json:
        typer.echo(json.dumps(document.model_dump(mode="json", exclude={"keys": {"__all__": {"sha256"}}})))
        return
    console, now = Console(highlight=False), datetime.now(UTC)
    columns = ("id", "name", "plan", "datasets", "portfolios", "made", "state")
    show_frame(
        console, pl.DataFrame([_row(e, now) for e in document.keys], dict.fromkeys(columns, pl.String), orient="row")
    )
    plans = [(name, _numbers(plan)) for name, plan in document.plans.items()]
    show_frame(console, pl.DataFrame(plans, dict.fromkeys(("plan", "allows"), pl.String), orient="row"))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id, as `finks keys list` shows it.")], config: ConfigOption = None
) -> None:
    """Disable a key for good. A server that runs knows it after seconds."""
    entry = revoke_key(_place(config), key_id)
    _told.print(f"The key {entry.id} of {entry.name} is revoked.")


@app.command("plan")
def change_plan(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    rate: Annotated[float, typer.Option("--rate", help="Requests a second, in the long run.")],
    burst: Annotated[int, typer.Option("--burst", help="Requests at once.")],
    quota: Annotated[int | None, typer.Option("--quota", help="Requests in a day (UTC); no limit if absent.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make a plan, or change it for all of its keys."""
    plan = set_plan(_place(config), name, rate=rate, burst=burst, daily_quota=quota)
    _told.print(f"The plan {name}: {_numbers(plan)}.")


def _place(config: ConfigOption) -> KeyPlace:
    return key_place(api_settings(load_settings(config)).key_document)


def _row(entry: KeyEntry, now: datetime) -> tuple[str, ...]:
    return (
        entry.id,
        entry.name,
        entry.plan,
        _named(entry.datasets),
        _named(entry.portfolios),
        f"{entry.created_at:%Y-%m-%d}",
        _state(entry, now),
    )


def _named(scope: frozenset[str] | None) -> str:
    return "all" if scope is None else ", ".join(sorted(scope))


def _state(entry: KeyEntry, now: datetime) -> str:
    if entry.disabled:
        return "revoked"
    if entry.expires_at is None:
        return "valid"
    until = f"{entry.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"valid until {until}" if now < entry.expires_at else f"expired {until}"


def _numbers(plan: Plan) -> str:
    a_day = f"{plan.daily_quota} a day" if plan.daily_quota is not None else "no limit a day"
    return f"{plan.rate:g} requests a second, {plan.burst} at once, {a_day}"


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigurationError(
            "The time is not valid.",
            where="--expires",
            expected="YYYY-MM-DD, or ISO 8601 with a zone: 2027-01-01T00:00:00Z",
            got=text,
        )
    return found
