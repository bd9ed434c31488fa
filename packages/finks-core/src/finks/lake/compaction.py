"""Keep files large and metadata small: merge files, forget old snapshots, delete what nothing refers to.

Compaction rewrites rows, never drops one: every version in Silver stays.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from pyarrow.fs import FileSelector, FileType
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table

from finks.lake.catalog import find_table, no_such_table, state, table_names
from finks.lake.files import COMPACTION, OPERATION, LiveFile, ancestry, live_files, read_files, sequence_of, write_files
from finks.lake.silver import STATE
from finks.lake.writing import committing, landed, stamped

SMALL_FILE: Final = 32 * 1024 * 1024
"""Files below this many bytes, as stored, are merged with their neighbours up to twice as many."""

SMALL_BODIES_FILE: Final = 1024 * 1024
"""The same for Bronze, whose bodies take many times more room in memory than on disk, up to eight times as many."""

MIN_FILES: Final = 4
"""Fewer small files together than this are left alone."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: data files before and after, of those that it touched."""

    files_before: int = 0
    files_after: int = 0


def compact_table(catalog: Catalog, identifier: str, *, consumed: int | None = None) -> Compacted:
    """Merge the small files of each partition in one commit, which carries finks' state forward.

    Args:
        identifier: For example `silver.fmp_daily_bars`.
        consumed: For Bronze, the snapshot up to which Silver has read: younger files are not touched, or their rows
            would no longer count as added. None touches every file.
    """
    return committing(identifier, lambda: _attempt(catalog, identifier, consumed))


def _attempt(catalog: Catalog, identifier: str, consumed: int | None) -> Compacted:
    table = _load(catalog, identifier)
    groups = _groups(table, identifier, consumed)
    if not groups:
        return Compacted()
    carried = {name: value for name in STATE if (value := state(table, name)) is not None}
    counter = itertools.count()
    after = 0
    with table.transaction() as transaction:
        update = transaction.update_snapshot(snapshot_properties=stamped({OPERATION: COMPACTION, **carried}))
        with update.overwrite() as overwrite:
            for group in groups:
                for file in group:
                    overwrite.delete_data_file(file.file)
                rows = _sorted(table, read_files(table, group))
                for data_file in write_files(table, rows, overwrite.commit_uuid, counter):
                    overwrite.append_data_file(data_file)
                    after += 1
    landed(table)
    return Compacted(sum(len(group) for group in groups), after)


def compaction_due(catalog: Catalog, identifier: str, *, consumed: int | None = None) -> int:
    """How many small files a compaction would merge now.

    Args: as of `compact_table`.
    """
    return sum(map(len, _groups(_load(catalog, identifier), identifier, consumed)))


def _groups(table: Table, identifier: str, consumed: int | None) -> list[list[LiveFile]]:
    """The small files that belong together."""
    newest = sequence_of(table, consumed) if consumed is not None else None
    bronze = identifier.startswith("bronze.")
    limit, bin_bytes = (SMALL_BODIES_FILE, 8 * SMALL_BODIES_FILE) if bronze else (SMALL_FILE, 2 * SMALL_FILE)
    small = [
        file
        for file in live_files(table)
        if file.bytes < limit and (newest is None or file.sequence <= newest or _compacted(table, file))
    ]
    return list(_bins(small, bin_bytes))


def _compacted(table: Table, file: LiveFile) -> bool:
    snapshot = table.snapshot_by_id(file.snapshot_id)
    return snapshot is not None and snapshot.summary is not None and snapshot.summary.get(OPERATION) == COMPACTION


def _bins(files: Sequence[LiveFile], bin_bytes: int) -> Iterator[list[LiveFile]]:
    """Groups of small files of one partition, in commit order, each of at most `bin_bytes` and `MIN_FILES` or more."""
    partitions: dict[tuple[Any, ...], list[LiveFile]] = defaultdict(list)
    for file in files:
        values = [file.file.partition[position] for position in range(len(file.file.partition))]
        partitions[(file.file.spec_id, *values)].append(file)
    for group in partitions.values():
        packed: list[LiveFile] = []
        size = 0
        for file in group:
            if packed and size + file.bytes > bin_bytes:
                if len(packed) >= MIN_FILES:
                    yield packed
                packed, size = [], 0
            packed.append(file)
            size += file.bytes
        if len(packed) >= MIN_FILES:
            yield packed


def _sorted(table: Table, rows: pa.Table) -> pa.Table:
    names = [name for name in table.properties.get("finks.key", "").split(",") if name]
    order = (
        [*names, "_known_at", "_seq"] if names else [n for n in ("fetched_at", "known_at") if n in rows.column_names]
    )
    return rows.sort_by([(name, "ascending") for name in order]) if order else rows


def expire_table(catalog: Catalog, identifier: str, needed: Iterable[int]) -> int:
    """Forget the snapshots of a table that are older than every needed one and are not needed themselves.

    Bronze keeps its whole line from the bookmark on, so that what was added since can be told.

    Args:
        needed: Snapshot ids that must stay readable.

    Returns:
        How many snapshots were forgotten.
    """
    wanted = set(needed)

    def attempt() -> int:
        table = _load(catalog, identifier)
        line = ancestry(table)
        keep = {*wanted, *line[:1]}
        if identifier.startswith("bronze."):
            bookmarks = [line.index(one) for one in wanted if one in line]
            keep.update(line[: max(bookmarks) + 1] if bookmarks else line)
        old = [snapshot.snapshot_id for snapshot in table.snapshots() if snapshot.snapshot_id not in keep]
        if old:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        return len(old)

    return committing(identifier, attempt)


def remove_orphans(catalog: Catalog, identifier: str, *, older_than: datetime) -> int:
    """Delete the files in a table's directory that no snapshot and no metadata refers to.

    Args:
        older_than: Files changed after this time stay: a writer may be about to refer to them.

    Returns:
        How many files were deleted.
    """
    table = _load(catalog, identifier)
    scheme, netloc, root = PyArrowFileIO.parse_location(table.location())
    assert isinstance(table.io, PyArrowFileIO)
    files = table.io.fs_by_scheme(scheme, netloc)
    known = {location_key(location) for location in referred(table)}
    removed = 0
    for info in files.get_file_info(FileSelector(root, recursive=True, allow_not_found=True)):
        old = info.mtime is not None and info.mtime < older_than
        if info.type == FileType.File and old and info.path.lstrip("/") not in known:
            files.delete_file(info.path)
            removed += 1
    return removed


def location_key(location: str) -> str:
    """A location as pyarrow lists it, without its scheme and its leading slash."""
    return PyArrowFileIO.parse_location(location)[2].lstrip("/")


def referred(table: Table, *, log: bool = True) -> Iterator[str]:
    """The locations of all files that a table's snapshots and its metadata need.

    Args:
        log: The metadata files of earlier states too, which nothing reads.
    """
    yield table.metadata_location
    for entry in table.metadata.metadata_log if log else ():
        yield entry.metadata_file
    for statistics in table.metadata.statistics:
        yield statistics.statistics_path
    seen: set[str] = set()
    for snapshot in table.snapshots():
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                yield entry.data_file.file_path


def _load(catalog: Catalog, identifier: str) -> Table:
    table = find_table(catalog, identifier)
    if table is None:
        zone = identifier.partition(".")[0]
        raise no_such_table(identifier, [f"{zone}.{name}" for name in table_names(catalog, zone)])
    return table
