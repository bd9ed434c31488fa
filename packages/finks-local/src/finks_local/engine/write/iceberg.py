"""Rows into an Iceberg table: data files first, then one commit that names them.

Leans on pyiceberg's `_dataframe_to_data_files`, which the pinned version (`pyiceberg>=0.12,<0.13`) has.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import _dataframe_to_data_files as _data_files  # pyright: ignore[reportPrivateUsage]
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.transforms import BucketTransform

from finks_local.engine.failures import COMMIT_ERROR, ICEBERG_ERROR, told
from finks_local.engine.storage import discard, name
from finks_local.engine.workspace import Workspace
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column

MAX_PARTITIONS: Final = 100


def write_rows(
    workspace: Workspace, sql: str, columns: Sequence[Column], metadata: TableMetadata, io: FileIO
) -> list[DataFile]:
    """Write the rows of a DuckDB query as data files of a table; on failure none stays.

    Args:
        columns: The query's, which are the table's.

    Raises:
        QueryError: ICEBERG_TOO_MANY_OPEN_PARTITIONS, or what the query raises.
    """
    written: list[DataFile] = []
    counter, write_uuid = itertools.count(), uuid.uuid4()
    rows = workspace.run_sql(_stored(sql, columns) + _order(metadata), tuple(columns))
    schema = schema_to_pyarrow(metadata.schema(), include_field_ids=False)
    try:
        for chunk in _chunks(rows.batches, schema, workspace.limits.group_bytes):
            with told(metadata.location):
                written.extend(
                    _data_files(table_metadata=metadata, df=chunk, io=io, write_uuid=write_uuid, counter=counter)
                )
            _check_partitions(written)
    except BaseException:
        discard(workspace.backend.s3, _locations(written))
        raise
    return written


def _stored(sql: str, columns: Sequence[Column]) -> str:
    """The query with UUIDs, which are carried as text, in the sixteen bytes that are stored."""
    if all(column.type.base != "uuid" for column in columns):
        return f"select * from ({sql})"  # noqa: S608
    values = [
        f"unhex(replace({name(c.name)}, '-', '')) as {name(c.name)}" if c.type.base == "uuid" else name(c.name)
        for c in columns
    ]
    return f"select {', '.join(values)} from ({sql})"  # noqa: S608


def _order(metadata: TableMetadata) -> str:
    """Rows of a partition come together, so that each gets few files; a bucket's cannot."""
    ordered = [
        name(metadata.schema().find_field(field.source_id).name)
        for field in metadata.spec().fields
        if not isinstance(field.transform, BucketTransform)
    ]
    return f" order by {', '.join(ordered)}" if ordered else ""


def _chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema, most: int) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.nbytes for one in waiting) >= most:
            yield _table(waiting, schema)
            waiting = []
    if any(batch.num_rows for batch in waiting):
        yield _table(waiting, schema)


def _table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(batches)
    for field in schema:
        if not field.nullable and table.column(field.name).null_count:
            raise QueryError("CONSTRAINT_VIOLATION", f"NULL value not allowed for NOT NULL column: {field.name}")
    return table.cast(schema)


def _check_partitions(files: Sequence[DataFile]) -> None:
    if len({str(file.partition) for file in files}) > MAX_PARTITIONS:
        message = f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions"
        raise QueryError("ICEBERG_TOO_MANY_OPEN_PARTITIONS", message, error_type=ICEBERG_ERROR)


def _locations(files: Iterable[DataFile]) -> list[str]:
    return [file.file_path for file in files]


def append(transaction: Transaction, files: Sequence[DataFile]) -> None:
    """Stage a snapshot that adds files; without files there is none."""
    if files:
        with transaction.update_snapshot().fast_append() as update:
            for file in files:
                update.append_data_file(file)


def replace(workspace: Workspace, table: Table, old: Sequence[DataFile], new: Sequence[DataFile]) -> None:
    """Commit a snapshot in which new files stand for old ones.

    Raises:
        QueryError: ICEBERG_COMMIT_ERROR: somebody else has changed the table since it was loaded; the new files go.
    """
    if not old:
        commit_append(workspace, table, new)
        return
    with _committing(workspace, table, new) as transaction, transaction.update_snapshot().overwrite() as update:
        for file in old:
            update.delete_data_file(file)
        for file in new:
            update.append_data_file(file)


def commit_append(workspace: Workspace, table: Table, files: Sequence[DataFile]) -> None:
    """Commit a snapshot that adds files, after those of others if need be.

    Raises:
        QueryError: ICEBERG_COMMIT_ERROR: others were faster too many times; the files go.
    """
    with _committing(workspace, table, files) as transaction:
        append(transaction, files)


@contextmanager
def _committing(workspace: Workspace, table: Table, files: Sequence[DataFile]) -> Iterator[Transaction]:
    """A transaction; only a commit that is known to have failed lets its files go."""
    try:
        with told(".".join(table.name())), table.transaction() as transaction:
            yield transaction
    except QueryError as error:
        if error.code == COMMIT_ERROR:
            discard(workspace.backend.s3, _locations(files))
        raise
