"""Record batches into the lines of a LazySimpleSerDe table, which is what INSERT INTO a text table writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from pyarrow.fs import S3FileSystem

from finks_local.engine.failures import told
from finks_local.engine.storage import bare
from finks_local.sql.errors import QueryError
from finks_local.sql.text import rows_as_text
from finks_local.sql.types import Column

_NESTED: Final = ("array", "map", "row", "varbinary")


class TextFiles:
    """Writes one run of rows into one file.

    Args:
        files: S3.
        place: Gives the location of the file.
        columns: Of the rows.
        serde: The parameters of the table's SerDe.

    Raises:
        QueryError: NOT_SUPPORTED for columns that are not plain, or a SerDe with escapes.
    """

    def __init__(
        self, files: S3FileSystem, place: Callable[[], str], columns: Sequence[Column], serde: Mapping[str, str]
    ) -> None:
        for column in columns:
            if column.type.base in _NESTED:
                raise QueryError("NOT_SUPPORTED", f"INSERT INTO a text table with a column of type {column.type}")
        if "escape.delim" in serde or serde.get("line.delim", "\n") != "\n":
            raise QueryError("NOT_SUPPORTED", "INSERT INTO a text table with ESCAPED BY or LINES TERMINATED BY")
        field = serde.get("field.delim", serde.get("serialization.format", "1"))
        self._delimiter = "\x01" if field == "1" else field
        self._null = serde.get("serialization.null.format", "\\N")
        self._files = files
        self._place = place
        self._columns = columns
        self._stream: Any = None
        self._location = ""
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Write rows.

        Raises:
            QueryError: NOT_SUPPORTED for a text that would read back as another one.
        """
        self.rows += batch.num_rows
        lines = "".join(self._line(row) for row in rows_as_text(batch, self._columns))
        if not lines:
            return
        if self._stream is None:
            self._location = self._place()
        with told(self._location):
            if self._stream is None:
                self._stream = self._files.open_output_stream(bare(self._location), compression=None)
            self._stream.write(lines.encode())

    def close(self) -> None:
        """Finish the file; without rows there is none."""
        if self._stream is not None:
            with told(self._location):
                self._stream.close()

    def _line(self, row: Sequence[str | None]) -> str:
        for value in row:
            marks = value is not None and (self._delimiter in value or "\n" in value or "\r" in value)
            if marks or value == self._null:
                message = (
                    "INSERT INTO a text table of a text with the table's delimiter, a line break or its null marker"
                )
                raise QueryError("NOT_SUPPORTED", message)
        line = self._delimiter.join(self._null if value is None else value for value in row)
        if not line:
            raise QueryError("NOT_SUPPORTED", "INSERT INTO a text table of one column of an empty text")
        return f"{line}\n"
