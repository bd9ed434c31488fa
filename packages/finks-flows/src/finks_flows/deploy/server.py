"""What a Prefect server has, kind by kind: read, made, changed, removed."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from finks_flows.deploy import plan as wanted
from finks_flows.deploy.plan import Marks, Wanted

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a server has.

    Attributes:
        identity: What the server knows it by.
        fields: What it is, in the form of `Wanted.fields`.
        ours: Whether finks made it, for the same project.
    """

    identity: Any
    fields: Mapping[str, Any]
    ours: bool


class Kind(ABC):
    """One kind of thing on a server."""

    name: ClassVar[str]

    def __init__(self, client: PrefectClient, marks: Marks) -> None:
        self.client = client
        self.marks = marks

    @abstractmethod
    async def read(self) -> Mapping[str, Found]:
        """All that there is, by name."""

    @abstractmethod
    async def create(self, thing: Wanted) -> None:
        """Make a thing that is not there."""

    @abstractmethod
    async def update(self, thing: Wanted, found: Found) -> None:
        """Change what is there to what is wanted."""

    @abstractmethod
    async def remove(self, found: Found) -> None:
        """Remove what is there."""

    def owns(self, tags: Sequence[str] | None) -> bool:
        """Whether these are tags of a thing that finks made for the project."""
        return self.marks.tag in (tags or ())


class Pools(Kind):
    """Work pools."""

    name = wanted.Pool.kind

    async def read(self) -> Mapping[str, Found]:
        """All work pools."""
        pools = await self.client.read_work_pools(limit=_PAGE)
        return {
            pool.name: Found(
                pool.name, pool.model_dump(mode="json"), (pool.description or "") == self.marks.description
            )
            for pool in pools
        }

    async def create(self, thing: Wanted) -> None:
        """Make a work pool."""
        from prefect.client.schemas.actions import WorkPoolCreate

        await self.client.create_work_pool(WorkPoolCreate(name=thing.name, **thing.fields))

    async def update(self, thing: Wanted, found: Found) -> None:
        """Change a work pool; its type stays."""
        from prefect.client.schemas.actions import WorkPoolUpdate

        changes = {name: value for name, value in thing.fields.items() if name != "type"}
        await self.client.update_work_pool(found.identity, WorkPoolUpdate(**changes))

    async def remove(self, found: Found) -> None:
        """Remove a work pool; the server takes what is deployed to it off it."""
        await self.client.delete_work_pool(found.identity)


class Limits(Kind):
    """Global concurrency limits."""

    name = wanted.Limit.kind

    async def read(self) -> Mapping[str, Found]:
        """All global limits; those of deployments are named after them."""
        limits = await self.client.read_global_concurrency_limits(limit=_PAGE)
        return {
            limit.name: Found(limit.name, limit.model_dump(mode="json"), limit.name.startswith(self.marks.limit("")))
            for limit in limits
        }

    async def create(self, thing: Wanted) -> None:
        """Make a limit."""
        from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

        await self.client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=thing.name, **thing.fields))

    async def update(self, thing: Wanted, found: Found) -> None:
        """Change a limit; whoever holds a slot of it keeps it."""
        from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

        await self.client.update_global_concurrency_limit(found.identity, GlobalConcurrencyLimitUpdate(**thing.fields))

    async def remove(self, found: Found) -> None:
        """Remove a limit."""
        await self.client.delete_global_concurrency_limit_by_name(found.identity)


class Variables(Kind):
    """Prefect variables."""

    name = wanted.Variable.kind

    async def read(self) -> Mapping[str, Found]:
        """All variables."""
        variables = await self.client.read_variables(limit=_PAGE)
        return {
            each.name: Found(each.name, {"value": each.value, "tags": each.tags}, self.owns(each.tags))
            for each in variables
        }

    async def create(self, thing: Wanted) -> None:
        """Make a variable."""
        from prefect.client.schemas.actions import VariableCreate

        await self.client.create_variable(VariableCreate(name=thing.name, **thing.fields))

    async def update(self, thing: Wanted, found: Found) -> None:
        """Change a variable."""
        from prefect.client.schemas.actions import VariableUpdate

        await self.client.update_variable(VariableUpdate(name=found.identity, **thing.fields))

    async def remove(self, found: Found) -> None:
        """Remove a variable."""
        await self.client.delete_variable_by_name(found.identity)


class Blocks(Kind):
    """Block documents."""

    name = wanted.Block.kind

    async def read(self) -> Mapping[str, Found]:
        """All block documents, with their secrets, which are compared and never shown."""
        documents = await self.client.read_block_documents(include_secrets=True, limit=_PAGE)
        return {
            f"{document.block_type.slug}/{document.name}": Found(
                document.id, document.data, document.name.startswith(self.marks.block(""))
            )
            for document in documents
            if document.block_type is not None and document.name is not None
        }

    async def create(self, thing: Wanted) -> None:
        """Make a block document, and register its type."""
        await self._save(thing)

    async def update(self, thing: Wanted, found: Found) -> None:
        """Change a block document; it keeps its id."""
        await self._save(thing)

    async def remove(self, found: Found) -> None:
        """Remove a block document."""
        await self.client.delete_block_document(found.identity)

    async def _save(self, thing: Wanted) -> None:
        slug, _, name = thing.name.partition("/")
        block = _block_type(slug).model_validate(dict(thing.fields))
        await block.asave(name, overwrite=True, client=self.client)


class Deployments(Kind):
    """Deployments."""

    name = wanted.Deployment.kind

    async def read(self) -> Mapping[str, Found]:
        """All deployments."""
        flows = {flow.id: flow.name for flow in await self._all(self.client.read_flows)}
        return {
            f"{flows[each.flow_id]}/{each.name}": Found(each.id, _fields_of(each), self.owns(each.tags))
            for each in await self._all(self.client.read_deployments)
        }

    async def create(self, thing: Wanted) -> None:
        """Make a deployment, or write it anew: the server then keeps its id and its runs."""
        from prefect.client.schemas.actions import DeploymentScheduleCreate
        from prefect.client.schemas.objects import ConcurrencyOptions
        from prefect.client.schemas.schedules import CronSchedule

        fields = dict(thing.fields)
        flow, _, name = thing.name.partition("/")
        options = ConcurrencyOptions(collision_strategy=fields.pop("collision_strategy"))
        schedules = [
            DeploymentScheduleCreate(
                slug=each["slug"],
                active=each["active"],
                schedule=CronSchedule(cron=each["cron"], timezone=each["timezone"]),
            )
            for each in fields.pop("schedules")
        ]
        await self.client.create_deployment(
            flow_id=await self.client.create_flow_from_name(flow),
            name=name,
            concurrency_options=options,
            schedules=schedules,
            **fields,
        )

    async def update(self, thing: Wanted, found: Found) -> None:
        """Write a deployment anew, and nothing of what stood there stays."""
        await self.create(thing)

    async def remove(self, found: Found) -> None:
        """Remove a deployment; its runs stay."""
        await self.client.delete_deployment(found.identity)

    async def _all(self, read: Any) -> list[Any]:
        found: list[Any] = []
        while page := await read(limit=_PAGE, offset=len(found)):
            found += page
        return found


class Automations(Kind):
    """Automations."""

    name = wanted.Automation.kind

    async def read(self) -> Mapping[str, Found]:
        """All automations by name. Of two with one name the later is not ours to keep: it is named apart."""
        blocks = {str(found.identity): name for name, found in (await Blocks(self.client, self.marks).read()).items()}
        found: dict[str, Found] = {}
        for each in sorted(await self.client.read_automations(limit=_PAGE), key=lambda a: str(a.id)):
            name = each.name if each.name not in found else f"{each.name} ({each.id})"
            found[name] = Found(each.id, _automation_fields(each, blocks), self.owns(each.tags))
        return found

    async def create(self, thing: Wanted) -> None:
        """Make an automation."""
        await self.client.create_automation(await self._made(thing))

    async def update(self, thing: Wanted, found: Found) -> None:
        """Change an automation."""
        await self.client.update_automation(found.identity, await self._made(thing))

    async def remove(self, found: Found) -> None:
        """Remove an automation."""
        await self.client.delete_automation(found.identity)

    async def _made(self, thing: Wanted) -> Any:
        from prefect.events.schemas.automations import AutomationCore

        blocks = await Blocks(self.client, self.marks).read()
        actions = [
            {
                **{name: value for name, value in action.items() if name != "block"},
                **({"block_document_id": blocks[action["block"]].identity} if "block" in action else {}),
            }
            for action in thing.fields["actions"]
        ]
        return AutomationCore.model_validate({"name": thing.name, **thing.fields, "actions": actions})


KINDS: Sequence[type[Kind]] = (Blocks, Pools, Limits, Variables, Deployments, Automations)
"""In the order in which things are made; they are removed in the other."""


def _fields_of(deployment: Any) -> dict[str, Any]:
    dumped = deployment.model_dump(mode="json", exclude={"concurrency_limit"})
    limit, options = dumped["global_concurrency_limit"], dumped["concurrency_options"]
    schedules = [
        {
            "slug": each["slug"],
            "cron": each["schedule"].get("cron"),
            "timezone": each["schedule"].get("timezone"),
            "active": each["active"],
        }
        for each in sorted(dumped["schedules"], key=lambda each: each["slug"] or "")
    ]
    return {
        **dumped,
        "concurrency_limit": limit["limit"] if limit and limit["active"] else None,
        "collision_strategy": options["collision_strategy"] if options else None,
        "schedules": schedules,
    }


def _automation_fields(automation: Any, blocks: Mapping[str, str]) -> dict[str, Any]:
    dumped = automation.model_dump(mode="json", exclude_none=True)
    trigger = dumped["trigger"]
    for name in ("after", "expect", "for_each"):
        trigger[name] = sorted(trigger.get(name, ()))
    for name in ("match", "match_related"):
        trigger[name] = {label: _single(value) for label, value in trigger.get(name, {}).items()}
    for action in dumped["actions"]:
        if "block_document_id" in action:
            identity = action.pop("block_document_id")
            action["block"] = blocks.get(identity, identity)
        action.pop("force", None)
    return json.loads(json.dumps(dumped))


def _single(value: Any) -> Any:
    """A label may have one value, or a list that holds one."""
    listed = cast(list[Any], value) if isinstance(value, list) else [value]
    return listed[0] if len(listed) == 1 else listed


def _block_type(slug: str) -> Any:
    if slug == "secret":
        from prefect.blocks.system import Secret

        return Secret
    if slug == "webhook":
        from prefect.blocks.webhook import Webhook

        return Webhook
    from prefect_aws.s3 import S3Bucket

    return S3Bucket
