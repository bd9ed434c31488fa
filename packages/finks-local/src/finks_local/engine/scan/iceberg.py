"""Iceberg tables: the live files of a snapshot, their columns found by field id, deleted rows left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import pyarrow.parquet as pq
from pyarrow.fs import S3FileSystem
from pyiceberg import types as iceberg
from pyiceberg.manifest import DataFile as IcebergFile
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema, index_name_by_id
from pyiceberg.table import FileScanTask, Table
from pyiceberg.transforms import IdentityTransform

from finks_local.engine.scan.hive import parquet_source
from finks_local.engine.scan.relation import HIDDEN, Relation, hidden_columns, nothing
from finks_local.engine.storage import LOCATION, DataFile, bare, name, partition_value, path_list, text
from finks_local.sql import types as trino
from finks_local.sql.errors import QueryError
from finks_local.sql.types import BIGINT, Column, TrinoType

ROW: Final = "$row"
"""A hidden column of a scan for a change of rows: the place of a row in its file."""

NAME_MAPPING: Final = "schema.name-mapping.default"
_NOT_TEXT: Final = ("float", "double", "binary", "fixed", "uuid")


def iceberg_columns(schema: Schema) -> tuple[Column, ...]:
    """The columns of a schema, and the hidden ones."""
    return (*(Column(field.name, trino_type(field.field_type)) for field in schema.fields), *hidden_columns())


def trino_type(kind: iceberg.IcebergType) -> TrinoType:
    """The Trino type of an Iceberg type, as Trino's Iceberg connector maps them.

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    match kind:
        case iceberg.DecimalType():
            return trino.decimal(kind.precision, kind.scale)
        case iceberg.ListType():
            return trino.array(trino_type(kind.element_type))
        case iceberg.MapType():
            return trino.map_of(trino_type(kind.key_type), trino_type(kind.value_type))
        case iceberg.StructType():
            return trino.row([(field.name, trino_type(field.field_type)) for field in kind.fields])
        case iceberg.FixedType():
            return trino.VARBINARY
        case _ if str(kind) in _PLAIN:
            return _PLAIN[str(kind)]
        case _:
            raise QueryError("NOT_SUPPORTED", f"Iceberg type {kind}")


_PLAIN: Final = {
    "boolean": trino.BOOLEAN,
    "int": trino.INTEGER,
    "long": trino.BIGINT,
    "float": trino.REAL,
    "double": trino.DOUBLE,
    "date": trino.DATE,
    "time": TrinoType("time", (6,)),
    "timestamp": trino.timestamp(6),
    "timestamptz": trino.timestamp_tz(6),
    "string": trino.VARCHAR,
    "uuid": trino.UUID,
    "binary": trino.VARBINARY,
}


def snapshot_at(table: Table, version: int | None, at: datetime | None) -> int | None:
    """The snapshot that FOR VERSION or FOR TIMESTAMP names; None for the current one.

    Raises:
        QueryError: INVALID_ARGUMENTS: there is none.
    """
    if version is not None:
        if table.snapshot_by_id(version) is None:
            raise QueryError("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {version}")
        return version
    if at is None:
        return None
    found = table.snapshot_as_of_timestamp(int(at.timestamp() * 1000))
    if found is None:
        raise QueryError("INVALID_ARGUMENTS", f"No version history table {table.name()[-1]} at or before {at}")
    return found.snapshot_id


def iceberg_relation(
    table: Table,
    files: S3FileSystem,
    snapshot_id: int | None = None,
    *,
    only: frozenset[str] | None = None,
    placed: bool = False,
) -> Relation:
    """The rows of a snapshot, with the hidden columns.

    Args:
        snapshot_id: None is the current one.
        only: Locations of the files to read, as `$path` tells them; None reads all.
        placed: The rows' places in their files are told too.
    """
    scan = table.scan(snapshot_id=snapshot_id)
    schema = scan.projection()
    columns = iceberg_columns(schema)
    if placed:
        columns = (*columns, Column(ROW, BIGINT, hidden=True))
    tasks = [task for task in _tasks(table, scan.plan_files()) if only is None or _path(task) in only]
    if not tasks:
        return Relation(columns, nothing(columns))
    _check_nested_names(table)
    values = _Identities(table, schema, tasks)
    data = [values.of(task) for task in tasks]
    expressions = [
        *(f"{values.expression(field)} as {name(field.name)}" for field in schema.fields),
        *(f"{expression} as {name(column.name)}" for column, expression in HIDDEN),
        *([f"file_row_number as {name(ROW)}"] if placed else []),
    ]
    deletes = {file.file_path: file for task in tasks for file in task.delete_files}
    source = _source(table, schema, data, files, numbered=bool(deletes) or placed)
    kept = _without_deleted(source, list(deletes.values())) if deletes else source
    return Relation(columns, f"select {', '.join(expressions)} from {kept}")  # noqa: S608


def _tasks(table: Table, tasks: Iterable[FileScanTask]) -> Iterator[FileScanTask]:
    for task in tasks:
        if task.file.file_format != FileFormat.PARQUET:
            raise QueryError("NOT_SUPPORTED", f"Iceberg data files of format {task.file.file_format}: {table.name()}")
        for delete in task.delete_files:
            if delete.content != DataFileContent.POSITION_DELETES or delete.file_format != FileFormat.PARQUET:
                raise QueryError("NOT_SUPPORTED", f"Iceberg deletes other than by position: {delete.file_path}")
        yield task


def _path(task: FileScanTask) -> str:
    return f"s3://{bare(task.file.file_path)}"


class _Identities:
    """The columns by whose very values the files are partitioned: the path tells them before a file is opened."""

    def __init__(self, table: Table, schema: Schema, tasks: Sequence[FileScanTask]) -> None:
        self._specs = table.specs()
        self._schema = schema
        used = {task.file.spec_id for task in tasks}
        self._ids = [field.field_id for field in schema.fields if all(self._has(spec, field) for spec in used)]

    def _has(self, spec_id: int, field: iceberg.NestedField) -> bool:
        comparable = not str(field.field_type).startswith(_NOT_TEXT)
        return comparable and _identity(self._specs[spec_id], field.field_id) is not None

    def of(self, task: FileScanTask) -> DataFile:
        """The task's file with the values of those columns."""
        return DataFile(
            task.file.file_path, task.file.file_size_in_bytes, tuple(self._value(task.file, i) for i in self._ids)
        )

    def _value(self, file: IcebergFile, field_id: int) -> str | None:
        position = _identity(self._specs[file.spec_id], field_id)
        value = file.partition[position] if position is not None else None
        kind = self._schema.find_type(field_id)
        return None if value is None else IdentityTransform().to_human_string(kind, value)

    def expression(self, field: iceberg.NestedField) -> str:
        """DuckDB's expression of a column."""
        kind = trino_type(field.field_type).duckdb
        if field.field_id in self._ids:
            return f"cast({partition_value(self._ids.index(field.field_id))} as {kind})"
        return f"cast({name(field.name)} as {kind})" if str(field.field_type) == "uuid" else name(field.name)


def _identity(spec: PartitionSpec, field_id: int) -> int | None:
    for position, field in enumerate(spec.fields):
        if field.source_id == field_id and isinstance(field.transform, IdentityTransform):
            return position
    return None


def _source(table: Table, schema: Schema, data: Sequence[DataFile], files: S3FileSystem, *, numbered: bool) -> str:
    extra = ", file_row_number = true" if numbered else ""
    with_ids, without = list(data), list[DataFile]()
    if NAME_MAPPING in table.properties:
        # Files that were taken in as they were have no field ids; their columns go by name.
        without = [file for file in data if not _has_ids(file, files)]
        with_ids = [file for file in data if file not in without]
    sources = [
        parquet_source([(key(f), f.name, trino_type(f.field_type)) for f in schema.fields], some, extra)
        for some, key in ((with_ids, lambda f: str(f.field_id)), (without, lambda f: text(f.name)))
        if some
    ]
    return sources[0] if len(sources) == 1 else f"(select * from {sources[0]} union all by name from {sources[1]})"  # noqa: S608


def _has_ids(file: DataFile, files: S3FileSystem) -> bool:
    schema = pq.read_schema(bare(file.location), filesystem=files)
    return any(field.metadata is not None and b"PARQUET:field_id" in field.metadata for field in schema)


def _without_deleted(source: str, deletes: Sequence[IcebergFile]) -> str:
    positions = path_list(DataFile(file.file_path, file.file_size_in_bytes) for file in deletes)
    gone = f"select regexp_replace(file_path, '^s3[an]?:', 's3:') as file_path, pos from read_parquet({positions})"  # noqa: S608
    return (
        f"(select d.* from {source} d anti join ({gone}) x on x.file_path = {LOCATION} and x.pos = d.file_row_number)"  # noqa: S608
    )


def _check_nested_names(table: Table) -> None:
    """DuckDB finds fields of structs by name, which is right only while every name has meant one field.

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    top = {field.field_id for schema in table.schemas().values() for field in schema.fields}
    ids: dict[str, int] = {}
    names: dict[int, str] = {}
    for schema in table.schemas().values():
        paths = index_name_by_id(schema)
        for field_id, path in paths.items():
            if field_id in top:
                continue
            nested = f"{_root(schema, path)}.{path.partition('.')[2]}"
            if ids.setdefault(nested, field_id) != field_id or names.setdefault(field_id, nested) != nested:
                raise QueryError("NOT_SUPPORTED", f"Column {path} of {table.name()[-1]}: a field inside it was renamed")


def _root(schema: Schema, path: str) -> int:
    return schema.find_field(path.partition(".")[0]).field_id
