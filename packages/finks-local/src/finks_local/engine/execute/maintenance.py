"""OPTIMIZE and VACUUM of Iceberg tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from finks.lake.compaction import referred
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from sqlglot import exp

from finks_local.engine import metastore
from finks_local.engine.ddl.reader import Name
from finks_local.engine.ddl.statements import Optimize, Vacuum
from finks_local.engine.execute.queries import place
from finks_local.engine.failures import told
from finks_local.engine.request import DDL, DML, Outcome
from finks_local.engine.scan.iceberg import iceberg_columns, iceberg_relation
from finks_local.engine.storage import bare, bucket_and_key, list_objects, name
from finks_local.engine.workspace import Workspace
from finks_local.engine.write import iceberg
from finks_local.sql.errors import QueryError
from finks_local.sql.parse import parse

_MIN_BYTES: Final = 64 * 1024 * 1024
_MAX_BYTES: Final = 512 * 1024 * 1024
"""Files below the first are merged, up to the second (Athena: `optimize_rewrite_*_data_file_size_bytes`)."""

_MIN_FILES: Final = 2
_MAX_AGE_SECONDS: Final = 432_000
_MIN_SNAPSHOTS: Final = 1


def _table(workspace: Workspace, written: Name) -> Table:
    database, table = place(workspace, written)
    if not metastore.is_iceberg(workspace.catalog.table(database, table)):
        raise QueryError("NOT_SUPPORTED", f"Table {database}.{table} is not an Iceberg table")
    return workspace.iceberg(database, table)


def _number(properties: Mapping[str, str], key: str, default: int) -> int:
    return int(properties.get(key, default))


def optimize(workspace: Workspace, statement: Optimize) -> Outcome:
    """OPTIMIZE ... REWRITE DATA USING BIN_PACK [WHERE ...]: small files become large ones, deleted rows go for good.

    Raises:
        QueryError: NOT_SUPPORTED, ICEBERG_COMMIT_ERROR.
    """
    table = _table(workspace, statement.name)
    chosen = _chosen(workspace, statement)
    tasks = [task for task in table.scan().plan_files() if chosen is None or _path(task) in chosen]
    columns = [column for column in iceberg_columns(table.schema()) if not column.hidden]
    names = ", ".join(name(column.name) for column in columns)
    old: list[DataFile] = []
    new: list[DataFile] = []
    for group in _groups(tasks, table.properties):
        only = frozenset(_path(task) for task in group)
        relation = iceberg_relation(table, workspace.backend.filesystem, only=only)
        sql = f"select {names} from ({relation.sql})"  # noqa: S608
        new += iceberg.write_rows(workspace, sql, columns, table.metadata, table.io)
        old += [task.file for task in group]
    if old:
        iceberg.replace(workspace, table, old, new)
    return Outcome(DML, "OPTIMIZE", data_manifest=tuple(file.file_path for file in new))


def _path(task: FileScanTask) -> str:
    return f"s3://{bare(task.file.file_path)}"


def _chosen(workspace: Workspace, statement: Optimize) -> frozenset[str] | None:
    """The files with a row for which the condition holds; None without one."""
    if statement.where is None:
        return None
    condition = parse(f"SELECT 1 WHERE {statement.where}").args["where"].this
    database, table = place(workspace, statement.name)
    source = exp.Table(this=exp.to_identifier(table, quoted=True), db=exp.to_identifier(database, quoted=True))
    query = exp.Select(expressions=[exp.column(exp.to_identifier("$path", quoted=True))], distinct=exp.Distinct())
    rows = workspace.run(query.from_(source).where(condition))
    return frozenset(str(path) for batch in rows.batches for path in batch.column(0).to_pylist())


def _groups(tasks: Iterable[FileScanTask], properties: Mapping[str, str]) -> Iterator[list[FileScanTask]]:
    """Files of one partition that are to become fewer: small ones together, and each with deleted rows."""
    least = _number(properties, "optimize_rewrite_min_data_file_size_bytes", _MIN_BYTES)
    most = _number(properties, "optimize_rewrite_max_data_file_size_bytes", _MAX_BYTES)
    partitions: dict[str, list[FileScanTask]] = defaultdict(list)
    for task in tasks:
        if task.file.file_size_in_bytes < least or task.delete_files:
            partitions[f"{task.file.spec_id} {task.file.partition}"].append(task)
    for group in partitions.values():
        packed: list[FileScanTask] = []
        for task in group:
            if packed and sum(one.file.file_size_in_bytes for one in [*packed, task]) > most:
                yield packed
                packed = []
            packed.append(task)
        if len(packed) >= _MIN_FILES or any(task.delete_files for task in packed):
            yield packed


def vacuum(workspace: Workspace, statement: Vacuum) -> Outcome:
    """VACUUM: forget old snapshots, then delete the files that nothing refers to and that are as old.

    Raises:
        QueryError: NOT_SUPPORTED, ICEBERG_COMMIT_ERROR.
    """
    table = _table(workspace, statement.name)
    age = _number(table.properties, "vacuum_max_snapshot_age_seconds", _MAX_AGE_SECONDS)
    keep = _number(table.properties, "vacuum_min_snapshots_to_keep", _MIN_SNAPSHOTS)
    limit = workspace.request.now - timedelta(seconds=age)
    newest = sorted(table.snapshots(), key=lambda one: one.timestamp_ms, reverse=True)
    needed = {ref.snapshot_id for ref in table.metadata.refs.values()}
    old = [
        one.snapshot_id
        for one in newest[keep:]
        if one.timestamp_ms < limit.timestamp() * 1000 and one.snapshot_id not in needed
    ]
    if old:
        with told(".".join(table.name())):
            table.maintenance.expire_snapshots().by_ids(old).commit()
            table = table.refresh()
    known = {bare(location) for location in referred(table)}
    bucket, _ = bucket_and_key(table.location())
    for item in list_objects(workspace.backend.s3, table.location()):
        if f"{bucket}/{item['Key']}" not in known and item["LastModified"] < limit:
            workspace.backend.s3.delete_object(Bucket=bucket, Key=item["Key"])
    return Outcome(DDL, "VACUUM")
