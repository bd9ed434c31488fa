"""A lake in a directory: a SQLite catalog and a warehouse on local disk, marked by `lake.json`.

Iceberg metadata holds absolute paths: a lake cannot be moved to another directory, so its marker says where it was
made, and it opens nowhere else.
"""

from __future__ import annotations

import shutil
import sqlite3
import weakref
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import TableRequirement, TableUpdate
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from finks.errors import ConfigurationError
from finks.lake.catalog import NAMESPACES, Guarded
from finks.lake.lease import HOLDER, LOCK, Holder, check, current, hold, joined, orphan
from finks.lake.place import MARKER, made_elsewhere, no_lake, not_empty, read_marker, write_marker

if TYPE_CHECKING:
    import duckdb

DATABASE: Final = "catalog.db"
WAREHOUSE: Final = "warehouse"

DRAFT: Final = ".new"
"""What the name of a small file ends with while it is written."""

BUSY_SECONDS: Final = 60
"""How long a process waits for the catalog's database while another one commits."""


class LocalCatalog(Guarded, SqlCatalog):
    """The catalog of a lake in a directory, or of one in memory."""

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """As pyiceberg's, after the guard gave leave."""
        self.guard()
        return super().commit_table(table, requirements, updates)


class LocalPlace:
    """A directory.

    Args:
        path: The lake's directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        """The directory."""
        return str(self._path)

    @property
    def data(self) -> str:
        """The warehouse."""
        return str(self._path.resolve() / WAREHOUSE)

    def is_free(self) -> bool:
        """See `Place`."""
        if (self._path / MARKER).exists():
            return False
        self._check_free()
        return True

    def open(self, *, create: bool = False) -> Catalog:
        """See `Place`."""
        if (self._path / MARKER).exists():
            self._check_marker()
            self._check_parts()
        elif create:
            self._create()
        else:
            raise no_lake(self.address, f"a directory with {MARKER}", _what(self._path))
        try:
            return self._load()
        except DatabaseError as error:
            raise _damaged(self._path / DATABASE, str(error.orig)) from None

    def hold(
        self, catalog: Catalog, *, run_id: str, command: str, clock: Callable[[], datetime]
    ) -> AbstractContextManager[Holder]:
        """See `Place`. The operating system's lock cannot be lost, so the catalog needs no guard."""
        return hold(self._path, run_id=run_id, command=command, clock=clock)

    @contextmanager
    def join(self, catalog: Catalog, *, run_id: str) -> Generator[Holder]:
        """See `Place`."""
        assert isinstance(catalog, LocalCatalog)
        holder = joined(self.address, self.holder(), run_id)
        with catalog.guarded(lambda: check(self._path, holder)):
            yield holder

    def holder(self) -> Holder | None:
        """See `Place`."""
        return current(self._path)

    def orphan(self) -> Holder | None:
        """See `Place`."""
        return orphan(self._path)

    def keep(self, name: str, text: str) -> None:
        """See `Place`."""
        target = self._path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}{DRAFT}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)

    def kept(self, name: str) -> str | None:
        """See `Place`."""
        try:
            return (self._path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def kept_names(self, prefix: str) -> list[str]:
        """See `Place`."""
        folder = self._path / prefix.rpartition("/")[0]
        names = (file.relative_to(self._path).as_posix() for file in folder.rglob("*") if file.is_file())
        return sorted(name for name in names if name.startswith(prefix) and not name.endswith(DRAFT))

    @property
    def apart(self) -> tuple[str, ...]:
        """See `Place`."""
        return (f"{WAREHOUSE}/", DATABASE, LOCK, HOLDER, "scratch/")

    @contextmanager
    def rebuild(self, marker: str, *, run_id: str, command: str, clock: Callable[[], datetime]) -> Generator[Catalog]:
        """See `Place`."""
        (self._path / WAREHOUSE).mkdir(parents=True, exist_ok=True)
        draft = self._path / f"{DATABASE}{DRAFT}"
        with hold(self._path, run_id=run_id, command=command, clock=clock):
            draft.unlink(missing_ok=True)
            catalog = self._load(draft.name)
            yield catalog
            # In WAL mode, once the catalog's own connections are closed, the file is whole by itself.
            catalog.engine.dispose()
            _write_ahead(draft)
            for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
                (self._path / name).unlink(missing_ok=True)
            draft.replace(self._path / DATABASE)
            self.keep(MARKER, marker)

    @contextmanager
    def scratch(self, run_id: str) -> Generator[Path]:
        """See `Place`. It stays until the next build, to be looked at."""
        folder = self._path / "scratch"
        # A build whose run was killed may still be writing there.
        shutil.rmtree(folder, ignore_errors=True)
        (folder / run_id).mkdir(parents=True)
        yield folder / run_id

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """See `Place`. DuckDB opens local files by itself."""

    def file(self, location: str) -> str:
        """See `Place`."""
        return PyArrowFileIO.parse_location(location)[2]

    def _load(self, database: str = DATABASE) -> LocalCatalog:
        root = self._path.resolve()
        address = URL.create("sqlite", database=str(root / database), query={"timeout": str(BUSY_SECONDS)})
        return _sql_catalog(uri=address.render_as_string(), warehouse=str(root / WAREHOUSE))

    def _check_marker(self) -> None:
        marker = self._path / MARKER
        try:
            text = marker.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("The lake's marker cannot be read.", where=str(marker), got=repr(error)) from error
        location = Path(read_marker(text, str(marker))["location"])
        if not (location.exists() and location.samefile(self._path)):
            raise made_elsewhere(str(location), str(self._path.resolve()), _way_back(location))

    def _check_parts(self) -> None:
        """A lake has its database, whole, and its warehouse: without one of them it would look empty."""
        for part in (self._path / DATABASE, self._path / WAREHOUSE):
            if not part.exists():
                raise ConfigurationError(
                    "A part of the lake is missing.",
                    where=str(part),
                    got="nothing",
                    hint="Restore it from a backup, or choose another directory for a new lake.",
                )
        connection = sqlite3.connect(self._path / DATABASE, timeout=BUSY_SECONDS)
        try:
            (found,) = connection.execute("pragma quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
        finally:
            connection.close()
        if found != "ok":
            raise _damaged(self._path / DATABASE, found)

    def _check_free(self) -> None:
        own = (DATABASE, WAREHOUSE, MARKER, LOCK, HOLDER)
        if self._path.exists() and not self._path.is_dir():
            got = "a file"
        else:
            entries = self._path.iterdir() if self._path.exists() else ()
            got = ", ".join(sorted(entry.name for entry in entries if not entry.name.startswith(own))[:5])
        if got:
            raise not_empty(self.address, "an empty directory", got)

    def _create(self) -> None:
        """Make the directory, the database in WAL mode (readers do not block the writer), and last the marker."""
        self._check_free()
        try:
            (self._path / WAREHOUSE).mkdir(parents=True, exist_ok=True)
            _write_ahead(self._path / DATABASE)
            self.keep(MARKER, write_marker(str(self._path.resolve())))
        except OSError as error:
            raise ConfigurationError(
                "The lake cannot be made.",
                where=self.address,
                got=f"{error.strerror}: {error.filename}",
                hint="Choose a directory that can be written to.",
            ) from None
        except sqlite3.DatabaseError as error:
            raise _damaged(self._path / DATABASE, str(error)) from None


def _write_ahead(database: Path) -> None:
    """Put a database into WAL mode."""
    connection = sqlite3.connect(database, timeout=BUSY_SECONDS)
    try:
        connection.execute("pragma journal_mode=wal")
    finally:
        connection.close()


def in_memory() -> Catalog:
    """A catalog that ends with the process, for looking where there is no lake yet. Nothing is written in it."""
    return _sql_catalog(uri="sqlite://")


def _sql_catalog(**properties: str) -> LocalCatalog:
    catalog = LocalCatalog("finks", init_catalog_tables="true", **properties)
    # A lake has no `close`: the pooled connections to its database end with the catalog.
    weakref.finalize(catalog, catalog.engine.dispose)
    for namespace in NAMESPACES:
        catalog.create_namespace_if_not_exists(namespace)
    return catalog


def _what(path: Path) -> str:
    if path.is_dir():
        return "a directory without it"
    return "a file" if path.exists() else "nothing"


def _way_back(location: Path) -> str:
    if (location / MARKER).exists():
        return "Open the original. A copy would read and write the files of the original, so it is refused."
    return "Move it back, or make a symbolic link at its old place that leads to the new one."


def _damaged(database: Path, got: str) -> ConfigurationError:
    return ConfigurationError(
        "The lake's catalog cannot be read.",
        where=str(database),
        expected="a SQLite database",
        got=got,
        hint="Restore it from a backup. The data files of the lake are beside it, in the warehouse.",
    )
