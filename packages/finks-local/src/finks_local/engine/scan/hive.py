"""Hive tables: the files of their partitions, read with the schema that Glue keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from finks_local.engine import formats, metastore
from finks_local.engine.metastore import Metastore, Row
from finks_local.engine.scan.projection import is_projected, projected_partitions
from finks_local.engine.scan.relation import FILE, HIDDEN, Relation, hidden_columns, nothing, to_millis
from finks_local.engine.scan.textual import json_source, lazy_source, open_csv_source
from finks_local.engine.storage import (
    NULL_PARTITION,
    DataFile,
    bare,
    folder,
    list_files,
    name,
    partition_value,
    path_list,
    text,
)
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, TrinoType, parse_hive


def hive_columns(table: Row) -> tuple[Column, ...]:
    """The columns of the table, of its partitions, and the hidden ones."""
    visible = [*metastore.columns(table), *metastore.partition_keys(table)]
    return (*(Column(row["Name"].lower(), parse_hive(row["Type"])) for row in visible), *hidden_columns())


def hive_relation(table: Row, catalog: Metastore, s3: Any, now: datetime) -> Relation:
    """The table's rows.

    Raises:
        QueryError: NOT_SUPPORTED: nobody here reads the format; HIVE_INVALID_PARTITION_VALUE.
    """
    columns = hive_columns(table)
    files = table_files(table, catalog, s3, now)
    if not files:
        return Relation(columns, nothing(columns))
    keys = [Column(row["Name"].lower(), parse_hive(row["Type"])) for row in metastore.partition_keys(table)]
    _check_values(keys, files)
    data = [Column(row["Name"].lower(), parse_hive(row["Type"])) for row in metastore.columns(table)]
    expressions = [
        *(f"{_value(column)} as {name(column.name)}" for column in data),
        *(f"cast({partition_value(i)} as {key.type.duckdb}) as {name(key.name)}" for i, key in enumerate(keys)),
        *(f"{expression} as {name(column.name)}" for column, expression in HIDDEN),
    ]
    return Relation(columns, f"select {', '.join(expressions)} from {_source(table, data, files)}")  # noqa: S608


def _value(column: Column) -> str:
    quoted = name(column.name)
    return to_millis(quoted) if column.type.base == "timestamp" else quoted


def _source(table: Row, data: Sequence[Column], files: Sequence[DataFile]) -> str:
    descriptor = table["StorageDescriptor"]
    match formats.kind(descriptor):
        case formats.PARQUET:
            return parquet_source([(text(column.name), column.name, column.type) for column in data], files)
        case formats.LAZY:
            return lazy_source(table, data, files)
        case formats.OPEN_CSV:
            return open_csv_source(table, data, files)
        case formats.JSON:
            return json_source(table, data, files)
        case _:
            serde = (descriptor.get("SerdeInfo") or {}).get("SerializationLibrary")
            raise QueryError("NOT_SUPPORTED", f"Tables of SerDe {serde} cannot be read by this endpoint")


def parquet_source(columns: Iterable[tuple[str, str, TrinoType]], files: Sequence[DataFile], extra: str = "") -> str:
    """DuckDB's scan of Parquet files.

    Args:
        columns: How a file knows the column (its name as a literal, or a field id), its name, its type.
        extra: More options of `read_parquet`.
    """
    schema = ", ".join(
        f"{key}: {{name: {text(label)}, type: {text(kind.duckdb)}, default_value: NULL}}"
        for key, label, kind in columns
    )
    # A scan of no columns at all still tells the number of rows.
    return f"read_parquet({path_list(files)}, schema = map {{{schema}}}, filename = {text(FILE)}{extra})"


def table_files(table: Row, catalog: Metastore, s3: Any, now: datetime) -> list[DataFile]:
    """The files of a table, each with the values of its partition."""
    root = metastore.location(table)
    if not root:
        raise QueryError("HIVE_METASTORE_ERROR", f"Table {table['Name']} has no location")
    if not metastore.partition_keys(table):
        return list(list_files(s3, root))
    if is_projected(table):
        partitions: Iterator[Row] = projected_partitions(table, now)
    else:
        partitions = catalog.partitions(table["DatabaseName"], table["Name"])
    return list(_partition_files(root, partitions, s3))


def _partition_files(root: str, partitions: Iterable[Row], s3: Any) -> Iterator[DataFile]:
    """The files of partitions: those under the table's own location are listed in one go."""
    places: dict[str, list[tuple[str | None, ...]]] = {}
    for row in partitions:
        values = tuple(None if value == NULL_PARTITION else value for value in row["Values"])
        places.setdefault(folder(bare(row["StorageDescriptor"]["Location"])), []).append(values)
    own = folder(bare(root))
    if any(place.startswith(own) for place in places):
        for file in list_files(s3, root):
            key = bare(file.location)
            while (key := key.rpartition("/")[0]) and len(key) + 1 >= len(own):
                yield from _with_values(file, places.get(f"{key}/", []))
    for place, values in places.items():
        if not place.startswith(own):
            for file in list_files(s3, f"s3://{place}"):
                yield from _with_values(file, values)


def _with_values(file: DataFile, places: Sequence[tuple[str | None, ...]]) -> Iterator[DataFile]:
    for values in places:
        yield DataFile(file.location, file.size, values, file.modified)


def _check_values(keys: Sequence[Column], files: Sequence[DataFile]) -> None:
    for position, key in enumerate(keys):
        values = {file.values[position] for file in files}
        for value in values:
            try:
                pa.scalar(value, pa.string()).cast(key.type.arrow)
            except pa.ArrowInvalid:
                message = f"Invalid partition value '{value}' for {key.type} partition key: {key.name}"
                raise QueryError("HIVE_INVALID_PARTITION_VALUE", message) from None
