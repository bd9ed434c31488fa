"""Rows into a Hive table: a folder for each partition, and the partitions told to Glue."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute

from finks_local.engine import metastore
from finks_local.engine.metastore import Metastore, Row
from finks_local.engine.storage import NULL_PARTITION, discard, folder, name
from finks_local.engine.workspace import Workspace
from finks_local.engine.write.files import ParquetFiles
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column

MAX_PARTITIONS: Final = 100
"""A CTAS or an INSERT may write so many at once (Athena: "Use CTAS and INSERT INTO to work around the limit")."""

_encode: Final[Any] = pyarrow.compute.run_end_encode  # pyright: ignore[reportAttributeAccessIssue]
_PARTITION: Final = "finks_partition"
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"#%\'*/:=?\\{\[\]^]')

Values = tuple[str | None, ...]
"""A partition's values, as Glue keeps them; None for null."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Hive table to write to.

    Args:
        location: Its folder.
        columns: Those in the files.
        keys: Those in the paths.
        compression: Parquet's codec.
        existing: Gives the folder of a partition that the table has, or None.
    """

    location: str
    columns: tuple[Column, ...]
    keys: tuple[Column, ...]
    compression: str = "SNAPPY"
    existing: Callable[[Values], str | None] = lambda _: None


@dataclass
class Written:
    """What was written: files, and the partitions' values with their folders."""

    rows: int = 0
    files: list[str] = field(default_factory=list)
    partitions: dict[Values, str] = field(default_factory=dict)


def write(workspace: Workspace, sql: str, target: Target) -> Written:
    """Write the rows of a DuckDB query whose columns are the target's, files' first; on failure no file stays.

    Raises:
        QueryError: HIVE_TOO_MANY_OPEN_PARTITIONS, or what the query raises.
    """
    written = Written()
    try:
        for values, batches in _runs(workspace, sql, target):
            _write_run(workspace, target, values, batches, written)
    except BaseException:
        discard(workspace.backend.s3, written.files)
        raise
    return written


def _write_run(
    workspace: Workspace,
    target: Target,
    values: Values,
    batches: Iterator[pa.RecordBatch],
    written: Written,
) -> None:
    if values and values not in written.partitions and len(written.partitions) >= MAX_PARTITIONS:
        limit = f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions/buckets"
        raise QueryError("HIVE_TOO_MANY_OPEN_PARTITIONS", limit)
    known = target.existing(values) if values else None
    place = folder(known or folder(target.location) + partition_path(target.keys, values))
    schema = pa.schema([(column.name, column.type.arrow) for column in target.columns])

    def next_file() -> str:
        written.files.append(f"{place}{file_name(workspace.request.query_id, workspace.request.now)}")
        return written.files[-1]

    files = ParquetFiles(workspace.backend.filesystem, next_file, schema, target.compression, workspace.limits)
    for batch in batches:
        files.add(batch)
    files.close()
    written.rows += files.rows
    if values:
        written.partitions[values] = place


def _runs(workspace: Workspace, sql: str, target: Target) -> Iterator[tuple[Values, Iterator[pa.RecordBatch]]]:
    """The rows by partition, each partition's in one run: DuckDB sorts them, on disk if need be."""
    if not target.keys:
        yield (), workspace.run_sql(sql, target.columns).batches
        return
    keys = ", ".join(f"cast({_partition_text(key)} as varchar)" for key in target.keys)
    columns = ", ".join(name(column.name) for column in target.columns)
    query = f"select {columns}, cast(to_json([{keys}]) as varchar) as {_PARTITION} from ({sql}) order by {_PARTITION}"  # noqa: S608
    pieces = _Pieces(workspace.run_sql(query, target.columns).batches)
    while (key := pieces.peek()) is not None:
        yield tuple(json.loads(key)), pieces.of(key)


class _Pieces:
    """Batches cut where the partition changes."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._pieces = self._cut(batches)
        self._next = next(self._pieces, None)

    @staticmethod
    def _cut(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch]]:
        for batch in batches:
            runs = _encode(batch.column(batch.num_columns - 1).cast(pa.string()))
            rows = batch.select(range(batch.num_columns - 1))
            start = 0
            for end, key in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                yield key, rows.slice(start, end - start)
                start = end

    def peek(self) -> str | None:
        """The partition that comes next."""
        return self._next[0] if self._next is not None else None

    def of(self, key: str) -> Iterator[pa.RecordBatch]:
        """The batches of that partition."""
        while self._next is not None and self._next[0] == key:
            yield self._next[1]
            self._next = next(self._pieces, None)


def _partition_text(key: Column) -> str:
    quoted = name(key.name)
    return f"strftime({quoted}, '%Y-%m-%d %H:%M:%S.%g')" if key.type.base == "timestamp" else quoted


def partition_path(keys: Sequence[Column], values: Sequence[str | None]) -> str:
    """`key=value/` for each key, escaped as Hive does; empty without keys."""
    return "".join(f"{_escaped(key.name)}={_escaped(value)}/" for key, value in zip(keys, values, strict=True))


def _escaped(value: str | None) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", value) if value else NULL_PARTITION


def file_name(query_id: str, now: datetime) -> str:
    """A name as Athena gives its files: time, query, something of its own."""
    return f"{now:%Y%m%d_%H%M%S}_{query_id[:5]}_{uuid.uuid4()}"


def register(catalog: Metastore, table: Row, written: Written) -> None:
    """Tell Glue the partitions that were written; those that it has stay as they are."""
    rows = [partition_row(table, values, place) for values, place in written.partitions.items()]
    catalog.create_partitions(table["DatabaseName"], table["Name"], rows)


def partition_row(table: Row, values: Sequence[str | None], location: str) -> Row:
    """A partition's row: the table's descriptor in another place."""
    return {
        "Values": [NULL_PARTITION if value is None else value for value in values],
        "StorageDescriptor": {**table["StorageDescriptor"], "Location": location, "Columns": metastore.columns(table)},
        "Parameters": {},
    }
