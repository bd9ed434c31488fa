"""Glue in front of the emulator's: what it has is passed through, what it lacks or answers otherwise than AWS is added.

Every request goes to the emulator first, untouched, so that with enforcement on the emulator checks the caller's
signature and permission also of an operation that it does not have. What is added here runs as the account's root.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from finks_local.emulator.forwarding import Forwarding
from finks_local.emulator.glue_versions import Shape, TableVersions, as_on_the_wire
from finks_local.emulator.partition_filter import matching
from finks_local.store import Store
from finks_local.wire import Call, Reply, ServiceError

SERVICE: Final = "AWSGlue"
_DELETIONS: Final = ("DeleteTable", "BatchDeleteTable", "DeleteDatabase")


class GlueGateway:
    """Answers Glue's operations.

    Args:
        emulator: The way to the emulator.
        store: Where old versions of tables are kept.
    """

    def __init__(self, emulator: Forwarding, store: Store) -> None:
        self._emulator = emulator
        self._client = lru_cache(maxsize=8)(self._make_client)
        self._versions = TableVersions(store)
        self._added: Mapping[str, Callable[[Any, Shape], Shape]] = {
            "GetTableVersions": self._versions.list,
            "GetTableVersion": self._versions.get,
            "DeleteTableVersion": self._versions.delete,
            "BatchDeleteTableVersion": self._versions.delete_batch,
            "BatchDeletePartition": _batch_delete_partition,
        }
        self._corrected: Mapping[str, Callable[[Any, Shape, Shape], Shape]] = {
            "GetTable": _correct_table,
            "GetTables": _correct_tables,
            "GetPartitions": _correct_partitions,
        }

    def answer(self, call: Call) -> Reply:
        """Answer a request.

        Raises:
            ServiceError: The request is refused here, not by the emulator.
        """
        operation = call.operation
        glue = self._client(call.region)
        old = self._versions.before_update(glue, call.json()) if operation == "UpdateTable" else None
        reply = self._emulator.pass_on(call)
        if reply.status >= 400:
            if operation in self._added and reply.json().get("__type", "").endswith("InvalidAction"):
                return Reply.of(self._added[operation](glue, call.json()))
            return reply
        if old is not None:
            self._versions.keep(old)
        if operation in _DELETIONS:
            self._versions.forget(operation, call.json())
        if operation in self._corrected:
            return Reply.of(self._corrected[operation](glue, call.json(), reply.json()))
        return reply

    def _make_client(self, region: str) -> Any:
        return boto3.client(
            "glue",
            endpoint_url=self._emulator.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=40),
        )


def _batch_delete_partition(glue: Any, request: Shape) -> Shape:
    place = {"DatabaseName": request["DatabaseName"], "TableName": request["TableName"]}
    errors: list[Shape] = []
    for wanted in request["PartitionsToDelete"]:
        values = wanted["Values"]
        try:
            # The emulator's DeletePartition does not say that there was none.
            glue.get_partition(**place, PartitionValues=values)
            glue.delete_partition(**place, PartitionValues=values)
        except ClientError as error:
            code, message = told(error)
            detail = {"ErrorCode": code, "ErrorMessage": message}
            errors.append({"PartitionValues": values, "ErrorDetail": detail})
    return {"Errors": errors}


def told(error: ClientError) -> tuple[str, str]:
    """The code and the message of a service's error."""
    response: Any = error.response
    return response["Error"]["Code"], response["Error"]["Message"]


def _correct_table(_glue: Any, _request: Shape, reply: Shape) -> Shape:
    return {**reply, "Table": as_on_the_wire(reply["Table"])}


def _correct_tables(glue: Any, request: Shape, reply: Shape) -> Shape:
    """AWS reads `Expression` as a regular expression, and says so when the database does not exist."""
    database = request["DatabaseName"]
    tables: list[Shape] = reply["TableList"]
    if expression := request.get("Expression"):
        pattern = _compiled(expression)
        pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
        tables = [table for page in pages for table in page["TableList"] if pattern.fullmatch(table["Name"])]
    elif not tables:
        _found(lambda: glue.get_database(Name=database), f"Database {database} not found.")
    return {**reply, "TableList": [as_on_the_wire(table) for table in tables]}


def _correct_partitions(glue: Any, request: Shape, reply: Shape) -> Shape:
    """AWS heeds `Expression`, `Segment` and `ExcludeColumnSchema`, and says so when the table does not exist."""
    partitions: list[Shape] = reply["Partitions"]
    expression = request.get("Expression")
    if expression or not partitions:
        name = request["TableName"]
        table = _found(
            lambda: glue.get_table(DatabaseName=request["DatabaseName"], Name=name), f"Table {name} not found."
        )
        if expression:
            keys = [(key["Name"], key["Type"]) for key in table["Table"].get("PartitionKeys", [])]
            kept = matching(expression, keys, [partition["Values"] for partition in partitions])
            partitions = [partitions[number] for number in kept]
    if segment := request.get("Segment"):
        partitions = partitions[segment["SegmentNumber"] :: segment["TotalSegments"]]
    if request.get("ExcludeColumnSchema"):
        partitions = [_without_columns(partition) for partition in partitions]
    return {**reply, "Partitions": partitions}


def _found(look: Callable[[], Shape], message: str) -> Shape:
    try:
        return look()
    except ClientError as error:
        if told(error)[0] == "EntityNotFoundException":
            raise ServiceError("EntityNotFoundException", message) from None
        raise


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise ServiceError("InvalidInputException", f"Invalid expression {expression!r}: {error}") from None


def _without_columns(partition: Shape) -> Shape:
    storage = {name: value for name, value in partition.get("StorageDescriptor", {}).items() if name != "Columns"}
    return {**partition, "StorageDescriptor": storage}
