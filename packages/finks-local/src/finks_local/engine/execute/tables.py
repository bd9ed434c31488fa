"""CREATE TABLE without a query, and DROP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from finks_local.engine import metastore
from finks_local.engine.ddl.statements import ColumnText, CreateTable, Drop, RowFormat
from finks_local.engine.execute.queries import place
from finks_local.engine.failures import ICEBERG_ERROR, told
from finks_local.engine.formats import Format, descriptor, format_named
from finks_local.engine.metastore import Row
from finks_local.engine.request import DDL, Outcome
from finks_local.engine.storage import bare, delete_objects, list_objects
from finks_local.engine.workspace import Workspace
from finks_local.engine.write.iceberg_tables import MICROS, partition_spec, schema_of, table_properties
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, TrinoType, parse_hive


def create_table(workspace: Workspace, statement: CreateTable) -> Outcome:
    """CREATE [EXTERNAL] TABLE with columns.

    Raises:
        QueryError: TABLE_ALREADY_EXISTS, INVALID_TABLE_PROPERTY, TYPE_NOT_FOUND.
    """
    database, table = place(workspace, statement.name)
    workspace.catalog.database(database)
    if workspace.catalog.find(database, table) is not None:
        if statement.if_not_exists:
            return Outcome(DDL, "CREATE_TABLE")
        raise QueryError("TABLE_ALREADY_EXISTS", f"AlreadyExistsException: Table {table} already exists")
    if statement.properties.get("table_type", "").upper() == metastore.ICEBERG:
        _create_iceberg(workspace, (database, table), statement)
    elif not statement.external:
        message = (
            "CREATE TABLE without EXTERNAL makes Iceberg tables only: set TBLPROPERTIES ('table_type' = 'ICEBERG')"
        )
        raise QueryError("NOT_SUPPORTED", message)
    else:
        workspace.catalog.create_table(database, _hive_row(workspace, table, statement))
    return Outcome(DDL, "CREATE_TABLE")


def glue_columns(columns: Sequence[ColumnText]) -> list[dict[str, str]]:
    """Columns for Glue.

    Raises:
        QueryError: TYPE_NOT_FOUND, DUPLICATE_COLUMN_NAME.
    """
    told_columns: list[dict[str, str]] = []
    for column in columns:
        if any(one["Name"] == column.name for one in told_columns):
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Duplicate column name: {column.name}")
        comment = {"Comment": column.comment} if column.comment is not None else {}
        told_columns.append({"Name": column.name, "Type": parse_hive(column.type).hive, **comment})
    return told_columns


def _hive_row(workspace: Workspace, table: str, statement: CreateTable) -> Row:
    if statement.transforms:
        raise QueryError("NOT_SUPPORTED", f"Partition transforms {statement.transforms} of a table that is not Iceberg")
    if statement.location is None:
        raise QueryError("INVALID_TABLE_PROPERTY", "CREATE EXTERNAL TABLE needs a LOCATION")
    bare(statement.location)
    classes, properties = _classes(statement)
    comment = {"comment": statement.comment} if statement.comment is not None else {}
    created = str(int(workspace.request.now.timestamp()))
    return {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "transient_lastDdlTime": created, **comment, **statement.properties},
        "StorageDescriptor": descriptor(glue_columns(statement.columns), statement.location, classes, properties),
        "PartitionKeys": glue_columns(statement.partitioned_by),
    }


def _classes(statement: CreateTable) -> tuple[Format, dict[str, str]]:
    """The three classes of the table's format, and its SerDe's properties."""
    storage, serde = statement.storage, statement.row_format or RowFormat("", {})
    classes = format_named(storage.format if storage is not None and storage.format else "TEXTFILE")
    if storage is not None and storage.input_format and storage.output_format:
        classes = Format(storage.input_format, storage.output_format, classes.serde)
    if serde.serde:
        classes = replace(classes, serde=serde.serde)
    return classes, dict(serde.properties)


def iceberg_column(column: ColumnText) -> Column:
    """A column as Iceberg keeps it: its timestamps have microseconds."""
    return Column(column.name, _micros(parse_hive(column.type)))


def _micros(kind: TrinoType) -> TrinoType:
    if kind.base.startswith("timestamp"):
        return replace(kind, params=(MICROS,))
    return replace(kind, args=tuple(_micros(child) for child in kind.args))


def _create_iceberg(workspace: Workspace, where: tuple[str, str], statement: CreateTable) -> None:
    if statement.external:
        raise QueryError("NOT_SUPPORTED", "CREATE EXTERNAL TABLE of an Iceberg table: leave out EXTERNAL")
    if statement.location is None:
        raise QueryError("INVALID_TABLE_PROPERTY", "Iceberg tables need a LOCATION")
    if next(list_objects(workspace.backend.s3, statement.location), None) is not None:
        message = f"Cannot create a table on a non-empty location: {statement.location}"
        raise QueryError("ICEBERG_FILESYSTEM_ERROR", message, error_type=ICEBERG_ERROR)
    columns = [iceberg_column(column) for column in (*statement.columns, *statement.partitioned_by)]
    schema = schema_of(columns, {column.name: column.comment for column in statement.columns})
    keys = (*statement.transforms, *(column.name for column in statement.partitioned_by))
    spec = partition_spec(schema, keys)
    comment = {"comment": statement.comment} if statement.comment is not None else {}
    properties = {**table_properties(statement.properties), **comment}
    with told(".".join(where)):
        workspace.backend.catalog.create_table(
            where, schema, statement.location.rstrip("/"), partition_spec=spec, properties=properties
        )


def drop(workspace: Workspace, statement: Drop) -> Outcome:
    """DROP TABLE and DROP VIEW.

    Raises:
        QueryError: TABLE_NOT_FOUND, VIEW_NOT_FOUND, or it is the other of the two.
    """
    database, table = place(workspace, statement.name)
    kind = "VIEW" if statement.view else "TABLE"
    row = workspace.catalog.find(database, table)
    if row is None:
        if statement.if_exists:
            return Outcome(DDL, f"DROP_{kind}")
        workspace.catalog.database(database)
        what = "View" if statement.view else "Table"
        raise QueryError(f"{kind}_NOT_FOUND", f"{what} 'awsdatacatalog.{database}.{table}' does not exist")
    if metastore.is_view(row) != statement.view:
        message = f"'{database}.{table}' is a {'table' if statement.view else 'view'}, use DROP "
        raise QueryError("NOT_SUPPORTED", message + ("TABLE" if statement.view else "VIEW"))
    drop_one(workspace, row)
    return Outcome(DDL, f"DROP_{kind}")


def drop_one(workspace: Workspace, row: Row) -> None:
    """Remove a table or a view; an Iceberg table's files go with it, a Hive table's stay."""
    workspace.catalog.delete_table(row["DatabaseName"], row["Name"])
    if metastore.is_iceberg(row) and metastore.location(row):
        delete_objects(workspace.backend.s3, metastore.location(row))
