"""A lake from a backup: every file checked as it comes, the catalog last.

Until all files are in their place and right, no table points at them, so a restore that fails or is killed leaves the
lake as it was; what it had copied is removed, or found again by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError

from finks.errors import ConfigurationError, CredentialsError, DataError, RetryableError
from finks.lake.aws_errors import told
from finks.lake.backup import (
    OWNER,
    Manifest,
    SavedFile,
    Tell,
    backup_ids,
    digest_of,
    hashed,
    in_parallel,
    picture,
    read_manifest,
    saved_table,
)
from finks.lake.catalog import NAMESPACES, table_names
from finks.lake.lake import Lake
from finks.lake.place import Place
from finks.lake.releases import RELEASES
from finks.lake.stores import Store, store_of, text_of

_LAST: Final = f"gold.{RELEASES}"


@dataclass(frozen=True, slots=True)
class Restored:
    """What one restore did.

    Attributes:
        copied, copied_bytes: Files that were missing or wrong in the lake.
    """

    manifest: Manifest
    copied: int
    copied_bytes: int


def restore(
    place: Place,
    source: Store,
    *,
    backup_id: str | None,
    replace: bool,
    run_id: str,
    clock: Callable[[], datetime],
    tell: Tell,
) -> Restored:
    """Bring a lake back to a backup, under its lease, and check what came of it.

    Args:
        place: Where the lake was: nothing, a damaged lake, or with `replace` a whole one.
        source: What the backups were written to.
        backup_id: Which one; the newest if None.
        replace: Take the place of a lake that is whole.

    Raises:
        ConfigurationError: There is no such backup, it is of another lake, or the lake is whole.
        DataError: A file of the backup is missing or damaged; the error names it, and nothing was restored.
        LakeBusyError: A run holds the lake.
    """
    manifest = _chosen(source, backup_id)
    _check_place(place, manifest)
    if not replace and _whole(place, manifest.lake):
        raise ConfigurationError(
            "The lake is whole, so it is not replaced.",
            where=place.address,
            hint="--replace takes it back to the backup; what came after it is lost.",
        )
    copier = _Copier(source, store_of(place.address))
    with place.rebuild(manifest.marker, run_id=run_id, command="finks restore", clock=clock) as catalog:
        try:
            in_parallel(copier.copy, list(manifest.files.items()), tell)
        except BaseException:
            copier.undo()
            raise
        _register(catalog, manifest)
    check_restored(Lake.open(place), manifest)
    return Restored(manifest, copier.copied, copier.copied_bytes)


def check_restored(lake: Lake, manifest: Manifest) -> None:
    """Every table loads, is at the snapshot of the backup, and has as many rows.

    Raises:
        DataError: One does not.
    """
    found = {
        f"{zone}.{name}": saved_table(lake.catalog.load_table(f"{zone}.{name}"))
        for zone in NAMESPACES
        for name in table_names(lake.catalog, zone)
    }
    for identifier in sorted(found.keys() | manifest.tables.keys()):
        if found.get(identifier) != manifest.tables.get(identifier):
            raise DataError(
                "A restored table is not that of the backup.",
                where=identifier,
                expected=str(manifest.tables.get(identifier)),
                got=str(found.get(identifier)),
            )
    if lake.served_release() != manifest.release:
        raise DataError("Another Gold release is served.", expected=str(manifest.release), where=lake.place.address)


def _chosen(source: Store, backup_id: str | None) -> Manifest:
    if text_of(source, OWNER) is None:
        raise ConfigurationError(
            "There is no backup here.",
            where=source.address,
            expected=f"what `finks backup` wrote, with {OWNER}",
            hint="Give the address that [backup] target had.",
        )
    known = backup_ids(source)
    if backup_id is None and not known:
        raise ConfigurationError("There is no whole backup here.", where=source.address, got="one that was interrupted")
    return read_manifest(source, backup_id or known[0])


def _check_place(place: Place, manifest: Manifest) -> None:
    """Tables name their files by absolute paths: a lake comes back where it was, or nowhere."""
    same = manifest.lake == place.address
    if not same and not place.address.startswith("s3://"):
        same = Path(place.address).resolve() == Path(manifest.lake).resolve()
    if not same:
        raise ConfigurationError(
            "The backup is of a lake at another place.",
            where="lake.path",
            expected=manifest.lake,
            got=place.address,
            hint="A lake is restored where it was, because its tables name their files by absolute paths.",
        )


def _whole(place: Place, location: str) -> bool:
    """Whether there is a lake that has every file of every table, so that a restore would destroy something."""
    try:
        lake = Lake.open(place)
        with told():
            tables, names = picture(lake, location)
        present = {file.name for file in store_of(place.address).files()}
    except (RetryableError, CredentialsError):
        raise
    except Exception:  # whatever cannot be read is damaged
        return False
    return bool(tables) and names <= present


def _register(catalog: Catalog, manifest: Manifest) -> None:
    """Let every table point at its metadata of the backup; the served releases last."""
    for zone in NAMESPACES:
        for name in table_names(catalog, zone):
            if f"{zone}.{name}" not in manifest.tables:
                catalog.drop_table(f"{zone}.{name}")
    for identifier in sorted(manifest.tables, key=lambda name: (name == _LAST, name)):
        with suppress(NoSuchTableError):
            catalog.drop_table(identifier)
        catalog.register_table(identifier, manifest.tables[identifier].metadata)


class _Copier:
    """Brings single files back into a lake."""

    def __init__(self, source: Store, lake: Store) -> None:
        self._source = source
        self._lake = lake
        self._present = {file.name: file.size for file in lake.files()}
        self._made: list[str] = []
        self.copied = 0
        self.copied_bytes = 0

    def copy(self, item: tuple[str, SavedFile]) -> SavedFile:
        """Copy a file, unless the lake has it and it is right."""
        name, saved = item
        wanted = (saved.size, saved.sha256)
        if self._present.get(name) == saved.size and digest_of(self._lake.read(name)) == wanted:
            return saved
        if name not in self._present:
            self._made.append(name)
        try:
            self._lake.write(name, self._checked(saved, wanted))
        except FileNotFoundError as error:
            raise self._damaged(saved, "no such file") from error
        self.copied += 1
        self.copied_bytes += saved.size
        return saved

    def undo(self) -> None:
        """Remove what was brought."""
        for name in self._made:
            self._lake.delete(name)

    def _checked(self, saved: SavedFile, wanted: tuple[int, str]) -> Iterator[bytes]:
        found: list[tuple[int, str]] = []
        yield from hashed(self._source.read(saved.stored), found)
        if found[0] != wanted:
            raise self._damaged(saved, f"{found[0][0]} bytes, SHA-256 {found[0][1]}")

    def _damaged(self, saved: SavedFile, got: str) -> DataError:
        return DataError(
            "A file of the backup is damaged; nothing was restored.",
            where=f"{self._source.address}/{saved.stored}",
            expected=f"{saved.size} bytes, SHA-256 {saved.sha256}",
            got=got,
            hint="Another backup may be whole: `finks restore SOURCE --list`, then --backup ID.",
        )
