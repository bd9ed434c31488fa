"""What an index of a lake's lineage does. It holds the graph as the last run of every job left it.

Everything in it follows from the raw events, so it can be built again from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from finks.lake.place import Place
from finks.lineage.edges import Happening, RawEvent, edges, happening
from finks.lineage.model import Edge

TABLE: Final = "finks-lineage"
"""The DynamoDB table, unless a setting says otherwise."""


class LineageIndex(Protocol):
    """Small facts to walk by: which dataset came from which, and what happened in a run."""

    def add(self, happenings: Iterable[Happening], edges: Iterable[Edge]) -> None:
        """Take what a run did. Taking it again changes nothing.

        The edges of a job into a dataset take the place of those that an earlier run of the job left; those of a run
        that is older than what is there are passed over.
        """
        ...

    def upstream(self, dataset: str) -> list[Edge]:
        """The edges into a dataset."""
        ...

    def downstream(self, dataset: str) -> list[Edge]:
        """The edges out of a dataset."""
        ...

    def datasets(self) -> list[str]:
        """The labels of all datasets that some run read or wrote, sorted."""
        ...

    def run(self, run_id: str) -> list[Happening]:
        """What happened in a run, in order."""
        ...

    def clear(self) -> None:
        """Forget everything about this lake."""
        ...


def add_events(index: LineageIndex, events: Iterable[RawEvent]) -> None:
    """Take the events of one run into an index."""
    told = list(events)
    index.add([happening(event) for event in told], edges(told))


def by_job(found: Iterable[Edge]) -> dict[tuple[str, str], list[Edge]]:
    """Edges by what takes the place of what: the target and the job."""
    groups: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in found:
        groups[edge.target, edge.job].append(edge)
    return groups


def index_of(place: Place, table: str = TABLE) -> LineageIndex:
    """The index of the lake at a place: a SQLite file in its directory, or a DynamoDB table for a lake on S3.

    Args:
        table: The DynamoDB table.
    """
    if place.address.startswith("s3://"):
        from finks.lake.aws import aws
        from finks.lineage.dynamo_index import DynamoIndex

        return DynamoIndex(aws().client("dynamodb"), table, place.address)
    from finks.lineage.sqlite_index import SqliteIndex

    return SqliteIndex(Path(place.address) / "lineage.db")
