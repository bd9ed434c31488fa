"""A query's result: spooled to disk page by page, written to S3 as Athena writes it, read back a page at a time.

The spool is an Arrow file whose record batches hold exactly `PAGE` rows of text, so that any page is found without
reading what is before it. Nothing is ever whole in memory.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
from pyarrow import csv

from finks_local.engine.failures import told
from finks_local.sql.text import rows_as_text

PAGE: Final = 1000
"""Rows in a batch of the spool, and the most that one GetQueryResults returns."""

_CSV: Final = csv.WriteOptions(include_header=True, quoting_style="all_valid")
_PART_BYTES: Final = 8 * 2**20

Row = list[str | None]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a result.

    Attributes:
        rows: How many there are.
        bytes: Size of the file in S3.
    """

    rows: int
    bytes: int


class Results:
    """The results of one endpoint.

    Args:
        directory: Where spools are kept.
        filesystem: S3, for paths `bucket/key`.
    """

    def __init__(self, directory: Path, filesystem: Any) -> None:
        self._directory = directory
        self._filesystem = filesystem

    def write(
        self,
        query_id: str,
        columns: Sequence[Any],
        batches: Iterator[pa.RecordBatch],
        location: str | None,
        stop: Callable[[], None],
        *,
        header: bool,
    ) -> Written:
        """Spool a result and write it to S3: CSV where the name says so, else text.

        The file appears in S3 once the last row is there, so that a query that fails leaves none.

        Args:
            query_id: The spool's name.
            columns: The engine's columns.
            batches: The rows.
            location: `s3://bucket/key`; a large result goes there in parts. None for the spool alone.
            stop: Called before every page; raises to give up.
            header: Whether a text begins with the names of the columns; a CSV always does.

        Raises:
            QueryError: S3 refuses the file.
        """
        schema = pa.schema([(column.name, pa.string()) for column in columns])
        self._directory.mkdir(parents=True, exist_ok=True)
        rows = 0
        with ExitStack() as opened:
            spool = opened.enter_context(pa.ipc.new_file(self._path(query_id), schema))
            file = opened.enter_context(tempfile.TemporaryFile(dir=self._directory))
            is_csv = location is not None and location.endswith(".csv")
            add = _csv_into(file, schema) if is_csv else _text_into(file, schema.names if header else None)
            for page in _pages(columns, batches, stop):
                batch = pa.record_batch([pa.array(values, pa.string()) for values in zip(*page, strict=True)], schema)
                spool.write_batch(batch)
                add(batch)
                rows += batch.num_rows
            if location is not None:
                self._upload(file, location)
            return Written(rows, file.tell() if location is not None else 0)

    def _upload(self, file: IO[bytes], location: str) -> None:
        file.seek(0)
        with told(location), self._open(location) as sink:
            shutil.copyfileobj(file, sink, _PART_BYTES)

    def put(self, location: str, content: bytes) -> None:
        """Write a small file to S3.

        Raises:
            QueryError: S3 refuses it.
        """
        with told(location), self._open(location) as sink:
            sink.write(content)

    def read(self, query_id: str, start: int, count: int) -> list[Row]:
        """Rows of a spooled result; fewer than `count` only at its end."""
        rows: list[Row] = []
        with pa.memory_map(str(self._path(query_id))) as source, pa.ipc.open_file(source) as spool:
            for number in range(start // PAGE, spool.num_record_batches):
                batch = spool.get_batch(number)
                rows += _rows(batch.slice(max(0, start - number * PAGE), count - len(rows)))
                if len(rows) >= count:
                    break
        return rows

    def discard(self, query_id: str) -> None:
        """Remove a spool, if there is one."""
        self._path(query_id).unlink(missing_ok=True)

    def _path(self, query_id: str) -> Path:
        return self._directory / f"{query_id}.arrow"

    def _open(self, location: str) -> Any:
        return self._filesystem.open_output_stream(_in_s3(location))


def _pages(columns: Sequence[Any], batches: Iterator[pa.RecordBatch], stop: Callable[[], None]) -> Iterator[list[Row]]:
    """The rows as text, `PAGE` at a time; only the last page is shorter."""
    pending: list[Row] = []
    for batch in batches:
        for start in range(0, batch.num_rows, PAGE):
            stop()
            pending += rows_as_text(batch.slice(start, PAGE), columns)
            if len(pending) >= PAGE:
                yield pending[:PAGE]
                pending = pending[PAGE:]
    stop()
    if pending:
        yield pending


def _csv_into(file: IO[bytes], schema: pa.Schema) -> Callable[[pa.RecordBatch], None]:
    return csv.CSVWriter(file, schema, write_options=_CSV).write_batch


def _text_into(file: IO[bytes], names: Sequence[str] | None) -> Callable[[pa.RecordBatch], None]:
    """Values are parted by tabs, rows by new lines; there is none at the end."""
    if names is not None:
        file.write("\t".join(names).encode())

    def add(batch: pa.RecordBatch) -> None:
        for row in _rows(batch):
            line = "\t".join(value or "" for value in row)
            file.write((f"\n{line}" if file.tell() else line).encode())

    return add


def _rows(batch: pa.RecordBatch) -> list[Row]:
    return [list(row) for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


def _in_s3(location: str) -> str:
    return location.removeprefix("s3://")
