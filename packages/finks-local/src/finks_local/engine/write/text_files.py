"""Record batches into the lines of a LazySimpleSerDe table, which is what INSERT INTO a text table writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from pyarrow.fs import S3FileSystem

from finks_local.engine.failures import told
from finks_local.engine.storage import bare
from finks_local.sql.errors import QueryError
from finks_local.sql.text import rows_as_text
from finks_local.sql.types import Column

_NESTED = ("array", "map", "row", "varbinary")


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
        self._lines: list[str] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows.

        Raises:
            QueryError: NOT_SUPPORTED for a text that would read back as another one.
        """
        self.rows += batch.num_rows
        self._lines += [self._line(row) for row in rows_as_text(batch, self._columns)]

    def close(self) -> None:
        """Write the file, unless there are no rows."""
        if not self._lines:
            return
        location = self._place()
        with told(location), self._files.open_output_stream(bare(location), compression=None) as stream:
            stream.write("".join(self._lines).encode())

    def _line(self, row: Sequence[str | None]) -> str:
        for value in row:
            if value is not None and (self._delimiter in value or "\n" in value or "\r" in value):
                message = "INSERT INTO a text table of a text with the table's delimiter or a line break in it"
                raise QueryError("NOT_SUPPORTED", message)
        return self._delimiter.join(self._null if value is None else value for value in row) + "\n"
