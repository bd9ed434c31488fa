"""Which Athena execution answers a query, so that nobody starts it twice: in this process, or shared in DynamoDB.

A query is known by a digest that holds its snapshots, so what is remembered never becomes wrong.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Protocol

_KEPT: Final = 10_000
KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long DynamoDB keeps an entry. The bucket's lifecycle may remove results earlier; they are then made again."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What is known of a query.

    Attributes:
        attempt: How often it had to be started anew, because it failed or its result is gone.
        id: Athena's id of the execution; None before it was started.
        result: Where its rows are; None before it succeeded.
    """

    attempt: int = 0
    id: str | None = None
    result: str | None = None

    @property
    def rank(self) -> int:
        """The higher of two is the later one."""
        return 3 * self.attempt + (self.id is not None) + (self.result is not None)


class Executions(Protocol):
    """Remembers executions; may be used by several threads."""

    def find(self, query: str) -> Execution:
        """What is known of a query, by its digest."""
        ...

    def note(self, query: str, execution: Execution) -> None:
        """Remember it, unless something later is known."""
        ...


class MemoryExecutions:
    """Those of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Execution] = OrderedDict()

    def find(self, query: str) -> Execution:
        """See `Executions`."""
        with self._lock:
            return self._known.get(query, Execution())

    def note(self, query: str, execution: Execution) -> None:
        """See `Executions`."""
        with self._lock:
            if execution.rank >= self._known.get(query, Execution()).rank:
                self._known[query] = execution
                self._known.move_to_end(query)
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)


class DynamoExecutions:
    """Those of all processes of an API, and nearer the ones that this process met.

    Args:
        client: boto3's client of DynamoDB.
        table: The table. Its key is the string `query`; `expires` is its time to live.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._near = MemoryExecutions()

    def find(self, query: str) -> Execution:
        """See `Executions`."""
        near = self._near.find(query)
        if near.id is not None:
            return near
        item = self._client.get_item(TableName=self._table, Key={"query": {"S": query}}, ConsistentRead=True)
        self._near.note(query, _execution(item.get("Item", {})))
        return self._near.find(query)

    def note(self, query: str, execution: Execution) -> None:
        """See `Executions`."""
        self._near.note(query, execution)
        item = {
            "query": {"S": query},
            "attempt": {"N": str(execution.attempt)},
            "rank": {"N": str(execution.rank)},
            "expires": {"N": str(int(time.time()) + KEPT_SECONDS)},
            **{name: {"S": value} for name, value in (("id", execution.id), ("result", execution.result)) if value},
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#query) or #rank < :rank",
                ExpressionAttributeNames={"#query": "query", "#rank": "rank"},
                ExpressionAttributeValues={":rank": item["rank"]},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # another process is as far, or further


def _execution(item: dict[str, Any]) -> Execution:
    return Execution(
        int(item.get("attempt", {}).get("N", "0")), item.get("id", {}).get("S"), item.get("result", {}).get("S")
    )
