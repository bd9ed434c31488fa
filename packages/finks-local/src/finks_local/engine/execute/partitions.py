"""Partitions of Hive tables: added, dropped, renamed, moved, found on S3."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from finks_local.engine import metastore
from finks_local.engine.ddl.statements import AddPartitions, DropPartitions, PartitionSpec, RenamePartition, Repair
from finks_local.engine.execute.queries import place
from finks_local.engine.metastore import Row
from finks_local.engine.request import DDL, Outcome
from finks_local.engine.storage import NULL_PARTITION, bucket_and_key, folder, list_files
from finks_local.engine.workspace import Workspace
from finks_local.engine.write.hive import partition_path, partition_row
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, parse_hive


def _names(row: Row) -> list[str]:
    return [key["Name"] for key in metastore.partition_keys(row)]


def _values(row: Row, spec: Mapping[str, str]) -> list[str]:
    """The values of a whole partition, in the order of the table's keys.

    Raises:
        QueryError: INVALID_PARTITION_SPEC.
    """
    names = _names(row)
    if sorted(spec) != sorted(names):
        known = ", ".join(names) or "none"
        message = f"Partition spec {dict(spec)} of {row['Name']}: its partition columns are {known}"
        raise QueryError("INVALID_PARTITION_SPEC", message)
    return [spec[name] for name in names]


def _own_place(row: Row, values: list[str]) -> str:
    keys = [Column(key["Name"], parse_hive(key["Type"])) for key in metastore.partition_keys(row)]
    plain = [None if value == NULL_PARTITION else value for value in values]
    return folder(metastore.location(row)) + partition_path(keys, plain)


def add(workspace: Workspace, row: Row, action: AddPartitions) -> None:
    """ADD [IF NOT EXISTS] PARTITION.

    Raises:
        QueryError: PARTITION_ALREADY_EXISTS.
    """
    rows: list[Row] = []
    for spec in action.partitions:
        values = _values(row, spec.values)
        rows.append(partition_row(row, values, spec.location or _own_place(row, values)))
    existing = workspace.catalog.create_partitions(row["DatabaseName"], row["Name"], rows)
    if existing and not action.if_not_exists:
        raise QueryError("PARTITION_ALREADY_EXISTS", f"AlreadyExistsException: Partition already exists: {existing[0]}")


def drop(workspace: Workspace, row: Row, action: DropPartitions) -> None:
    """DROP [IF EXISTS] PARTITION: every partition that agrees with the values given.

    Raises:
        QueryError: PARTITION_NOT_FOUND.
    """
    names = _names(row)
    present = list(workspace.catalog.partitions(row["DatabaseName"], row["Name"]))
    for spec in action.partitions:
        unknown = [name for name in spec.values if name not in names]
        if unknown:
            raise QueryError("INVALID_PARTITION_SPEC", f"Partition column not found: {unknown[0]}")
        found = [one["Values"] for one in present if _agrees(names, one["Values"], spec)]
        if not found and not action.if_exists:
            raise QueryError("PARTITION_NOT_FOUND", f"Partition not found: {dict(spec.values)}")
        for values in found:
            workspace.catalog.delete_partition(row["DatabaseName"], row["Name"], values)


def _agrees(names: list[str], values: list[str], spec: PartitionSpec) -> bool:
    known = dict(zip(names, values, strict=True))
    return all(known[name] == value for name, value in spec.values.items())


def rename(workspace: Workspace, row: Row, action: RenamePartition) -> None:
    """PARTITION ... RENAME TO PARTITION: the data stays where it is."""
    partition = _partition(workspace, row, action.partition)
    values = _values(row, action.to.values)
    changed = partition_row(row, values, partition["StorageDescriptor"]["Location"])
    workspace.catalog.replace_partition(row["DatabaseName"], row["Name"], partition["Values"], changed)


def set_location(workspace: Workspace, row: Row, spec: PartitionSpec, location: str) -> None:
    """PARTITION ... SET LOCATION."""
    partition = _partition(workspace, row, spec)
    changed = partition_row(row, partition["Values"], location)
    workspace.catalog.replace_partition(row["DatabaseName"], row["Name"], partition["Values"], changed)


def _partition(workspace: Workspace, row: Row, spec: PartitionSpec) -> Row:
    found = workspace.catalog.partition(row["DatabaseName"], row["Name"], _values(row, spec.values))
    if found is None:
        raise QueryError("PARTITION_NOT_FOUND", f"Partition not found: {dict(spec.values)}")
    return found


def repair(workspace: Workspace, statement: Repair) -> Outcome:
    """MSCK REPAIR TABLE: add the partitions whose folders are there; none is removed."""
    row = workspace.catalog.table(*place(workspace, statement.name))
    names = _names(row)
    if not names or metastore.is_iceberg(row) or metastore.is_view(row):
        raise QueryError("NOT_SUPPORTED", f"MSCK REPAIR TABLE of a table without Hive partitions: {row['Name']}")
    known = {tuple(one["Values"]) for one in workspace.catalog.partitions(row["DatabaseName"], row["Name"])}
    found: dict[tuple[str, ...], str] = {}
    root = folder(metastore.location(row))
    bucket, prefix = bucket_and_key(root)
    for file in list_files(workspace.backend.s3, root):
        parts = bucket_and_key(file.location)[1].removeprefix(prefix).split("/")[: len(names)]
        pairs = [part.partition("=") for part in parts]
        if [name.lower() for name, _, _ in pairs] == names and all(equals for _, equals, _ in pairs):
            values = tuple(unquote(value) for _, _, value in pairs)
            found[values] = f"s3://{bucket}/{prefix}{'/'.join(parts)}/"
    rows = [partition_row(row, values, where) for values, where in found.items() if values not in known]
    workspace.catalog.create_partitions(row["DatabaseName"], row["Name"], rows)
    return Outcome(DDL, "MSCK_REPAIR_TABLE")
