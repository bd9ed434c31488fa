"""From raw events to what an index keeps: edges between datasets, and what happened in a run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finks.lineage.model import Edge

RawEvent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a run, as an index keeps it: `(run_id, job, type)` names it."""

    run_id: str
    job: str
    type: str
    at: datetime


def happening(event: RawEvent) -> Happening:
    """What an event says happened."""
    return Happening(run_of(event), event["job"]["name"], event["eventType"], _time(event))


def run_of(event: RawEvent) -> str:
    """The run that an event belongs to: its parent's id, or its own where it has none."""
    parent = event["run"].get("facets", {}).get("parent")
    return event["run"]["runId"] if parent is None else parent["run"]["runId"]


def edges(events: Iterable[RawEvent]) -> Iterator[Edge]:
    """An edge from every input to every output of a job that ended."""
    for event in events:
        if event["eventType"] == "START":
            continue
        for output in event.get("outputs", []):
            for source in event.get("inputs", []):
                yield Edge(
                    label(source, event),
                    label(output, event),
                    event["job"]["name"],
                    run_of(event),
                    _time(event),
                    _columns(source, output),
                )


def label(dataset: Mapping[str, Any], event: RawEvent) -> str:
    """What finks calls a dataset: its name in the lake's namespace, else its address."""
    for link in dataset.get("facets", {}).get("symlinks", {}).get("identifiers", []):
        if link["namespace"] == event["job"]["namespace"]:
            return link["name"]
    namespace, name = dataset["namespace"], dataset["name"]
    return f"file://{name}" if namespace == "file" else f"{namespace}{'' if name.startswith('/') else '/'}{name}"


def _columns(source: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, tuple[str, ...]] | None:
    facet = output.get("facets", {}).get("columnLineage")
    if facet is None:
        return None
    name = (source["namespace"], source["name"])
    found = {
        column: tuple(item["field"] for item in value["inputFields"] if (item["namespace"], item["name"]) == name)
        for column, value in facet["fields"].items()
    }
    return {column: fields for column, fields in found.items() if fields}


def _time(event: RawEvent) -> datetime:
    return datetime.fromisoformat(event["eventTime"])
