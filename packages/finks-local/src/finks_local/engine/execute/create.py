"""CREATE TABLE AS: the rows first, then the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from finks_local.engine.ddl.statements import CreateTableAs
from finks_local.engine.execute.queries import place
from finks_local.engine.failures import ICEBERG_ERROR, told
from finks_local.engine.formats import descriptor, format_named
from finks_local.engine.metastore import Row
from finks_local.engine.query import parsed
from finks_local.engine.request import DDL, Outcome
from finks_local.engine.storage import bare, discard, folder, list_objects, name
from finks_local.engine.workspace import Workspace
from finks_local.engine.write import hive, iceberg
from finks_local.engine.write.columns import created_columns, fitted, numbered
from finks_local.engine.write.files import codec
from finks_local.engine.write.iceberg_tables import partition_spec, schema_of, table_properties
from finks_local.sql.errors import QueryError
from finks_local.sql.types import BIGINT, Column

ROWS: Final = (Column("rows", BIGINT),)

Properties = Mapping[str, str | tuple[str, ...]]

_HIVE_PROPERTIES: Final = {
    "format",
    "external_location",
    "partitioned_by",
    "write_compression",
    "parquet_compression",
    "table_type",
    "is_external",
    "field_delimiter",
}


def create_table_as(workspace: Workspace, statement: CreateTableAs) -> Outcome:
    """CREATE TABLE ... WITH (...) AS.

    Raises:
        QueryError: TABLE_ALREADY_EXISTS, HIVE_PATH_ALREADY_EXISTS, and what the query raises.
    """
    database, table = place(workspace, statement.name)
    workspace.catalog.database(database)
    if workspace.catalog.find(database, table) is not None:
        if statement.if_not_exists:
            return Outcome(DDL, "CREATE_TABLE_AS_SELECT", ROWS, update_count=0)
        message = f"line 1:1: Destination table 'awsdatacatalog.{database}.{table}' already exists"
        raise QueryError("TABLE_ALREADY_EXISTS", message)
    sql, found = workspace.translated(parsed(statement.query))
    columns = created_columns(found)
    kind = str(statement.properties.get("table_type", "HIVE")).upper()
    create = {"HIVE": _create_hive, "ICEBERG": _create_iceberg}.get(kind)
    if create is None:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Unsupported table type: {kind}")
    limited = sql if statement.with_data else f"select * from ({sql}) limit 0"  # noqa: S608
    return create(workspace, (database, table), statement.properties, limited, columns)


def _text(properties: Properties, key: str) -> str | None:
    value = properties.get(key)
    if isinstance(value, tuple):
        raise QueryError("INVALID_TABLE_PROPERTY", f"Property '{key}' is not a list")
    return value


def _texts(properties: Properties, key: str) -> tuple[str, ...]:
    value = properties.get(key, ())
    if isinstance(value, str):
        raise QueryError("INVALID_TABLE_PROPERTY", f"Property '{key}' must be an ARRAY")
    return value


def _create_hive(
    workspace: Workspace, where: tuple[str, str], properties: Properties, sql: str, columns: list[Column]
) -> Outcome:
    for key in properties:
        if key not in _HIVE_PROPERTIES:
            raise QueryError("NOT_SUPPORTED", f"Table property '{key}' of CREATE TABLE AS")
    database, table = where
    location = _text(properties, "external_location") or _own_location(workspace)
    _check_empty(workspace, location, where)
    keys = _partition_keys(columns, tuple(key.lower() for key in _texts(properties, "partitioned_by")))
    data = columns[: len(columns) - len(keys)]
    row = _hive_row(workspace, table, properties, location, data, keys)
    compression = codec(_text(properties, "write_compression") or _text(properties, "parquet_compression"), "SNAPPY")
    select = ", ".join(f"{fitted(i, c.type, c.type)} as {name(c.name)}" for i, c in enumerate(columns))
    target = hive.Target(location, tuple(data), tuple(keys), compression)
    written = hive.write(workspace, f"select {select} from {numbered(sql, len(columns))}", target)  # noqa: S608
    try:
        workspace.catalog.create_table(database, row)
        hive.register(workspace.catalog, {**row, "DatabaseName": database}, written)
    except BaseException:
        discard(workspace.backend.s3, written.files)
        raise
    return Outcome(DDL, "CREATE_TABLE_AS_SELECT", ROWS, update_count=written.rows, data_manifest=tuple(written.files))


def _own_location(workspace: Workspace) -> str:
    return f"{folder(workspace.request.staging)}tables/{workspace.request.query_id}/"


def _check_empty(workspace: Workspace, location: str, where: tuple[str, str]) -> None:
    bare(location)
    if next(list_objects(workspace.backend.s3, location), None) is not None:
        message = f"Target directory for table '{'.'.join(where)}' already exists: {location}"
        raise QueryError("HIVE_PATH_ALREADY_EXISTS", message)


def _partition_keys(columns: Sequence[Column], names: tuple[str, ...]) -> list[Column]:
    known = [column.name for column in columns]
    missing = [key for key in names if key not in known]
    if missing:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Partition columns [{', '.join(missing)}] not present in schema")
    if len(names) == len(columns):
        raise QueryError("INVALID_TABLE_PROPERTY", "Table contains only partition columns")
    if names and tuple(known[-len(names) :]) != names:
        message = (
            "Partition keys must be the last columns in the table and in the same order as the table properties: "
            f"[{', '.join(names)}]"
        )
        raise QueryError("HIVE_COLUMN_ORDER_MISMATCH", message)
    return list(columns[len(columns) - len(names) :])


def _hive_row(
    workspace: Workspace,
    table: str,
    properties: Properties,
    location: str,
    data: Sequence[Column],
    keys: Sequence[Column],
) -> Row:
    wanted = (_text(properties, "format") or "PARQUET").upper()
    if wanted != "PARQUET" or "field_delimiter" in properties:
        raise QueryError("NOT_SUPPORTED", f"CREATE TABLE AS with format {wanted}: this endpoint writes PARQUET")
    return {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            "transient_lastDdlTime": str(int(workspace.request.now.timestamp())),
        },
        "StorageDescriptor": descriptor([hive_column(c) for c in data], folder(location), format_named(wanted), {}),
        "PartitionKeys": [hive_column(c) for c in keys],
    }


def hive_column(column: Column) -> dict[str, str]:
    """A column for Glue.

    Raises:
        QueryError: NOT_SUPPORTED: Hive has no such type, or not with this precision.
    """
    if column.type.base == "timestamp" and column.type.precision != 3:
        message = f"Incorrect timestamp precision for {column.type}; the configured precision is MILLISECONDS"
        raise QueryError("NOT_SUPPORTED", f"{message}; column name: {column.name}")
    return {"Name": column.name, "Type": column.type.hive}


def _create_iceberg(
    workspace: Workspace, where: tuple[str, str], properties: Properties, sql: str, columns: list[Column]
) -> Outcome:
    location = _text(properties, "location")
    if _text(properties, "is_external") not in {"false", "FALSE"}:
        raise QueryError("NOT_SUPPORTED", "Iceberg tables are created with is_external = false")
    if location is None:
        raise QueryError("INVALID_TABLE_PROPERTY", "Iceberg tables need a location")
    if next(list_objects(workspace.backend.s3, location), None) is not None:
        message = f"Cannot create a table on a non-empty location: {location}"
        raise QueryError("ICEBERG_FILESYSTEM_ERROR", message, error_type=ICEBERG_ERROR)
    schema = schema_of(columns)
    spec = partition_spec(schema, _texts(properties, "partitioning"))
    plain = {key: str(value) for key, value in properties.items() if not isinstance(value, tuple)}
    kept = table_properties(plain)
    select = ", ".join(f"{fitted(i, c.type, c.type)} as {name(c.name)}" for i, c in enumerate(columns))
    with told(".".join(where)):
        transaction = workspace.backend.catalog.create_table_transaction(
            where, schema, location.rstrip("/"), partition_spec=spec, properties=kept
        )
    source = f"select {select} from {numbered(sql, len(columns))}"  # noqa: S608
    io = transaction._table.io  # pyright: ignore[reportPrivateUsage]
    files = iceberg.write_rows(workspace, source, columns, transaction.table_metadata, io)
    try:
        with told(".".join(where)):
            iceberg.append(transaction, files)
            transaction.commit_transaction()
    except QueryError:
        discard(workspace.backend.s3, [file.file_path for file in files])
        raise
    rows = sum(file.record_count for file in files)
    written = tuple(file.file_path for file in files)
    return Outcome(DDL, "CREATE_TABLE_AS_SELECT", ROWS, update_count=rows, data_manifest=written)
