"""Backups of a lake: files that never change are stored once, and a manifest names all of one moment.

    backup.json             which lake it is of
    files/<path>            a file of a table, under its path in the lake
    files/<path>@<sha256>   any other file of the lake, such as a run's report: these may be written again
    manifests/<id>.json     one backup: every file with size and SHA-256, every table with its metadata file

The manifest is written last, so a backup is whole or does not count. As Iceberg's files never change, the metadata
file that a table points at is a picture of the table; of all tables under the lease, it is one of the lake.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pyiceberg.table import Table

from finks.errors import ConfigurationError, DataError
from finks.lake.catalog import NAMESPACES, find_table, table_names
from finks.lake.compaction import location_key, referred
from finks.lake.lake import Lake
from finks.lake.place import MARKER, read_marker
from finks.lake.stores import FileInfo, Store, store_of, text_of

FORMAT: Final = 1
OWNER: Final = "backup.json"
FILES: Final = "files/"
MANIFESTS: Final = "manifests/"
WORKERS: Final = 8
"""Files copied at once."""

Tell = Callable[[str, int, int], None]
"""Is told each file that was dealt with: its name, how many there were, of how many."""

T = TypeVar("T")


class SavedFile(BaseModel):
    """One file of a backup: where it is stored, its bytes, their SHA-256; `modified` of a file that may change."""

    stored: str
    size: int
    sha256: str
    modified: str = ""


class SavedTable(BaseModel):
    """A table at the moment of the backup."""

    metadata: str
    snapshot: int | None
    rows: int


class Manifest(BaseModel):
    """One backup."""

    format: int = FORMAT
    backup_id: str
    lake: str
    created_at: datetime
    marker: str
    release: int | None
    tables: dict[str, SavedTable]
    files: dict[str, SavedFile]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What one backup did.

    Attributes:
        files, bytes: Of the whole backup.
        copied, copied_bytes: What was not there already.
        kept: The backups that can be restored, the newest first.
        removed: Files that no backup names any more.
    """

    manifest: Manifest
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    kept: list[str]
    removed: int


def backup_ids(target: Store) -> list[str]:
    """The backups that can be restored, the newest first."""
    names = [file.name for file in target.files(MANIFESTS) if file.name.endswith(".json")]
    return sorted((name.removeprefix(MANIFESTS).removesuffix(".json") for name in names), reverse=True)


def read_manifest(target: Store, backup_id: str) -> Manifest:
    """One backup's manifest.

    Raises:
        ConfigurationError: There is no such backup, or a newer finks wrote it.
        DataError: It is damaged.
    """
    name = f"{MANIFESTS}{backup_id}.json"
    where = f"{target.address}/{name}"
    text = text_of(target, name)
    if text is None:
        known = backup_ids(target)
        raise ConfigurationError(
            "There is no such backup.", where=where, expected=", ".join(known) or "a backup (there is none)"
        )
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise DataError(
            "A backup's manifest cannot be read.",
            where=where,
            got=f"{error.error_count()} errors",
            hint="Another backup there may be whole. Delete this manifest to make backups go on without it.",
        ) from None
    if manifest.format != FORMAT:
        raise ConfigurationError(
            "Another version of finks wrote this backup.", where=where, expected=f"format {FORMAT}"
        )
    return manifest


def back_up(lake: Lake, target: Store, backup_id: str, at: datetime, keep: int, tell: Tell) -> BackedUp:
    """Copy what the target does not have, write the manifest, drop the oldest backups. The caller holds the lake.

    Args:
        target: Where to; it belongs to this lake alone.
        backup_id: A run id: backups are ordered by it.
        at: The time of the backup, aware.
        keep: How many backups stay.

    Raises:
        ConfigurationError: The target belongs to another lake, or lies inside the lake.
        DataError: A file of the lake is missing, or a manifest of the target is damaged.
    """
    lake_files = store_of(lake.place.address)
    marker = lake.place.kept(MARKER) or ""
    location = str(read_marker(marker, lake.place.address)["location"])
    _claim(target, location, lake_files.address)
    before = [read_manifest(target, known) for known in backup_ids(target)[:1]]
    saver = _Saver(lake_files, target, before[0].files if before else {})
    tables, names = picture(lake, location)
    others = [file for file in lake_files.files() if not file.name.startswith((*lake.place.apart, MARKER))]
    work: list[tuple[str, FileInfo | None]] = [(name, None) for name in sorted(names)]
    work += [(file.name, file) for file in others]
    files = dict(zip((name for name, _ in work), in_parallel(saver.save, work, tell), strict=True))
    manifest = Manifest(
        backup_id=backup_id,
        lake=location,
        created_at=at,
        marker=marker,
        release=lake.served_release(),
        tables=tables,
        files=files,
    )
    target.write(f"{MANIFESTS}{backup_id}.json", [manifest.model_dump_json(indent=1).encode()])
    kept, removed = _prune(target, keep)
    sizes = sum(file.size for file in files.values())
    return BackedUp(manifest, len(files), sizes, saver.copied, saver.copied_bytes, kept, removed)


def in_parallel(act: Callable[[tuple[str, T]], SavedFile], work: list[tuple[str, T]], tell: Tell) -> list[SavedFile]:
    """Do the same with many files, some at once. The first failure ends it, and passes."""
    done: list[SavedFile] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for (name, _), result in zip(work, pool.map(act, work), strict=True):
                done.append(result)
                tell(name, len(done), len(work))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return done


def hashed(content: Iterable[bytes], into: list[tuple[int, str]]) -> Iterator[bytes]:
    """The same pieces; after the last one their size and SHA-256 are in `into`."""
    digest = hashlib.sha256()
    size = 0
    for piece in content:
        digest.update(piece)
        size += len(piece)
        yield piece
    into.append((size, digest.hexdigest()))


def digest_of(content: Iterable[bytes]) -> tuple[int, str]:
    """Size and SHA-256."""
    found: list[tuple[int, str]] = []
    for _ in hashed(content, found):
        pass
    return found[0]


class _Saver:
    """Brings single files into a backup.

    Args:
        known: The files of the newest backup.
    """

    def __init__(self, lake: Store, target: Store, known: dict[str, SavedFile]) -> None:
        self._lake = lake
        self._target = target
        self._known = known
        self._present = {file.name: file.size for file in target.files(FILES)}
        self.copied = 0
        self.copied_bytes = 0

    def save(self, item: tuple[str, FileInfo | None]) -> SavedFile:
        """Save a file of a table, or another one (with its facts), unless it is there."""
        name, facts = item
        known = self._known.get(name)
        same = facts is None or (known is not None and (known.size, known.modified) == (facts.size, facts.modified))
        if known is not None and same and self._present.get(known.stored) == known.size:
            return known
        try:
            return self._never_changing(name) if facts is None else self._changing(name, facts)
        except FileNotFoundError as error:
            raise DataError(
                "A file of the lake is missing, so there is no whole backup.",
                where=f"{self._lake.address}/{name}",
                hint="`finks restore` brings it back from an earlier backup.",
            ) from error

    def _never_changing(self, name: str) -> SavedFile:
        stored = f"{FILES}{name}"
        if stored in self._present:
            # An interrupted backup may have brought it: files appear whole, so its size tells.
            size, sha256 = digest_of(self._lake.read(name))
            if self._present[stored] == size:
                return SavedFile(stored=stored, size=size, sha256=sha256)
        return self._copy(name, stored)

    def _changing(self, name: str, facts: FileInfo) -> SavedFile:
        size, sha256 = digest_of(self._lake.read(name))
        stored = f"{FILES}{name}@{sha256}"
        saved = SavedFile(stored=stored, size=size, sha256=sha256, modified=facts.modified)
        if self._present.get(stored) == size:
            return saved
        if self._copy(name, stored).sha256 != sha256:
            raise DataError("A file changed while it was copied.", where=f"{self._lake.address}/{name}")
        return saved

    def _copy(self, name: str, stored: str) -> SavedFile:
        found: list[tuple[int, str]] = []
        self._target.write(stored, hashed(self._lake.read(name), found))
        size, sha256 = found[0]
        self.copied += 1
        self.copied_bytes += size
        return SavedFile(stored=stored, size=size, sha256=sha256)


def picture(lake: Lake, location: str) -> tuple[dict[str, SavedTable], set[str]]:
    """Every table as it is, and the names of all files that its snapshots need."""
    tables: dict[str, SavedTable] = {}
    names: set[str] = set()
    root = f"{location_key(location)}/"
    for zone in NAMESPACES:
        for table_name in table_names(lake.catalog, zone):
            table = find_table(lake.catalog, f"{zone}.{table_name}")
            if table is None:
                continue
            tables[f"{zone}.{table_name}"] = saved_table(table)
            names |= {_inside(location_key(found), root) for found in referred(table, log=False)}
    return tables, names


def saved_table(table: Table) -> SavedTable:
    """What a manifest says of a table."""
    snapshot = table.current_snapshot()
    rows = 0 if snapshot is None else table.scan().count()
    return SavedTable(metadata=table.metadata_location, snapshot=snapshot and snapshot.snapshot_id, rows=rows)


def _inside(key: str, root: str) -> str:
    if not key.startswith(root):
        raise ConfigurationError("A table has a file outside the lake.", where=key, expected=f"below {root}")
    return key.removeprefix(root)


def _claim(target: Store, location: str, lake: str) -> None:
    """The target belongs to this lake, from the first backup on."""
    one, other = f"{target.address.rstrip('/')}/", f"{lake.rstrip('/')}/"
    if one.startswith(other) or other.startswith(one):
        raise ConfigurationError(
            "A backup cannot be inside the lake, nor the lake inside it.",
            where="backup.target",
            expected=f"a place apart from {lake}",
            got=target.address,
        )
    text = text_of(target, OWNER)
    if text is None:
        if next(target.files(), None) is not None:
            raise ConfigurationError(
                "The place for backups holds something else.",
                where=target.address,
                expected=f"an empty one, or one with {OWNER}",
            )
        target.write(OWNER, [json.dumps({"format": FORMAT, "lake": location}).encode() + b"\n"])
        return
    owner = read_owner(text, target.address)
    if owner != location:
        raise ConfigurationError(
            "The backups there are of another lake.",
            where=target.address,
            expected=location,
            got=owner,
            hint="Give each lake a target of its own: [backup] target.",
        )


def read_owner(text: str, where: str) -> str:
    """The lake that a target's backups are of."""
    try:
        return str(json.loads(text)["lake"])
    except (ValueError, KeyError, TypeError):
        raise DataError("The mark of the backup cannot be read.", where=f"{where}/{OWNER}") from None


def _prune(target: Store, keep: int) -> tuple[list[str], int]:
    """Drop all backups but the newest ones; then every file that none of these names."""
    known = backup_ids(target)
    kept = known[:keep]
    needed = {file.stored for backup_id in kept for file in read_manifest(target, backup_id).files.values()}
    for backup_id in known[keep:]:
        target.delete(f"{MANIFESTS}{backup_id}.json")
    unneeded = [file.name for file in target.files(FILES) if file.name not in needed]
    for name in unneeded:
        target.delete(name)
    return kept, len(unneeded)
