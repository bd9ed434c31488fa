"""Open or create a lake: a directory with an Iceberg catalog and a warehouse, marked by `lake.json`.

This is the only module that knows where a lake is. `CatalogSettings` holds the properties of
`pyiceberg.catalog.load_catalog`, so another catalog (Glue) and another warehouse (S3) are a matter
of settings. Iceberg metadata holds absolute paths: a lake cannot be moved to another directory, so its
marker says where it was made, and it opens nowhere else.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from finks.errors import ConfigurationError

FORMAT: Final = 1
MARKER: Final = "lake.json"
DATABASE: Final = "catalog.db"
WAREHOUSE: Final = "warehouse"
NAMESPACES: Final = ("bronze", "silver", "quarantine", "gold")

TABLE_PROPERTIES: Final[Mapping[str, str]] = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.retry.num-retries": "10",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
}
"""Properties of every table. Old metadata files are deleted as new ones come."""

BUSY_SECONDS: Final = 60
"""How long a process waits for the catalog's database while another one commits."""


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """Which catalog and warehouse to use.

    Attributes:
        name: The catalog's name; part of the rows in a SQL catalog.
        properties: As `pyiceberg.catalog.load_catalog` takes them.
    """

    name: str
    properties: Mapping[str, str]

    @classmethod
    def local(cls, path: Path) -> CatalogSettings:
        """A SQLite catalog and a warehouse on local disk, both inside the directory `path`."""
        root = path.resolve()
        address = URL.create("sqlite", database=str(root / DATABASE), query={"timeout": str(BUSY_SECONDS)})
        return cls(
            "finks",
            {
                "type": "sql",
                "uri": address.render_as_string(),
                "warehouse": str(root / WAREHOUSE),
                "init_catalog_tables": "true",
            },
        )

    @classmethod
    def in_memory(cls) -> CatalogSettings:
        """A catalog that ends with the process, for looking where there is no lake yet. Nothing is written in it."""
        return cls("finks", {"type": "sql", "uri": "sqlite://", "init_catalog_tables": "true"})


def open_catalog(settings: CatalogSettings) -> Catalog:
    """Load the catalog and make sure that the zones exist."""
    catalog = load_catalog(settings.name, **settings.properties)
    engine = getattr(catalog, "engine", None)
    if engine is not None:
        # A lake has no `close`: the pooled connections to its database end with the catalog.
        weakref.finalize(catalog, engine.dispose)
    for namespace in NAMESPACES:
        catalog.create_namespace_if_not_exists(namespace)
    return catalog


def open_local(path: Path, *, create: bool = False) -> Catalog:
    """Open the lake in a directory.

    Args:
        path: The lake's directory.
        create: Make the lake when the directory is absent or empty.

    Raises:
        ConfigurationError: There is no lake (and `create` is false), the path holds something else, the lake
            was copied or moved there, is damaged, or a newer finks wrote it.
    """
    if (path / MARKER).exists():
        _check_marker(path)
        _check_parts(path)
    elif create:
        _create_local(path)
    else:
        raise ConfigurationError(
            "There is no lake here.",
            where=str(path),
            expected=f"a directory with {MARKER}",
            got=_what(path),
            hint="Run `finks demo` or `finks run` to make one, or correct the path.",
        )
    try:
        return open_catalog(CatalogSettings.local(path))
    except DatabaseError as error:
        raise _damaged(path / DATABASE, str(error.orig)) from None


def is_free(path: Path) -> bool:
    """Whether there is no lake, and one can be made.

    Raises:
        ConfigurationError: The path holds something else.
    """
    if (path / MARKER).exists():
        return False
    _check_free(path)
    return True


def _what(path: Path) -> str:
    if path.is_dir():
        return "a directory without it"
    return "a file" if path.exists() else "nothing"


def _check_marker(path: Path) -> None:
    marker = path / MARKER
    expected = f'{{"format": {FORMAT}, "location": "<directory>"}}'
    try:
        content: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        found, location = content["format"], Path(content["location"]) if content["format"] == FORMAT else path
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "The lake's marker cannot be read.", where=str(marker), expected=expected, got=repr(error)
        ) from error
    if found != FORMAT:
        raise ConfigurationError(
            "Another version of finks wrote this lake.",
            where=str(marker),
            expected=f"format {FORMAT}",
            got=f"format {found}",
            hint="Install the version of finks that wrote it.",
        )
    if not (location.exists() and location.samefile(path)):
        raise ConfigurationError(
            "The lake was made elsewhere: its tables name their files by absolute paths.",
            where=str(path),
            expected=str(location),
            got=str(path.resolve()),
            hint=_way_back(location),
        )


def _way_back(location: Path) -> str:
    if (location / MARKER).exists():
        return "Open the original. A copy would read and write the files of the original, so it is refused."
    return "Move it back, or make a symbolic link at its old place that leads to the new one."


def _check_parts(path: Path) -> None:
    """A lake has its database, whole, and its warehouse: without one of them it would look empty."""
    for part in (path / DATABASE, path / WAREHOUSE):
        if not part.exists():
            raise ConfigurationError(
                "A part of the lake is missing.",
                where=str(part),
                got="nothing",
                hint="Restore it from a backup, or choose another directory for a new lake.",
            )
    connection = sqlite3.connect(path / DATABASE, timeout=BUSY_SECONDS)
    try:
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    finally:
        connection.close()
    if found != "ok":
        raise _damaged(path / DATABASE, found)


def _damaged(database: Path, got: str) -> ConfigurationError:
    return ConfigurationError(
        "The lake's catalog cannot be read.",
        where=str(database),
        expected="a SQLite database",
        got=got,
        hint="Restore it from a backup. The data files of the lake are beside it, in the warehouse.",
    )


def _check_free(path: Path) -> None:
    own = (DATABASE, WAREHOUSE, MARKER, "run.lock", "run.json")
    if path.exists() and not path.is_dir():
        got = "a file"
    else:
        entries = path.iterdir() if path.exists() else ()
        got = ", ".join(sorted(entry.name for entry in entries if not entry.name.startswith(own))[:5])
    if got:
        raise ConfigurationError(
            "The path is not a lake and is not empty.",
            where=str(path),
            expected="an empty directory, or a lake",
            got=got,
            hint="Choose another directory for the lake.",
        )


def _create_local(path: Path) -> None:
    """Make the directory, the database in WAL mode (readers do not block the writer), and last the marker."""
    _check_free(path)
    try:
        (path / WAREHOUSE).mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path / DATABASE, timeout=BUSY_SECONDS)
        try:
            connection.execute("pragma journal_mode=wal")
        finally:
            connection.close()
        draft = path / f"{MARKER}.new"
        draft.write_text(json.dumps({"format": FORMAT, "location": str(path.resolve())}) + "\n", encoding="utf-8")
        draft.replace(path / MARKER)
    except OSError as error:
        raise ConfigurationError(
            "The lake cannot be made.",
            where=str(path),
            got=f"{error.strerror}: {error.filename}",
            hint="Choose a directory that can be written to.",
        ) from None
    except sqlite3.DatabaseError as error:
        raise _damaged(path / DATABASE, str(error)) from None


def find_table(catalog: Catalog, identifier: str) -> Table | None:
    """The table, freshly loaded; None when it does not exist."""
    try:
        return catalog.load_table(identifier)
    except NoSuchTableError:
        return None


def table_names(catalog: Catalog, namespace: str) -> list[str]:
    """The names of the tables of one zone, sorted."""
    return sorted(identifier[-1] for identifier in catalog.list_tables(namespace))


def no_such_table(identifier: str, known: list[str]) -> ConfigurationError:
    """The error for a table that is not there; it lists those that are."""
    return ConfigurationError(
        "There is no such table in the lake.",
        where=identifier,
        expected=", ".join(known) if known else "a table (the lake has none yet)",
        hint="Run `finks run` to fill the lake, or correct the name.",
    )


def state(table: Table, name: str) -> str | None:
    """The newest value of a snapshot property that finks keeps, walking back over foreign commits.

    Maintenance by another engine makes snapshots without our properties; the walk finds the last
    own one. None when there is none.
    """
    snapshot = table.current_snapshot()
    while snapshot is not None:
        value = snapshot.summary.get(name) if snapshot.summary is not None else None
        if value is not None:
            return str(value)
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
    return None
