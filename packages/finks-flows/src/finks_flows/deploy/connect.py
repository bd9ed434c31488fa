"""Which Prefect server is meant, and what is deployed to it: the settings, the flows and the pool put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finks.errors import ConfigurationError
from finks.run.settings import FILE_NAME, Settings

from finks_flows import environment
from finks_flows.deploy.plan import DeploymentPlan, FlowCard, Marks, Surroundings, make_plan
from finks_flows.settings import FlowsSettings
from finks_flows.stack import stack
from finks_flows.stack.layout import Layout

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


@dataclass(frozen=True, slots=True)
class Server:
    """A Prefect server.

    Attributes:
        api: Its address, with `/api`.
        auth: `user:password` for it; None when it wants none.
    """

    api: str
    auth: str | None = field(default=None, repr=False)

    def client(self) -> PrefectClient:
        """A client of this server, whatever Prefect's own profile says. Imports Prefect, which takes seconds."""
        for name, value in environment.client(api=self.api, auth=self.auth).items():
            os.environ[name] = value
        from prefect.client.orchestration import PrefectClient

        return PrefectClient(self.api, auth_string=self.auth)


def find_server(flows: FlowsSettings, layout: Layout) -> Server:
    """The server that the settings name, else that of the environment, else that of the stack on this machine.

    A profile of Prefect's is not asked: it may lead to a server of somebody else.

    Raises:
        ConfigurationError: There is none.
    """
    auth = flows.api_auth.get_secret_value() if flows.api_auth else os.environ.get("PREFECT_API_AUTH_STRING")
    if api := flows.api_url or os.environ.get("PREFECT_API_URL"):
        return Server(api, auth)
    choices = stack.find(layout)
    if choices is None:
        raise ConfigurationError(
            "No Prefect server is known.",
            where="flows.api_url, PREFECT_API_URL",
            expected="the address of one, for example http://127.0.0.1:4200/api",
            hint="`finks flows up` starts one on this machine.",
        )
    return Server(choices.api, layout.auth(choices))


def plan_of(settings: Settings, flows: FlowsSettings, config: Path | None) -> DeploymentPlan:
    """What the settings ask for, with the flows that finks has. Imports Prefect.

    Args:
        settings: Of finks.
        flows: Its section `[flows]`.
        config: The settings file, or its directory, as it was given to the command.

    Raises:
        ConfigurationError: No source is configured, or a secret has no value.
    """
    from finks_flows.deploy.pools import template

    if flows.pool_type == "process" and not settings.sources:
        raise ConfigurationError(
            "No source is configured, so there is nothing to schedule.",
            where="finks.toml, [sources.<name>]",
            hint="Run in the directory of finks.toml, or name it with --config.",
        )
    around = Surroundings(
        flows=flow_cards(),
        template=template(flows, Marks(flows.project)),
        config=_config(flows, config),
        version=version("finks-flows"),
    )
    return make_plan(settings, flows, around, _secrets(settings, flows))


def flow_cards() -> list[FlowCard]:
    """Every flow of `finks_flows.flows`, by name."""
    from prefect import Flow
    from prefect.utilities.callables import parameter_schema

    from finks_flows import flows

    found = {name: each for name, each in vars(flows).items() if isinstance(each, Flow)}
    return [
        FlowCard(
            name=each.name,
            entrypoint=f"{flows.__name__}.{name}",
            description=each.description or "",
            schema=parameter_schema(each).model_dump(mode="json"),
        )
        for name, each in sorted(found.items())
    ]


def _config(flows: FlowsSettings, config: Path | None) -> str | None:
    """Where the worker finds the settings: on this machine where they are, on ECS in the image's directory."""
    if flows.config is not None:
        return str(flows.config)
    if flows.pool_type == "ecs":
        return None
    file = config or Path(FILE_NAME)
    file = file / FILE_NAME if file.is_dir() else file
    return str(file.resolve()) if file.exists() else None


def _secrets(settings: Settings, flows: FlowsSettings) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for path in flows.secrets:
        found: Any = settings.model_dump()
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if not isinstance(found, str) or not found:
            raise ConfigurationError(
                "A setting that runs take from a Secret block has no value here.",
                where=settings.place(path),
                expected="a text",
                hint="Set it where `finks deploy` runs, best in the environment, or take it out of flows.secrets.",
            )
        values[path] = found
    return values
