"""`[flows]` in finks.toml: how runs are scheduled and where they are started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from finks.errors import ConfigurationError
from finks.run.sections import Section
from finks.run.settings import Settings, variable
from pydantic import Field, SecretStr, StringConstraints, ValidationError

SECTION: Final = "flows"

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
_Arn = Annotated[str, StringConstraints(pattern=r"^arn:")]


class EcsSettings(Section):
    """What a run's task on AWS ECS has. What is absent here is as the worker's own task, or as AWS has it."""

    image: str = Field(min_length=1, description="The image of the runs: that of `deploy/flows.Dockerfile`.")
    cluster: str | None = Field(default=None, description="The cluster; the account's default when absent.")
    task_role_arn: _Arn | None = Field(default=None, description="What a run may do: the lake, Glue, Athena.")
    execution_role_arn: _Arn | None = Field(default=None, description="What ECS may do for it: pull, log, secrets.")
    vpc_id: str | None = Field(default=None, description="The network.")
    subnets: tuple[str, ...] = Field(default=(), description="Its subnets.")
    security_groups: tuple[str, ...] = Field(default=(), description="Its security groups.")
    cpu: int = Field(default=1024, ge=256, description="CPU units.")
    memory: int = Field(default=4096, ge=512, description="MiB.")
    log_group: str | None = Field(default=None, description="The CloudWatch group that takes a run's log.")
    secrets: dict[str, _Arn] = Field(
        default_factory=dict, description="Variables of a run, each from a secret of AWS Secrets Manager."
    )


class FlowsSettings(Section):
    """How runs are scheduled and where they are started."""

    project: str = Field(
        default="finks",
        pattern=r"^[a-z][a-z0-9]*$",
        description="Names and marks what is deployed. Two lakes on one server need two.",
    )
    api_url: str | None = Field(
        default=None,
        pattern=r"^https?://.+/api$",
        description="The Prefect server; PREFECT_API_URL, else the one of `finks flows up`, when absent.",
    )
    api_auth: SecretStr | None = Field(
        default=None, description="`user:password` for it; PREFECT_API_AUTH_STRING when absent."
    )
    pool: str = Field(default="finks", min_length=1, description="The work pool.")
    pool_type: Literal["process", "ecs"] = Field(
        default="process", description="Whether a run is a process beside the worker, or a task on AWS ECS."
    )
    concurrency: int = Field(default=2, ge=1, description="Runs at once on the pool.")
    collision: Literal["ENQUEUE", "CANCEL_NEW"] = Field(
        default="ENQUEUE", description="What becomes of a run whose deployment runs already: it waits, or is cancelled."
    )
    config: Path | None = Field(
        default=None,
        description="Where the worker finds finks.toml, if not where `finks deploy` does.",
    )
    maintenance: str | None = Field(
        default="0 6 * * 0", description="When tables are maintained, as cron in the schedule's zone; never when empty."
    )
    check_alerts: str | None = Field(
        default="0 * * * *",
        description="When it is looked for runs that never ended or began, as cron in the schedule's zone.",
    )
    limits: dict[_Name, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Global concurrency limits, for flows of yours: how many runs at once hold a thing of that name.",
    )
    variables: dict[_Name, Any] = Field(
        default_factory=dict, description="Prefect variables to set, beside the lake's address."
    )
    secrets: tuple[str, ...] = Field(
        default=(),
        description="Settings, for example `sources.fmp.api_key`, that a run takes from a Secret block.",
    )
    webhook: SecretStr | None = Field(
        default=None, description="The address that Prefect calls when a run failed or died."
    )
    results: str | None = Field(
        default=None, pattern=r"^s3://[^/]+(/.*)?$", description="Where results that a task keeps go, with ECS."
    )
    lost_after: int = Field(
        default=15, ge=1, description="Minutes after which a run that never began counts as crashed."
    )
    ecs: EcsSettings | None = Field(default=None, description="The tasks of a pool of the type ecs.")


def flows_settings(settings: Settings) -> FlowsSettings:
    """The section `[flows]`, checked.

    Raises:
        ConfigurationError: Names the setting and what was expected; never shows a value, which may be a secret.
    """
    try:
        found = FlowsSettings.model_validate(settings.flows)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    else:
        if found.pool_type == "ecs" and found.ecs is None:
            raise ConfigurationError(
                "A pool of the type ecs needs its tasks described.",
                where=settings.place(f"{SECTION}.pool_type"),
                expected="a section [flows.ecs] with at least the image",
                hint="docs/flows.md shows one.",
            )
        return found
    path = [SECTION, *(str(part) for part in first["loc"])]
    unknown = first["type"] == "extra_forbidden"
    raise ConfigurationError(
        "A setting of the flows is not known." if unknown else "A setting of the flows is wrong.",
        where=settings.place(".".join(path)),
        expected=f"one of {', '.join(sorted(FlowsSettings.model_fields))}" if unknown else first["msg"],
        hint=f"docs/flows.md lists the settings; {variable(path)} in the environment wins over the file.",
    )
