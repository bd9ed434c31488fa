"""The index of a lake on S3: small items in one DynamoDB table, which several lakes may share.

| PK | SK | what it says |
|---|---|---|
| `LAKE#<lake>` | `DS#<dataset>` | the lake has this dataset |
| `LAKE#<lake>` | `RUN#<run id>` | and this run |
| `DS#<lake>#<dataset>` | `UP#<source>#<job>` | the dataset came from the source |
| `DS#<lake>#<dataset>` | `DOWN#<target>#<job>` | the same edge from its other end |
| `RUN#<run id>` | `EVT#<time>#<type>#<job>` | what happened in the run |
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from finks.errors import SourceUnavailableError
from finks.lake.aws_errors import told
from finks.lineage.edges import Happening
from finks.lineage.index import by_job
from finks.lineage.model import Edge
from finks.lineage.sqlite_index import as_text, from_text

_BATCH: Final = 25
"""Items of one BatchWriteItem (Amazon DynamoDB API reference)."""

_TRIES: Final = 8
_FIRST_WAIT: Final = 0.05

Item = dict[str, Any]


class DynamoIndex:
    """See `LineageIndex`.

    Args:
        client: A boto3 DynamoDB client.
        table: Made when it is absent.
        lake: The lake's address.
    """

    def __init__(self, client: Any, table: str, lake: str) -> None:
        self._client = client
        self._table = table
        self._lake = lake

    def add(self, happenings: Iterable[Happening], edges: Iterable[Edge]) -> None:
        """See `LineageIndex`."""
        with told():
            puts = [item for happened in happenings for item in self._told(happened)]
            deletes: list[Item] = []
            known: dict[str, list[Edge]] = {}
            for (target, job), group in by_job(edges).items():
                if target not in known:
                    known[target] = self._edges(target, "UP#")
                before = [edge for edge in known[target] if edge.job == job]
                if any(edge.at > group[0].at for edge in before):
                    continue
                sources = {edge.source for edge in group}
                deletes += [item for edge in before if edge.source not in sources for item in self._ends(edge)]
                puts += [item for edge in group for item in (*self._ends(edge), *self._named(edge))]
            self._write([{"PutRequest": {"Item": item}} for item in _once(puts)])
            self._write([{"DeleteRequest": {"Key": _key(item)}} for item in _once(deletes)])

    def upstream(self, dataset: str) -> list[Edge]:
        """See `LineageIndex`."""
        with told():
            return self._edges(dataset, "UP#")

    def downstream(self, dataset: str) -> list[Edge]:
        """See `LineageIndex`."""
        with told():
            return self._edges(dataset, "DOWN#")

    def datasets(self) -> list[str]:
        """See `LineageIndex`."""
        with told():
            return [item["SK"]["S"].removeprefix("DS#") for item in self._query(f"LAKE#{self._lake}", "DS#")]

    def run(self, run_id: str) -> list[Happening]:
        """See `LineageIndex`."""
        with told():
            items = list(self._query(f"RUN#{run_id}", "EVT#"))
        found = [
            Happening(run_id, item["job"]["S"], item["type"]["S"], datetime.fromisoformat(item["at"]["S"]))
            for item in items
        ]
        return sorted(found, key=lambda item: (item.at, item.job, item.type != "START", item.type))

    def clear(self) -> None:
        """See `LineageIndex`."""
        with told():
            own = list(self._query(f"LAKE#{self._lake}", ""))
            items = list(own)
            for item in own:
                kind, _, name = item["SK"]["S"].partition("#")
                items += self._query(f"DS#{self._lake}#{name}" if kind == "DS" else f"RUN#{name}", "")
            self._write([{"DeleteRequest": {"Key": _key(item)}} for item in items])

    def _ends(self, edge: Edge) -> list[Item]:
        values = {
            "source": _text(edge.source), "target": _text(edge.target), "job": _text(edge.job),
            "run_id": _text(edge.run_id), "at": _text(edge.at.isoformat()),
        }  # fmt: skip
        columns = as_text(edge.columns)
        if columns is not None:
            values["columns"] = _text(columns)
        return [
            {**_named_key(f"DS#{self._lake}#{edge.target}", f"UP#{edge.source}#{edge.job}"), **values},
            {**_named_key(f"DS#{self._lake}#{edge.source}", f"DOWN#{edge.target}#{edge.job}"), **values},
        ]

    def _named(self, edge: Edge) -> list[Item]:
        return [_named_key(f"LAKE#{self._lake}", f"DS#{name}") for name in (edge.source, edge.target)]

    def _told(self, happened: Happening) -> list[Item]:
        at = happened.at.isoformat()
        return [
            _named_key(f"LAKE#{self._lake}", f"RUN#{happened.run_id}"),
            {
                **_named_key(f"RUN#{happened.run_id}", f"EVT#{at}#{happened.type}#{happened.job}"),
                "job": _text(happened.job), "type": _text(happened.type), "at": _text(at),
            },
        ]  # fmt: skip

    def _edges(self, dataset: str, direction: str) -> list[Edge]:
        return [_edge(item) for item in self._query(f"DS#{self._lake}#{dataset}", direction)]

    def _query(self, partition: str, prefix: str) -> Iterator[Item]:
        condition, values = "PK = :pk", {":pk": _text(partition)}
        if prefix:
            condition, values = f"{condition} AND begins_with(SK, :sk)", {**values, ":sk": _text(prefix)}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        try:
            for page in pages:
                yield from page["Items"]
        except self._client.exceptions.ResourceNotFoundException:
            return

    def _write(self, requests: list[Item]) -> None:
        """Send all; what the table was too busy for is sent again."""
        tries = 0
        while requests:
            answer = self._send(requests[:_BATCH])
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            requests = left + requests[_BATCH:]
            tries = tries + 1 if left else 0
            if tries == _TRIES:
                raise SourceUnavailableError(
                    "The lineage table is too busy.",
                    where=f"DynamoDB table {self._table}",
                    hint="`finks lineage --rebuild` adds what is missing later.",
                )
            if left:
                time.sleep(_FIRST_WAIT * 2**tries)

    def _send(self, requests: list[Item]) -> Item:
        try:
            return self._client.batch_write_item(RequestItems={self._table: requests})
        except self._client.exceptions.ResourceNotFoundException:
            self._make_table()
            return self._client.batch_write_item(RequestItems={self._table: requests})

    def _make_table(self) -> None:
        with suppress(self._client.exceptions.ResourceInUseException):
            self._client.create_table(
                TableName=self._table,
                KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
                BillingMode="PAY_PER_REQUEST",
            )
            self._client.get_waiter("table_exists").wait(TableName=self._table, WaiterConfig={"Delay": 1})


def _edge(item: Item) -> Edge:
    source, target, job, run_id = (item[name]["S"] for name in ("source", "target", "job", "run_id"))
    columns = from_text(item["columns"]["S"] if "columns" in item else None)
    return Edge(source, target, job, run_id, datetime.fromisoformat(item["at"]["S"]), columns)


def _once(items: Iterable[Item]) -> list[Item]:
    """One item for each key: a batch with two of the same is refused."""
    return list({(item["PK"]["S"], item["SK"]["S"]): item for item in items}.values())


def _key(item: Item) -> Item:
    return {"PK": item["PK"], "SK": item["SK"]}


def _named_key(partition: str, sort: str) -> Item:
    return {"PK": _text(partition), "SK": _text(sort)}


def _text(value: str) -> dict[str, str]:
    return {"S": value}
