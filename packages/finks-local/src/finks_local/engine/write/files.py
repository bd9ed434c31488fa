"""Record batches into Parquet files on S3, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import S3FileSystem

from finks_local.engine.failures import told
from finks_local.engine.storage import bare
from finks_local.engine.workspace import Limits
from finks_local.sql.errors import QueryError

_CODECS: Final = {"GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE"}


def codec(name: str | None, default: str) -> str:
    """The codec of `write_compression`.

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    wanted = (name or default).upper()
    if wanted == "UNCOMPRESSED":
        return "NONE"
    if wanted not in _CODECS:
        raise QueryError("NOT_SUPPORTED", f"Compression {name} of Parquet files")
    return wanted


class ParquetFiles:
    """Writes one run of rows into as many files as they fill.

    Args:
        files: S3.
        place: Gives the location of the next file.
        schema: Of the rows.
        compression: Parquet's codec.
        limits: How large row groups and files may become.
    """

    def __init__(
        self, files: S3FileSystem, place: Callable[[], str], schema: pa.Schema, compression: str, limits: Limits
    ) -> None:
        self._files = files
        self._limits = limits
        self._place = place
        self._schema = schema
        self._compression = compression
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self._stream: Any = None
        self._writer: pq.ParquetWriter | None = None
        self.locations: list[str] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Write rows, or hold them back until there are more."""
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._bytes >= self._limits.group_bytes:
            self._flush()

    def close(self) -> None:
        """Write what is held back and finish the last file."""
        if self._waiting:
            self._flush()
        self._finish()

    def _flush(self) -> None:
        rows = pa.Table.from_batches(self._waiting).cast(self._schema)
        self._waiting, self._bytes = [], 0
        if self._writer is None:
            self._open()
        with told(self.locations[-1]):
            self._writer.write_table(rows)  # pyright: ignore[reportOptionalMemberAccess]
            if self._stream.tell() >= self._limits.file_bytes:
                self._finish()

    def _open(self) -> None:
        location = self._place()
        self.locations.append(location)
        with told(location):
            self._stream = self._files.open_output_stream(bare(location))
            self._writer = pq.ParquetWriter(self._stream, self._schema, compression=self._compression)

    def _finish(self) -> None:
        if self._writer is not None:
            with told(self.locations[-1]):
                self._writer.close()
                self._stream.close()
            self._writer = None
