"""What pyiceberg has no public call for: the live files of a snapshot, and reading a chosen few of them.

Everything here and in `compaction.py` that leans on pyiceberg's inner parts is tested against the
pinned version (`pyiceberg>=0.12,<0.13`).
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import ArrowScan, visit_pyarrow
from pyiceberg.io.pyarrow import _ConvertToIcebergWithoutIDs as _ArrowToIceberg  # pyright: ignore[reportPrivateUsage]
from pyiceberg.io.pyarrow import _dataframe_to_data_files as _data_files  # pyright: ignore[reportPrivateUsage]
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntry, ManifestFile
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.types import PrimitiveType

OPERATION: Final = "finks.operation"
COMPACTION: Final = "compaction"


@dataclass(frozen=True, slots=True)
class LiveFile:
    """One data file of a table's current snapshot.

    Attributes:
        sequence: The sequence number of the commit that added it.
        snapshot_id: The snapshot that added it.
        bytes: Its size as stored.
        lower: The lower bound of the column that was asked for; None when unknown.
    """

    file: DataFile
    sequence: int
    snapshot_id: int
    bytes: int
    lower: Any = None


def ancestry(table: Table) -> list[int]:
    """The ids of the current snapshot and its known ancestors, newest first."""
    ids: list[int] = []
    snapshot = table.current_snapshot()
    while snapshot is not None:
        ids.append(snapshot.snapshot_id)
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
    return ids


def sequence_of(table: Table, snapshot_id: int | None) -> int:
    """The sequence number of a snapshot in the current ancestry; 0 when it is None or not there."""
    if snapshot_id is None or snapshot_id not in ancestry(table):
        return 0
    snapshot = table.snapshot_by_id(snapshot_id)
    return (snapshot.sequence_number or 0) if snapshot is not None else 0


def live_files(table: Table, *, added_after: int | None = None, order_by: str | None = None) -> list[LiveFile]:
    """The data files of the current snapshot.

    Args:
        added_after: Only files that a commit after this snapshot added, those of a compaction not counted.
            None, or a snapshot that is not in the ancestry, gives all files, compacted ones too.
        order_by: Sort by the lower bound of this column, then by commit; otherwise by commit.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        return []
    base = sequence_of(table, added_after)
    field_id = table.schema().find_field(order_by).field_id if order_by else None
    found: list[LiveFile] = []
    for manifest in snapshot.manifests(table.io):
        if manifest.sequence_number <= base:
            continue
        for entry in _entries(table, manifest):
            file = _live(table, entry, field_id)
            if file.sequence > base and not (base and _is_compaction(table, file.snapshot_id)):
                found.append(file)
    found.sort(key=lambda file: ((file.lower is not None, file.lower) if field_id else (), file.sequence))
    return found


def _entries(table: Table, manifest: ManifestFile) -> list[ManifestEntry]:
    entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    return [entry for entry in entries if entry.data_file.content == DataFileContent.DATA]


def _live(table: Table, entry: ManifestEntry, field_id: int | None) -> LiveFile:
    data = entry.data_file
    bound = (data.lower_bounds or {}).get(field_id) if field_id is not None else None
    lower = None
    if bound is not None:
        kind = table.schema().find_type(field_id)  # pyright: ignore[reportArgumentType]
        lower = from_bytes(kind, bound) if isinstance(kind, PrimitiveType) else None
    return LiveFile(data, entry.sequence_number or 0, entry.snapshot_id or 0, data.file_size_in_bytes, lower)


def _is_compaction(table: Table, snapshot_id: int) -> bool:
    snapshot = table.snapshot_by_id(snapshot_id)
    return snapshot is not None and snapshot.summary is not None and snapshot.summary.get(OPERATION) == COMPACTION


def read_files(table: Table, files: Sequence[LiveFile], row_filter: BooleanExpression | None = None) -> pa.Table:
    """The rows of these files in the table's current schema. The tables that finks writes have no delete files."""
    scan = ArrowScan(table.metadata, table.io, table.schema(), row_filter or AlwaysTrue())
    return scan.to_table([FileScanTask(item.file) for item in files])


def write_files(
    table: Table, rows: pa.Table, write_uuid: uuid.UUID, counter: itertools.count[int]
) -> Iterable[DataFile]:
    """Write rows into new data files, by partition; they belong to the table only once a commit names them."""
    return _data_files(table_metadata=table.metadata, df=rows, io=table.io, write_uuid=write_uuid, counter=counter)


def to_iceberg(schema: pa.Schema) -> Schema:
    """The Iceberg schema of an Arrow schema, its field ids still to be assigned."""
    return visit_pyarrow(schema, _ArrowToIceberg())
