"""Open or create a lake: a directory with an Iceberg catalog and a warehouse, marked by `lake.json`.

This is the only module that knows where a lake is. `CatalogSettings` holds the properties of
`pyiceberg.catalog.load_catalog`, so another catalog (Glue) and another warehouse (S3) are a matter
of settings. Iceberg metadata holds absolute paths: a lake cannot be moved to another directory.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from sqlalchemy.engine import URL

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
        ConfigurationError: There is no lake (and `create` is false), the directory holds something
            else, or a newer finks wrote it.
    """
    if (path / MARKER).exists():
        _check_marker(path / MARKER)
    elif create:
        _create_local(path)
    else:
        raise ConfigurationError(
            "There is no lake here.",
            where=str(path),
            expected=f"a directory with {MARKER}",
            got="nothing" if not path.exists() else "a directory without it",
            hint="Run `finks demo` or `finks run` to make one, or correct the path.",
        )
    return open_catalog(CatalogSettings.local(path))


def _check_marker(marker: Path) -> None:
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "The lake's marker cannot be read.", where=str(marker), expected=f'{{"format": {FORMAT}}}', got=str(error)
        ) from error
    if found != FORMAT:
        raise ConfigurationError(
            "Another version of finks wrote this lake.",
            where=str(marker),
            expected=f"format {FORMAT}",
            got=f"format {found}",
            hint="Install the version of finks that wrote it.",
        )


def _create_local(path: Path) -> None:
    """Make the directory, the database in WAL mode (readers do not block the writer), and last the marker."""
    path.mkdir(parents=True, exist_ok=True)
    own = (DATABASE, WAREHOUSE, MARKER, "run.lock", "run.json")
    foreign = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(own))
    if foreign:
        raise ConfigurationError(
            "This directory is not a lake and is not empty.",
            where=str(path),
            expected="an empty directory, or a lake",
            got=", ".join(foreign[:5]),
            hint="Choose another directory for the lake.",
        )
    (path / WAREHOUSE).mkdir(exist_ok=True)
    connection = sqlite3.connect(path / DATABASE, timeout=BUSY_SECONDS)
    try:
        connection.execute("pragma journal_mode=wal")
    finally:
        connection.close()
    draft = path / f"{MARKER}.new"
    draft.write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")
    draft.replace(path / MARKER)


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
