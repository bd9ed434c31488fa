"""What every catalog of a lake holds: the zones, the properties of every table, and how a table is found."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from finks.errors import ConfigurationError

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


class Guarded:
    """What a catalog of finks is beside a catalog: it asks for leave before every commit.

    Attributes:
        guard: Called before every commit; a lease that was lost raises here. Readers need none.
    """

    guard: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Generator[None]:
        """Ask `guard` for the length of a `with` block."""
        before, self.guard = self.guard, guard
        try:
            yield
        finally:
            self.guard = before


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
