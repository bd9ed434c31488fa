"""An Iceberg table's own tables: `"t$snapshots"`, `"t$history"`, `"t$files"` and their like, with Trino's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import PrimitiveType

from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, from_arrow

_INSTANT: Final = pa.timestamp("us", tz="UTC")
_CONTENT: Final = ("content", pa.int32())


@dataclass(frozen=True, slots=True)
class Metadata:
    """The rows of such a table, and its columns."""

    columns: tuple[Column, ...]
    rows: pa.Table


def relation(table: Table, name: str) -> Metadata:
    """The metadata table of that name.

    Raises:
        QueryError: TABLE_NOT_FOUND.
    """
    made = _TABLES.get(name)
    if made is None:
        raise QueryError("TABLE_NOT_FOUND", f"Table '{'.'.join(table.name())}${name}' does not exist")
    rows = made(table)
    columns = [Column(field.name, from_arrow(field.type)) for field in rows.schema]
    return Metadata(tuple(columns), rows)


def _picked(rows: pa.Table, columns: Mapping[str, tuple[str, pa.DataType | None]]) -> pa.Table:
    """Columns by their new name: the old name and the type to cast to."""
    arrays = {
        new: rows.column(old) if kind is None else rows.column(old).cast(kind) for new, (old, kind) in columns.items()
    }
    return pa.table(arrays)


def _snapshots(table: Table) -> pa.Table:
    return _picked(
        table.inspect.snapshots(),
        {
            "committed_at": ("committed_at", _INSTANT),
            "snapshot_id": ("snapshot_id", None),
            "parent_id": ("parent_id", None),
            "operation": ("operation", None),
            "manifest_list": ("manifest_list", None),
            "summary": ("summary", None),
        },
    )


def _history(table: Table) -> pa.Table:
    names = ("snapshot_id", "parent_id", "is_current_ancestor")
    plain = {name: (name, None) for name in names}
    return _picked(table.inspect.history(), {"made_current_at": ("made_current_at", _INSTANT), **plain})


def _refs(table: Table) -> pa.Table:
    return _picked(
        table.inspect.refs(),
        {
            "name": ("name", None),
            "type": ("type", pa.string()),
            "snapshot_id": ("snapshot_id", None),
            "max_reference_age_in_ms": ("max_reference_age_in_ms", None),
            "min_snapshots_to_keep": ("min_snapshots_to_keep", None),
            "max_snapshot_age_in_ms": ("max_snapshot_age_in_ms", None),
        },
    )


def _manifests(table: Table) -> pa.Table:
    counts = {
        f"{kind}_data_files_count": (f"{kind}_data_files_count", pa.int32())
        for kind in ("added", "existing", "deleted")
    }
    return _picked(
        table.inspect.manifests(),
        {
            "path": ("path", None),
            "length": ("length", None),
            "partition_spec_id": ("partition_spec_id", None),
            "added_snapshot_id": ("added_snapshot_id", None),
            **counts,
            "partition_summaries": ("partition_summaries", None),
        },
    )


def _partitions(table: Table) -> pa.Table:
    rows = table.inspect.partitions()
    columns: dict[str, tuple[str, pa.DataType | None]] = {
        "record_count": ("record_count", None),
        "file_count": ("file_count", pa.int64()),
        "total_size": ("total_data_file_size_in_bytes", None),
    }
    if "partition" in rows.column_names:
        columns = {"partition": ("partition", None), **columns}
    return _picked(rows, columns)


def _files(table: Table) -> pa.Table:
    rows = table.inspect.files()
    bounds = pa.map_(pa.int32(), pa.string())
    names = ("file_path", "file_format", "record_count", "file_size_in_bytes", "column_sizes", "value_counts")
    counted = (*names, "null_value_counts", "nan_value_counts")
    picked = _picked(rows, {_CONTENT[0]: _CONTENT, **{name: (name, _plain(rows, name)) for name in counted}})
    for name in ("lower_bounds", "upper_bounds"):
        texts = [_bounds(table.schema(), value) for value in rows.column(name).to_pylist()]
        picked = picked.append_column(name, pa.array(texts, bounds))
    for name in ("key_metadata", "split_offsets", "equality_ids"):
        picked = picked.append_column(name, rows.column(name))
    return picked


def _plain(rows: pa.Table, name: str) -> pa.DataType | None:
    return pa.string() if pa.types.is_dictionary(rows.schema.field(name).type) else None


def _bounds(schema: Schema, bounds: list[tuple[int, bytes]] | None) -> list[tuple[int, str]] | None:
    """Bounds as text, those of fields that the schema still has."""
    if bounds is None:
        return None
    texts: list[tuple[int, str]] = []
    for field_id, value in bounds:
        kind: Any = schema.find_type(field_id) if field_id in schema.field_ids else None
        if isinstance(kind, PrimitiveType):
            texts.append((field_id, IdentityTransform().to_human_string(kind, from_bytes(kind, value))))
    return texts


def _empty(made: Callable[[Table], pa.Table]) -> Callable[[Table], pa.Table]:
    """A table without a snapshot has no rows; pyiceberg's tables of a snapshot fail instead."""

    def rows(table: Table) -> pa.Table:
        if table.current_snapshot() is None:
            raise QueryError("NOT_SUPPORTED", f"Metadata of {'.'.join(table.name())}, which has no snapshot yet")
        return made(table)

    return rows


_TABLES: Final[Mapping[str, Callable[[Table], pa.Table]]] = {
    "snapshots": _snapshots,
    "history": _history,
    "refs": _refs,
    "manifests": _manifests,
    "partitions": _empty(_partitions),
    "files": _empty(_files),
}
