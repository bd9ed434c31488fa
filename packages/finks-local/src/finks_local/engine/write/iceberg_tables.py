"""Iceberg tables as statements make them: schema, partitions, properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pyiceberg import types as iceberg
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)

from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, TrinoType

MICROS: Final = 6
_FIRST_PARTITION_ID: Final = 1000
_TRANSFORM: Final = re.compile(r"""\s*(?:(\w+)\s*\(\s*(.*?)\s*\)|"?([^"()]+?)"?)\s*""")
_TIMES: Final[Mapping[str, Transform]] = {
    "year": YearTransform(),
    "month": MonthTransform(),
    "day": DayTransform(),
    "hour": HourTransform(),
}
_PLAIN: Final[Mapping[str, iceberg.IcebergType]] = {
    "boolean": iceberg.BooleanType(),
    "integer": iceberg.IntegerType(),
    "bigint": iceberg.LongType(),
    "real": iceberg.FloatType(),
    "double": iceberg.DoubleType(),
    "varchar": iceberg.StringType(),
    "varbinary": iceberg.BinaryType(),
    "date": iceberg.DateType(),
    "uuid": iceberg.UUIDType(),
}
_TEMPORAL: Final[Mapping[str, iceberg.IcebergType]] = {
    "time": iceberg.TimeType(),
    "timestamp": iceberg.TimestampType(),
    "timestamp with time zone": iceberg.TimestamptzType(),
}
_PROPERTIES: Final[Mapping[str, str]] = {
    "write_compression": "write.parquet.compression-codec",
    "vacuum_max_snapshot_age_seconds": "vacuum_max_snapshot_age_seconds",
    "vacuum_min_snapshots_to_keep": "vacuum_min_snapshots_to_keep",
    "vacuum_max_metadata_files_to_keep": "vacuum_max_metadata_files_to_keep",
    "optimize_rewrite_data_file_threshold": "optimize_rewrite_data_file_threshold",
    "optimize_rewrite_delete_file_threshold": "optimize_rewrite_delete_file_threshold",
    "optimize_rewrite_min_data_file_size_bytes": "optimize_rewrite_min_data_file_size_bytes",
    "optimize_rewrite_max_data_file_size_bytes": "optimize_rewrite_max_data_file_size_bytes",
}
"""What TBLPROPERTIES and WITH of an Iceberg table may say (Athena: "Table properties"), and where it is kept."""

_IGNORED: Final = {"table_type", "format", "location", "partitioning", "is_external"}


class _Ids:
    """Field ids, given out in order."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


def schema_of(columns: Sequence[Column], comments: Mapping[str, str | None] | None = None) -> Schema:
    """The Iceberg schema of columns; every field may be null.

    Raises:
        QueryError: NOT_SUPPORTED: Iceberg has no such type.
    """
    ids = _Ids()
    numbered = [(ids.next(), column) for column in columns]
    return Schema(
        *(
            iceberg.NestedField(
                number, column.name, _type(column.type, ids), required=False, doc=(comments or {}).get(column.name)
            )
            for number, column in numbered
        )
    )


def iceberg_type(kind: TrinoType) -> iceberg.IcebergType:
    """The Iceberg type of a Trino type, for a column that is added.

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    return _type(kind, _Ids())


def _type(kind: TrinoType, ids: _Ids) -> iceberg.IcebergType:
    match kind.base:
        case "decimal":
            return iceberg.DecimalType(kind.precision, kind.scale)
        case "array":
            return iceberg.ListType(ids.next(), _type(kind.element, ids), element_required=False)
        case "map":
            key, value = kind.args
            key_id, value_id = ids.next(), ids.next()
            return iceberg.MapType(key_id, _type(key, ids), value_id, _type(value, ids), value_required=False)
        case "row":
            fields = [(ids.next(), name, child) for name, child in kind.named_fields]
            return iceberg.StructType(
                *(iceberg.NestedField(i, name, _type(child, ids), required=False) for i, name, child in fields)
            )
        case "time" | "timestamp" | "timestamp with time zone":
            return _temporal(kind)
        case base if base in _PLAIN:
            return _PLAIN[base]
        case _:
            raise QueryError("NOT_SUPPORTED", f"Type not supported for Iceberg: {kind}")


def _temporal(kind: TrinoType) -> iceberg.IcebergType:
    if kind.precision != MICROS:
        right = TrinoType(kind.base, (MICROS,)).trino
        what = "Time" if kind.base == "time" else "Timestamp"
        message = f'{what} precision ({kind.precision}) not supported for Iceberg. Use "{right}" instead.'
        raise QueryError("NOT_SUPPORTED", message)
    return _TEMPORAL[kind.base]


def partition_spec(schema: Schema, transforms: Iterable[str]) -> PartitionSpec:
    """The partitions of texts such as `day(ts)`, `bucket(user_id, 16)`, `bucket(16, user_id)`, `region`.

    Raises:
        QueryError: INVALID_TABLE_PROPERTY or COLUMN_NOT_FOUND.
    """
    fields = [_partition_field(schema, text, i + _FIRST_PARTITION_ID) for i, text in enumerate(transforms)]
    return PartitionSpec(*fields) if fields else UNPARTITIONED_PARTITION_SPEC


def _partition_field(schema: Schema, text: str, field_id: int) -> PartitionField:
    match = _TRANSFORM.fullmatch(text)
    if match is None:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: {text}")
    function, inner, plain = match.groups()
    arguments = [part.strip().strip('"').lower() for part in (inner if function else plain).split(",")]
    columns = [argument for argument in arguments if not argument.isdigit()]
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    transform, suffix = _transform(function.lower() if function else "", numbers, text)
    if len(columns) != 1:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: {text}")
    if columns[0] not in schema.column_names:
        raise QueryError("COLUMN_NOT_FOUND", f"Column not found: {columns[0]}")
    source = schema.find_field(columns[0])
    if not transform.can_transform(source.field_type):
        raise QueryError("INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: Invalid type for {text}")
    return PartitionField(source.field_id, field_id, transform, f"{columns[0]}{suffix}")


def _transform(function: str, numbers: Sequence[int], text: str) -> tuple[Transform, str]:
    if not function and not numbers:
        return IdentityTransform(), ""
    if function in _TIMES and not numbers:
        return _TIMES[function], f"_{function}"
    if function == "bucket" and len(numbers) == 1:
        return BucketTransform(numbers[0]), "_bucket"
    if function == "truncate" and len(numbers) == 1:
        return TruncateTransform(numbers[0]), "_trunc"
    raise QueryError("INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: {text}")


def table_properties(given: Mapping[str, str]) -> dict[str, str]:
    """The properties to keep with the table.

    Raises:
        QueryError: NOT_SUPPORTED: Athena has no such property for Iceberg, or another format than Parquet is asked for.
    """
    file_format = given.get("format", "parquet").lower()
    if file_format != "parquet":
        raise QueryError("NOT_SUPPORTED", f"Iceberg tables of format {file_format}: this endpoint writes parquet")
    kept: dict[str, str] = {"write.parquet.compression-codec": "zstd"}
    for key, value in given.items():
        lowered = key.lower()
        if lowered in _IGNORED:
            continue
        if lowered not in _PROPERTIES:
            raise QueryError("NOT_SUPPORTED", f"Unsupported table property key: {key}")
        kept[_PROPERTIES[lowered]] = value.lower() if lowered == "write_compression" else value
    return kept
