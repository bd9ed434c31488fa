"""The hash that tells the content of two tables apart."""

from __future__ import annotations

import hashlib
import io

import polars as pl
import pyarrow as pa


def content_hash(table: pa.Table) -> str:
    """SHA-256 of a table's schema and rows, independent of their order. Columns of scalar types only."""
    frame = pl.DataFrame(table)
    names = sorted(frame.columns)
    digest = hashlib.sha256()
    digest.update("\n".join(f"{name} {table.schema.field(name).type}" for name in table.column_names).encode())
    buffer = io.BytesIO()
    if names:
        frame.sort(names).write_csv(buffer, include_header=False, null_value="", quote_style="non_numeric")
    digest.update(buffer.getbuffer())
    return digest.hexdigest()
