"""The command `finks deploy`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from finks.cli.runs import ConfigOption, JsonOption
from finks.errors import ConflictError, SourceUnavailableError
from finks.redact import EVERYWHERE
from finks.run.settings import Settings, load_settings
from rich.console import Console

from finks_flows.deploy.connect import Server, find_server, plan_of
from finks_flows.deploy.difference import Difference
from finks_flows.settings import FlowsSettings, flows_settings
from finks_flows.stack.layout import Layout, default_directory

_console = Console(stderr=True, highlight=False, soft_wrap=True)


def deploy(
    config: ConfigOption = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; end with 6 if something differs.")] = False,
    as_json: JsonOption = False,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="The stack's, where no server is named; as `finks flows up`.")
    ] = None,
) -> None:
    """Make the Prefect server as the settings have it: pool, limits, blocks, deployments, automations."""
    settings, flows = read(config)
    server = find_server(flows, Layout((directory or default_directory()).resolve()))
    differences = deploy_to(server, settings, flows, config, check=check)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in differences], indent=2))
    else:
        show(differences, check=check)
    if check and differences:
        raise ConflictError(
            "What is deployed differs from the settings.",
            where=server.api,
            hint="`finks deploy` brings it back; or take what was changed by hand into finks.toml.",
        )


def read(config: Path | None) -> tuple[Settings, FlowsSettings]:
    """The settings and their section `[flows]`, its secrets kept out of what the terminal shows."""
    settings = load_settings(config)
    flows = flows_settings(settings)
    EVERYWHERE.add(each.get_secret_value() for each in (flows.api_auth, flows.webhook) if each is not None)
    return settings, flows


def deploy_to(
    server: Server, settings: Settings, flows: FlowsSettings, config: Path | None, *, check: bool = False
) -> Sequence[Difference]:
    """Bring a server to the settings, or only look. Returns what differed.

    Raises:
        ConflictError: Something that finks did not make is in the way.
        SourceUnavailableError: The server does not answer.
    """
    client = server.client()
    import httpx

    from finks_flows.deploy.apply import apply, diff

    plan = plan_of(settings, flows, config)

    async def go() -> Sequence[Difference]:
        async with client:
            return await (diff if check else apply)(plan, client)

    try:
        return asyncio.run(go())
    except httpx.TransportError as error:
        raise SourceUnavailableError(
            "The Prefect server does not answer.", where=server.api, got=str(error) or type(error).__name__
        ) from error


_DONE = {"create": "made", "update": "changed", "remove": "removed"}


def show(differences: Sequence[Difference], *, check: bool) -> None:
    """Print what differs, or what was done."""
    if not differences:
        _console.print("Everything is deployed as the settings have it.")
    for each in differences:
        text = str(each) if check else f"{_DONE[each.change]}: {each.kind} {each.name!r}"
        _console.print(text, markup=False)
