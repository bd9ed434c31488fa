"""INSERT INTO."""

from __future__ import annotations

from finks_local.engine import formats, metastore
from finks_local.engine.ddl.statements import Insert
from finks_local.engine.execute.create import ROWS
from finks_local.engine.execute.queries import place
from finks_local.engine.metastore import Row
from finks_local.engine.query import parsed
from finks_local.engine.request import DML, Outcome
from finks_local.engine.scan.hive import hive_columns
from finks_local.engine.scan.iceberg import iceberg_columns
from finks_local.engine.storage import NULL_PARTITION, discard
from finks_local.engine.workspace import Workspace
from finks_local.engine.write import hive, iceberg
from finks_local.engine.write.columns import insert_select
from finks_local.engine.write.files import codec
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column


def insert(workspace: Workspace, statement: Insert) -> Outcome:
    """INSERT INTO a Hive or an Iceberg table.

    Raises:
        QueryError: TABLE_NOT_FOUND, TYPE_MISMATCH, NOT_SUPPORTED for a view, and what the query raises.
    """
    database, table = place(workspace, statement.name)
    row = workspace.catalog.table(database, table)
    if metastore.is_view(row):
        raise QueryError("NOT_SUPPORTED", f"Inserting into views is not supported: {database}.{table}")
    sql, columns = workspace.translated(parsed(statement.query))
    if metastore.is_iceberg(row):
        return _insert_iceberg(workspace, statement, sql, columns)
    return _insert_hive(workspace, statement, row, sql, columns)


def _visible(columns: tuple[Column, ...]) -> list[Column]:
    return [column for column in columns if not column.hidden]


def _insert_hive(workspace: Workspace, statement: Insert, row: Row, sql: str, columns: tuple[Column, ...]) -> Outcome:
    if formats.kind(row["StorageDescriptor"]) != formats.PARQUET:
        raise QueryError("NOT_SUPPORTED", f"INSERT INTO {row['Name']}: this endpoint writes Parquet tables only")
    table = _visible(hive_columns(row))
    keys = len(metastore.partition_keys(row))
    compression = metastore.parameters(row).get("parquet.compression")
    target = hive.Target(
        metastore.location(row),
        tuple(table[: len(table) - keys]),
        tuple(table[len(table) - keys :]),
        codec(compression, "SNAPPY"),
        lambda values: _folder_of(workspace, row, values),
    )
    select = insert_select(sql, columns, table, statement.columns)
    written = hive.write(workspace, select, target)
    try:
        hive.register(workspace.catalog, row, written)
    except BaseException:
        discard(workspace.backend.s3, written.files)
        raise
    return Outcome(DML, "INSERT", ROWS, update_count=written.rows, data_manifest=tuple(written.files))


def _insert_iceberg(workspace: Workspace, statement: Insert, sql: str, columns: tuple[Column, ...]) -> Outcome:
    table = workspace.iceberg(*place(workspace, statement.name))
    target = _visible(iceberg_columns(table.schema()))
    select = insert_select(sql, columns, target, statement.columns)
    files = iceberg.write_rows(workspace, select, target, table.metadata, table.io)
    iceberg.commit_append(workspace, table, files)
    rows = sum(file.record_count for file in files)
    return Outcome(DML, "INSERT", ROWS, update_count=rows, data_manifest=tuple(file.file_path for file in files))


def _folder_of(workspace: Workspace, row: Row, values: hive.Values) -> str | None:
    kept = [NULL_PARTITION if value is None else value for value in values]
    partition = workspace.catalog.partition(row["DatabaseName"], row["Name"], kept)
    return partition["StorageDescriptor"]["Location"] if partition is not None else None
