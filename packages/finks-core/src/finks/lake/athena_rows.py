"""The rows of an Athena result with exact types: its file is CSV, its types are in the metadata.

Athena writes a null as nothing and an empty text as `""`. An array, a map and a row come as the text that Athena makes
of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

_TYPES: Final[Mapping[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "varbinary": pa.binary(),
}
_BLOCK_BYTES: Final = 16 * 1024 * 1024
_UTC: Final = " UTC"


def result_schema(columns: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """The Arrow types of a result.

    Args:
        columns: `ResultSetMetadata.ColumnInfo` (Amazon Athena API reference).
    """
    return pa.schema([(column["Name"], _arrow(column)) for column in columns])


def read_rows(file: pa.NativeFile, schema: pa.Schema) -> pa.Table:
    """The rows of a result.

    Args:
        file: The result's CSV.
        schema: Its columns; see `result_schema`, or what the query is known to give.

    Raises:
        pyarrow.ArrowInvalid: A value is not of its column's type.
    """
    names = [f"c{number}" for number in range(len(schema))]
    text = csv.read_csv(
        file,
        csv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=_BLOCK_BYTES),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return pa.table([_typed(text[name], field.type) for name, field in zip(names, schema, strict=True)], schema)


def _arrow(column: Mapping[str, Any]) -> pa.DataType:
    kind = str(column["Type"]).lower()
    if kind == "decimal":
        return pa.decimal128(column["Precision"], column["Scale"])
    return _TYPES.get(kind, pa.string())


def _typed(text: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_binary(kind):
        return _each(text, bytes.fromhex, kind)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return _moments(text, kind)
    return text.cast(kind)


def _moments(text: pa.ChunkedArray, kind: pa.TimestampType) -> pa.ChunkedArray:
    if pc.all(pc.ends_with(text, _UTC)).as_py() in {True, None}:  # pyright: ignore[reportAttributeAccessIssue]
        plain = pc.utf8_slice_codeunits(text, 0, -len(_UTC))  # pyright: ignore[reportAttributeAccessIssue]
        return plain.cast(pa.timestamp(kind.unit)).cast(kind)
    return _each(text, _moment, kind)


def _moment(text: str) -> datetime:
    plain, _, zone = text.rpartition(" ")
    return datetime.fromisoformat(plain).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _each(text: pa.ChunkedArray, read: Any, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([[None if value is None else read(value) for value in text.to_pylist()]], kind)
