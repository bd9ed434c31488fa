"""The rows of an Athena result with exact types: its file is CSV, its types are in the metadata.

Athena writes a null as nothing and an empty text as `""`. An array, a map and a row come as the text that Athena makes
of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
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
}
_BLOCK_BYTES: Final = 16 * 1024 * 1024
_UTC: Final = " UTC"


def read_rows(file: pa.NativeFile, columns: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows of a result.

    Args:
        file: The result's CSV.
        columns: `ResultSetMetadata.ColumnInfo` (Amazon Athena API reference).
    """
    names = [f"c{number}" for number in range(len(columns))]
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
    arrays = [_typed(text[name], column) for name, column in zip(names, columns, strict=True)]
    return pa.table(arrays, names=[column["Name"] for column in columns])


def _typed(text: pa.ChunkedArray, column: Mapping[str, Any]) -> pa.ChunkedArray:
    kind = str(column["Type"]).lower()
    if kind == "decimal":
        return text.cast(pa.decimal128(column["Precision"], column["Scale"]))
    if kind == "varbinary":
        return _each(text, bytes.fromhex, pa.binary())
    if kind == "timestamp with time zone":
        return _moments(text)
    return text.cast(_TYPES.get(kind, pa.string()))


def _moments(text: pa.ChunkedArray) -> pa.ChunkedArray:
    wanted = pa.timestamp("us", tz="UTC")
    values = pl.Series(text)
    if values.str.ends_with(_UTC).all():
        plain = pa.chunked_array(values.str.strip_suffix(_UTC).to_arrow(compat_level=pl.CompatLevel.oldest()))
        return plain.cast(pa.timestamp("us")).cast(wanted)
    return _each(text, _moment, wanted)


def _moment(text: str) -> datetime:
    plain, _, zone = text.rpartition(" ")
    return datetime.fromisoformat(plain).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _each(text: pa.ChunkedArray, read: Any, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([[None if value is None else read(value) for value in text.to_pylist()]], kind)
