"""Bringing a server to a plan, and saying how it differs from it. Deploying twice changes nothing the second time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finks.errors import ConflictError

from finks_flows.deploy.difference import Difference, compare
from finks_flows.deploy.plan import DeploymentPlan, Wanted
from finks_flows.deploy.server import KINDS, Found, Kind

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def diff(plan: DeploymentPlan, client: PrefectClient) -> list[Difference]:
    """How a server differs from a plan.

    Raises:
        ConflictError: Something that finks did not make has a name that the plan needs.
    """
    return [difference for state in await _look(plan, client) for difference in state.differences()]


async def apply(plan: DeploymentPlan, client: PrefectClient) -> list[Difference]:
    """Make a server as a plan has it; what is so already is not touched.

    Returns:
        What was done: nothing the second time.

    Raises:
        ConflictError: Something that finks did not make has a name that the plan needs. Nothing was done.
    """
    states = await _look(plan, client)
    done = [difference for state in states for difference in state.differences()]
    for state in states:
        await state.make()
    for state in reversed(states):
        await state.prune()
    return done


async def _look(plan: DeploymentPlan, client: PrefectClient) -> list[_State]:
    states = [_State(kind(client, plan.marks), [each for each in plan if each.kind == kind.name]) for kind in KINDS]
    for state in states:
        state.found = await state.kind.read()
        state.refuse_foreign()
    return states


@dataclass(slots=True)
class _State:
    """Of one kind: what is wanted, and what there is."""

    kind: Kind
    wanted: Sequence[Wanted]
    found: Mapping[str, Found]

    def __init__(self, kind: Kind, wanted: Sequence[Wanted]) -> None:
        self.kind, self.wanted, self.found = kind, wanted, {}

    def differences(self) -> list[Difference]:
        """What is to be made, changed and removed."""
        differing: list[Difference] = []
        for thing in self.wanted:
            there = self.found.get(thing.name)
            if there is None:
                differing.append(Difference(thing.kind, thing.name, "create"))
            elif fields := compare(thing, there.fields):
                differing.append(Difference(thing.kind, thing.name, "update", fields))
        return [*differing, *(Difference(self.kind.name, name, "remove") for name in self._unwanted())]

    async def make(self) -> None:
        """Make what is not there, change what differs."""
        for thing in self.wanted:
            there = self.found.get(thing.name)
            if there is None:
                await self.kind.create(thing)
            elif compare(thing, there.fields):
                await self.kind.update(thing, there)

    async def prune(self) -> None:
        """Remove what finks made and no longer wants."""
        for name in self._unwanted():
            await self.kind.remove(self.found[name])

    def refuse_foreign(self) -> None:
        """Nothing that somebody else made is changed."""
        for thing in self.wanted:
            there = self.found.get(thing.name)
            if there is not None and not there.ours:
                raise ConflictError(
                    f"A {thing.kind} of this name is there, and finks did not make it.",
                    where=f"{thing.kind} {thing.name!r} on the Prefect server",
                    expected=f"the mark {self.kind.marks.tag!r} on it, or no such {thing.kind}",
                    hint="Give it the mark back, remove it, or choose another flows.project or flows.pool.",
                )
            if there is not None and thing.fields.get("type", there.fields.get("type")) != there.fields.get("type"):
                raise ConflictError(
                    "A work pool cannot become one of another type.",
                    where=f"{thing.kind} {thing.name!r} on the Prefect server",
                    expected=str(thing.fields["type"]),
                    got=str(there.fields["type"]),
                    hint="Choose another name with flows.pool.",
                )

    def _unwanted(self) -> list[str]:
        names = {thing.name for thing in self.wanted}
        return [name for name, there in self.found.items() if there.ours and name not in names]
