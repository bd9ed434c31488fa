"""What finks wants on a Prefect server, made from the settings alone: data, to be compared and applied.

Everything is named or tagged after the project, and so told apart from what others have made: see `Marks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final

from finks.run.sections import ScheduleSettings
from finks.run.settings import Settings, variable

from finks_flows.endings import FAILED, NO_FAILURE, SKIPPED, WELL
from finks_flows.environment import HEARTBEAT_SECONDS
from finks_flows.settings import FlowsSettings

Json = Any
"""What JSON can hold."""

ZOMBIE_AFTER: Final = timedelta(seconds=4 * HEARTBEAT_SECONDS)
"""A run whose heartbeat is missed three times over has died. Prefect's own advice is more than three."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How things of a project are known on a server that others use too."""

    project: str

    @property
    def tag(self) -> str:
        """On deployments, and so on their runs; on variables and automations."""
        return f"finks:{self.project}"

    @property
    def description(self) -> str:
        """Of the work pool, which can have no tag."""
        return f"Made by finks deploy for the project {self.project}."

    def limit(self, name: str) -> str:
        """The name of a global concurrency limit."""
        return f"{self.project}:{name}"

    def block(self, name: str) -> str:
        """The name of a block document."""
        return f"{self.project}-managed-{name.replace('_', '-').replace('.', '-')}"

    def variable(self, name: str) -> str:
        """The name of a Prefect variable."""
        return f"{self.project}_{name}"

    def automation(self, name: str) -> str:
        """The name of an automation."""
        return f"{self.project}: {name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that a server should have.

    Attributes:
        name: Among those of its kind.
        fields: What it should be.
        secret: Fields whose values are never shown.
    """

    kind: ClassVar[str]

    name: str
    fields: Mapping[str, Json]
    secret: frozenset[str] = frozenset()


class Pool(Wanted):
    """A work pool."""

    kind = "work pool"


class Limit(Wanted):
    """A global concurrency limit."""

    kind = "concurrency limit"


class Variable(Wanted):
    """A Prefect variable."""

    kind = "variable"


class Block(Wanted):
    """A block document. Its name is `type/name`, the type as a slug."""

    kind = "block"


class Deployment(Wanted):
    """A deployment. Its name is `flow/name`."""

    kind = "deployment"


class Automation(Wanted):
    """An automation. An action names a block as `type/name` instead of by its id."""

    kind = "automation"


@dataclass(frozen=True, slots=True)
class FlowCard:
    """What a deployment needs to know of a flow.

    Attributes:
        name: The flow's.
        entrypoint: The module and the flow in it, with dots.
        description: Its docstring.
        schema: The JSON Schema of its parameters.
    """

    name: str
    entrypoint: str
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan needs beside the settings.

    Attributes:
        flows: The flows to deploy.
        template: The work pool's base job template, as its worker's package has it.
        config: Where the worker finds the settings file; None for its working directory.
        version: Of finks.
    """

    flows: Sequence[FlowCard]
    template: Mapping[str, Json]
    config: str | None
    version: str


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """All that a project wants on a server."""

    marks: Marks
    pool: Pool
    limits: Sequence[Limit] = ()
    variables: Sequence[Variable] = ()
    blocks: Sequence[Block] = ()
    deployments: Sequence[Deployment] = ()
    automations: Sequence[Automation] = field(default=())

    def __iter__(self) -> Iterator[Wanted]:
        """In the order in which they are made: each refers only to what stands before it."""
        yield from self.blocks
        yield self.pool
        yield from self.limits
        yield from self.variables
        yield from self.deployments
        yield from self.automations


def make_plan(
    settings: Settings, flows: FlowsSettings, around: Surroundings, secrets: Mapping[str, str]
) -> DeploymentPlan:
    """What the settings ask for.

    Args:
        settings: Of finks.
        flows: Its section `[flows]`.
        around: What else is given.
        secrets: The values of the settings that `flows.secrets` names.
    """
    marks = Marks(flows.project)
    return DeploymentPlan(
        marks=marks,
        pool=_pool(flows, marks, around),
        limits=[Limit(marks.limit(name), {"limit": slots, "active": True}) for name, slots in flows.limits.items()],
        variables=_variables(settings, flows, marks),
        blocks=list(_blocks(flows, marks, secrets)),
        deployments=[_deployment(card, flows, settings.schedule, marks, around) for card in around.flows],
        automations=list(_automations(flows, marks)),
    )


def _pool(flows: FlowsSettings, marks: Marks, around: Surroundings) -> Pool:
    fields = {
        "type": flows.pool_type,
        "description": marks.description,
        "concurrency_limit": flows.concurrency,
        "is_paused": False,
        "base_job_template": around.template,
    }
    return Pool(flows.pool, fields)


def _variables(settings: Settings, flows: FlowsSettings, marks: Marks) -> list[Variable]:
    values = {"lake": str(settings.lake.path), **flows.variables}
    return [Variable(marks.variable(n), {"value": value, "tags": [marks.tag]}) for n, value in values.items()]


def run_environment(flows: FlowsSettings, marks: Marks) -> dict[str, str]:
    """Variables that the pool gives to every run. A block is named; the worker puts its value in when a run begins."""
    found = {
        variable(path.split(".")): f"{{{{ prefect.blocks.secret.{marks.block(path)} }}}}" for path in flows.secrets
    }
    if flows.results is not None:
        found["PREFECT_DEFAULT_RESULT_STORAGE_BLOCK"] = f"s3-bucket/{marks.block('results')}"
    return found


def _blocks(flows: FlowsSettings, marks: Marks, secrets: Mapping[str, str]) -> Iterator[Block]:
    for path, value in secrets.items():
        yield Block(f"secret/{marks.block(path)}", {"value": value}, frozenset({"value"}))
    if flows.webhook is not None:
        address = {"method": "POST", "url": flows.webhook.get_secret_value()}
        yield Block(f"webhook/{marks.block('webhook')}", address, frozenset({"url"}))
    if flows.results is not None:
        bucket, _, folder = flows.results.removeprefix("s3://").partition("/")
        # No key: the role of the task is what has the right.
        yield Block(f"s3-bucket/{marks.block('results')}", {"bucket_name": bucket, "bucket_folder": folder})


def _deployment(
    card: FlowCard, flows: FlowsSettings, schedule: ScheduleSettings, marks: Marks, around: Surroundings
) -> Deployment:
    crons = {"nightly": schedule.cron, "maintenance": flows.maintenance, "check_alerts": flows.check_alerts}
    cron = crons.get(card.entrypoint.rpartition(".")[2])
    takes = card.schema.get("properties", {})
    fields = {
        "entrypoint": card.entrypoint,
        "version": around.version,
        "description": card.description,
        "tags": [marks.tag],
        "parameters": {"config": around.config} if "config" in takes and around.config else {},
        "parameter_openapi_schema": card.schema,
        "enforce_parameter_schema": True,
        "work_pool_name": flows.pool,
        "job_variables": {},
        "concurrency_limit": 1,
        "collision_strategy": flows.collision,
        "paused": False,
        "schedules": [{"slug": "finks", "cron": cron, "timezone": schedule.zone, "active": True}] if cron else [],
    }
    return Deployment(f"{card.name}/{flows.project}", fields)


def _automations(flows: FlowsSettings, marks: Marks) -> Iterator[Automation]:
    # An event has the name of the state, and a run has more of them than Prefect's own.
    failed = [f"prefect.flow-run.{state}" for state in (*FAILED.values(), "TimedOut", "Crashed")]
    others = [f"prefect.flow-run.{state}" for state in (*WELL.values(), *NO_FAILURE.values(), SKIPPED, "Cancelled")]
    ended = [*others, *failed]
    beat = "prefect.flow-run.heartbeat"
    yield _silence(
        marks,
        "zombie runs",
        "A run whose heartbeats stopped is dead: nothing else ever ends it.",
        after=[beat],
        expect=[beat, *ended],
        within=ZOMBIE_AFTER,
    )
    yield _silence(
        marks,
        "lost runs",
        "A run that was handed to a worker and never began is lost.",
        after=["prefect.flow-run.Pending"],
        expect=["prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot", beat, *ended],
        within=timedelta(minutes=flows.lost_after),
    )
    if flows.webhook is not None:
        trigger = _trigger(marks, after=[], expect=failed)
        call = {"type": "call-webhook", "payload": _TOLD, "block": f"webhook/{marks.block('webhook')}"}
        yield _automation(marks, "failures", "Tells the webhook which run failed or died.", trigger, call)


_TOLD: Final = (
    '{"flow": "{{ flow.name }}", "run": "{{ flow_run.name }}", "run_id": "{{ flow_run.id }}", '
    '"state": "{{ flow_run.state.name }}", "link": "{{ flow_run|ui_url }}"}'
)


def _silence(
    marks: Marks, name: str, why: str, *, after: Sequence[str], expect: Sequence[str], within: timedelta
) -> Automation:
    trigger = _trigger(marks, after=after, expect=expect, posture="Proactive", within=within)
    crash = {
        "type": "change-flow-run-state",
        "state": "CRASHED",
        "message": f"{why} The lake is as its last commit left it.",
    }
    return _automation(marks, name, why, trigger, crash)


def _automation(
    marks: Marks, name: str, why: str, trigger: Mapping[str, Json], action: Mapping[str, Json]
) -> Automation:
    fields = {"description": why, "enabled": True, "tags": [marks.tag], "trigger": trigger, "actions": [action]}
    return Automation(marks.automation(name), fields)


def _trigger(
    marks: Marks,
    *,
    after: Sequence[str],
    expect: Sequence[str],
    posture: str = "Reactive",
    within: timedelta = timedelta(0),
) -> dict[str, Json]:
    return {
        "type": "event",
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "match_related": {"prefect.resource.id": f"prefect.tag.{marks.tag}", "prefect.resource.role": "tag"},
        "after": sorted(after),
        "expect": sorted(expect),
        "for_each": ["prefect.resource.id"],
        "posture": posture,
        "threshold": 1,
        "within": within.total_seconds(),
    }
