"""What crosses between Spark and Python: Arrow batches of one schema, in which every row is of one kind.

Spark gives a stage one schema, so rows of several kinds share it: the columns of the main kind stand beside one
struct per other kind, and what a row is not is null.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import polars as pl
import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

BATCH_ROWS = 10_000


def struct(schema: pa.Schema) -> pa.StructType:
    """A schema's columns as one nullable column."""
    return pa.struct(list(schema))


def nullable(schema: pa.Schema) -> list[pa.Field]:
    """The same fields, each of which may be null."""
    return [field.with_nullable(True) for field in schema]


def spark_schema(schema: pa.Schema) -> StructType:
    """The same schema in Spark's types; a timestamp must have a zone."""
    return from_arrow_schema(schema)


def packed(table: pa.Table, name: str) -> Mapping[str, pa.Array]:
    """The rows of a table as one column of structs."""
    whole = table.combine_chunks()
    arrays = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in whole.columns]
    return {name: pa.StructArray.from_arrays(arrays, fields=list(table.schema))}


def columns(table: pa.Table) -> Mapping[str, pa.Array]:
    """The columns of a table, each in one piece."""
    whole = table.combine_chunks()
    return {
        name: column.chunk(0) if column.num_chunks else pa.array([], column.type)
        for name, column in zip(whole.column_names, whole.columns, strict=True)
    }


def batches(schema: pa.Schema, parts: Mapping[str, pa.Array]) -> Iterator[pa.RecordBatch]:
    """Rows of `schema` from some of its columns; the others are null. No rows give no batch."""
    rows = len(next(iter(parts.values())))
    for start in range(0, rows, BATCH_ROWS):
        size = min(BATCH_ROWS, rows - start)
        arrays = [
            parts[field.name].slice(start, size) if field.name in parts else pa.nulls(size, field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def to_bytes(frame: pl.DataFrame) -> bytes:
    """A frame as one value."""
    target = io.BytesIO()
    frame.write_ipc(target)
    return target.getvalue()


def from_bytes(content: bytes) -> pl.DataFrame:
    """What `to_bytes` was given."""
    return pl.read_ipc(io.BytesIO(content))
