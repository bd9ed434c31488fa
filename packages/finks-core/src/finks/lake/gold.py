"""Gold: marts in releases. Writing marts and publishing them are two things.

Each mart is an Iceberg table `gold.<name>`, overwritten by a commit of its own, which no reader
follows. One append to `gold.releases` then points at the new snapshots: that is the atomic
publication. A crash before it leaves the old release served.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table, Transaction

from finks.errors import ConfigurationError
from finks.lake.catalog import TABLE_PROPERTIES, find_table, no_such_table
from finks.lake.dataset import Dataset
from finks.lake.files import OPERATION, to_iceberg
from finks.lake.releases import RELEASES, RELEASES_SCHEMA, Mart, Release, release_of
from finks.lake.writing import append, committing, landed, stamped
from finks.observe import RUN_ID


class GoldZone:
    """The marts of a lake.

    Args:
        catalog: The lake's catalog.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read: tuple[int, list[Release]] | None = None

    def publish(
        self,
        tables: Mapping[str, pa.Table],
        *,
        run_id: str,
        silver_snapshots: Mapping[str, int],
        created_at: datetime,
    ) -> Release:
        """Write the marts and make them the served release.

        Args:
            tables: Mart name to its rows.
            run_id: The run that built them.
            silver_snapshots: What they were built of.
            created_at: The time of publication, aware.

        Returns:
            The served release; `unchanged` when every mart equals the one that was served before.
        """
        from finks.lake.content import content_hash  # readers of Gold do without polars

        served = self.current()
        hashes = {name: content_hash(rows) for name, rows in tables.items()}
        if served is not None and {name: mart.content_hash for name, mart in served.marts.items()} == hashes:
            return Release(
                served.release_id, served.marts, served.run_id, served.published_at, served.silver_snapshots, True
            )
        marts = self.write_marts(tables, hashes, run_id=run_id)
        return self.point_at(marts, run_id=run_id, silver_snapshots=silver_snapshots, created_at=created_at)

    def write_marts(self, tables: Mapping[str, pa.Table], hashes: Mapping[str, str], *, run_id: str) -> dict[str, Mart]:
        """Write each mart that is not in the served release already. Readers do not see them yet."""
        served = self.current()
        marts: dict[str, Mart] = {}
        for name, rows in tables.items():
            known = served.marts.get(name) if served is not None else None
            if known is not None and known.content_hash == hashes[name]:
                marts[name] = known
                continue
            snapshot = committing(f"gold.{name}", lambda name=name, rows=rows: self._overwrite(name, rows, run_id))
            marts[name] = Mart(snapshot, rows.num_rows, hashes[name])
        return marts

    def point_at(
        self, marts: Mapping[str, Mart], *, run_id: str, silver_snapshots: Mapping[str, int], created_at: datetime
    ) -> Release:
        """Publish: one append to `gold.releases`, after which readers see these marts."""

        def attempt() -> Release:
            table = find_table(self._catalog, f"gold.{RELEASES}") or self._create_releases()
            known = table.scan(selected_fields=("release_id",)).to_arrow()["release_id"].to_pylist()
            release = Release(max(known, default=0) + 1, dict(marts), run_id, created_at, dict(silver_snapshots))
            rows = [
                {
                    "release_id": release.release_id,
                    "table_name": name,
                    "snapshot_id": mart.snapshot_id,
                    "rows": mart.rows,
                    "content_hash": mart.content_hash,
                    "silver_snapshots": json.dumps(dict(silver_snapshots), sort_keys=True),
                    "run_id": run_id,
                    "published_at": created_at,
                }
                for name, mart in sorted(marts.items())
            ]
            append(table, pa.Table.from_pylist(rows, schema=RELEASES_SCHEMA), {OPERATION: "publish"})
            return release

        return committing(f"gold.{RELEASES}", attempt)

    def roll_back(self, release_id: int, *, run_id: str, created_at: datetime) -> Release:
        """Serve an older release again, as a new one with the same snapshots.

        Raises:
            ConfigurationError: There is no such release.
        """
        old = self.release(release_id)
        return self.point_at(old.marts, run_id=run_id, silver_snapshots=old.silver_snapshots, created_at=created_at)

    def releases(self) -> list[Release]:
        """Every release, newest first."""
        table = find_table(self._catalog, f"gold.{RELEASES}")
        snapshot = table.current_snapshot() if table is not None else None
        if table is None or snapshot is None:
            return []
        # A snapshot never changes. Each publication is a file, so to read them all is dear, and asked for often.
        read = self._read
        if read is None or read[0] != snapshot.snapshot_id:
            read = self._read = (snapshot.snapshot_id, _releases(table))
        return list(read[1])

    def current(self) -> Release | None:
        """The served release; None before the first publication."""
        return next(iter(self.releases()), None)

    def release(self, release_id: int) -> Release:
        """A release by its number.

        Raises:
            ConfigurationError: There is no such release.
        """
        known = self.releases()
        for release in known:
            if release.release_id == release_id:
                return release
        raise ConfigurationError(
            "There is no such release.",
            where=f"release {release_id}",
            expected=", ".join(str(release.release_id) for release in known) or "none yet",
        )

    def read(self, name: str, release_id: int | None = None) -> Dataset:
        """A mart as a release has it; the served one unless said otherwise."""

        def load() -> pa.Table:
            table, mart = self.resolve(name, release_id)
            return table.scan(snapshot_id=mart.snapshot_id).to_arrow()

        return Dataset(f"gold.{name}", load)

    def resolve(self, name: str, release_id: int | None = None) -> tuple[Table, Mart]:
        """The Iceberg table of a mart and what the release points at.

        Raises:
            ConfigurationError: Nothing was published yet, or the release has no such mart.
        """
        release = self.release(release_id) if release_id is not None else self.current()
        table = find_table(self._catalog, f"gold.{name}")
        if release is None or table is None or name not in release.marts:
            raise no_such_table(f"gold.{name}", [f"gold.{known}" for known in release.marts] if release else [])
        return table, release.marts[name]

    def _create_releases(self) -> Table:
        # A publication that was overtaken must count its number again.
        properties = {**TABLE_PROPERTIES, "commit.retry.num-retries": "0"}
        return self._catalog.create_table_if_not_exists(
            f"gold.{RELEASES}", schema=RELEASES_SCHEMA, properties=properties
        )

    def _overwrite(self, name: str, rows: pa.Table, run_id: str) -> int:
        if name == RELEASES:
            raise ConfigurationError("A mart cannot have this name.", where=name, hint="Rename the model.")
        table = find_table(self._catalog, f"gold.{name}") or self._catalog.create_table_if_not_exists(
            f"gold.{name}", schema=rows.schema, properties=dict(TABLE_PROPERTIES)
        )
        summary = stamped({OPERATION: "mart", RUN_ID: run_id})
        snapshot = table.current_snapshot()
        filled = snapshot is not None and bool(list(table.scan().plan_files()))
        with table.transaction() as transaction:
            _follow_schema(transaction, table, rows.schema)
            if filled:
                transaction.delete(AlwaysTrue(), snapshot_properties=summary)
            transaction.append(rows, snapshot_properties=summary)
        return landed(table)


def _releases(table: Table) -> list[Release]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in table.scan().to_arrow().to_pylist():
        found.setdefault(row["release_id"], []).append(row)
    return [release_of(number, found[number]) for number in sorted(found, reverse=True)]


def _follow_schema(transaction: Transaction, table: Table, wanted: pa.Schema) -> None:
    """Give the mart its new columns. A mart is rewritten whole, so a changed column is simply a new one."""
    stored = schema_to_pyarrow(table.schema(), include_field_ids=False)
    have = {item.name: _plain(item.type) for item in stored}
    want = {item.name: _plain(item.type) for item in wanted}
    if have == want:
        return
    target = to_iceberg(wanted)
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name, kind in have.items():
            if want.get(name) != kind:
                update.delete_column(name)
        for item in target.fields:
            if have.get(item.name) != want[item.name]:
                update.add_column(item.name, item.field_type)


_PLAIN: Final = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without the width of its offsets, which Iceberg does not know."""
    return _PLAIN.get(kind, kind)
