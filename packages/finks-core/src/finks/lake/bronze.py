"""Bronze: every response of a source, byte for byte, one row each. The table is the ledger of what was fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from finks.lake.catalog import TABLE_PROPERTIES, find_table
from finks.lake.files import OPERATION, LiveFile, ancestry, live_files, read_files
from finks.lake.filters import all_of, at_least, at_most, equal, one_of, present
from finks.lake.writing import append, committing

BRONZE_SCHEMA: Final = pa.schema(
    [
        pa.field("response_id", pa.string(), nullable=False),
        pa.field("slice", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("window_start", pa.date32()),
        pa.field("window_end", pa.date32()),
        pa.field("logical_date", pa.date32(), nullable=False),
        pa.field("page", pa.int32(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("status", pa.int32(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("attempts", pa.int32()),
        pa.field("content_type", pa.string()),
        pa.field("body", pa.binary()),
        pa.field("body_sha256", pa.string()),
        pa.field("wire_bytes", pa.int64()),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("connector", pa.string(), nullable=False),
        pa.field("connector_version", pa.string(), nullable=False),
    ]
)
"""One row per response. `body` is null when it is absent or equal to the last one of its slice."""

LEDGER_COLUMNS: Final = tuple(name for name in BRONZE_SCHEMA.names if name != "body")
BATCH_BYTES: Final = 128 * 1024 * 1024
"""Bytes of bodies after which a batch of `added_since` ends."""

MAX_IDS: Final = 1000
"""With more ids than this, all of the table is looked at."""

_ALL: Final = all_of()
_READABLE: Final = all_of(equal("outcome", "ok"), present("body"))
_GROUP_FILE_BYTES: Final = 8 * 1024 * 1024
_PROPERTIES: Final[Mapping[str, str]] = {
    **TABLE_PROPERTIES,
    # Measured in memory, before compression: what a reader must hold to read one file.
    "write.target-file-size-bytes": str(64 * 1024 * 1024),
    "write.parquet.row-group-limit": "256",
    "write.metadata.metrics.column.body": "counts",
}


class BronzeTable:
    """The Bronze table of one stream.

    Args:
        catalog: The lake's catalog.
        table: The stream's table name, for example `fmp_daily_bars`.
    """

    def __init__(self, catalog: Catalog, table: str) -> None:
        self._catalog = catalog
        self.identifier = f"bronze.{table}"

    def append(self, rows: pa.Table, properties: Mapping[str, str]) -> int | None:
        """Add responses in one atomic commit; a concurrent writer's commit is kept too.

        Args:
            rows: Columns of `BRONZE_SCHEMA`.
            properties: Written into the snapshot's summary.

        Returns:
            The snapshot's id; None when there was nothing to add.
        """
        if rows.num_rows == 0:
            return None
        data = rows.select(BRONZE_SCHEMA.names).cast(BRONZE_SCHEMA)
        summary = {OPERATION: "ingest", **properties}

        return committing(self.identifier, lambda: append(self._load_or_create(), data, summary))

    def ledger(self) -> pa.Table:
        """Every row without its body, in no particular order. An absent table gives no rows."""
        return self._scan(LEDGER_COLUMNS)

    def responses(self, ids: Collection[str], *, bodies: bool = False) -> pa.Table:
        """These responses, in no particular order.

        Args:
            ids: Their `response_id`s.
            bodies: With the bodies too.
        """
        columns = tuple(BRONZE_SCHEMA.names) if bodies else LEDGER_COLUMNS
        # A condition of many values costs more than the rows that it leaves out.
        few = one_of("response_id", list(ids)) if len(ids) <= MAX_IDS else all_of()
        rows = self._scan(columns, few)
        wanted = pc.call_function("is_in", [rows["response_id"]], pc.SetLookupOptions(pa.array(list(ids), pa.string())))
        return rows.filter(wanted)

    def last_hashes(self, *, without: Collection[str] = ()) -> dict[tuple[str, int], str]:
        """Per (slice id, page) the SHA-256 of the newest body, one recorded as unchanged included.

        Only of the slice that answered last of its key: where windows overlap, an older slice's body says nothing
        about what another one changed since.

        Args:
            without: `response_id`s to pass over, because their bodies could not be read.
        """
        columns = ("response_id", "key", "slice", "page", "outcome", "body_sha256", "fetched_at")
        newest = (
            pl.DataFrame(self._scan(columns))
            .filter(pl.col("outcome").is_in(["ok", "unchanged"]) & pl.col("body_sha256").is_not_null())
            .filter(~pl.col("response_id").is_in(list(without)))
            .sort("fetched_at")
            .filter(pl.col("slice") == pl.col("slice").last().over("key"))
            .unique(["slice", "page"], keep="last")
        )
        return {(row[0], row[1]): row[2] for row in newest.select("slice", "page", "body_sha256").iter_rows()}

    def added_since(self, snapshot_id: int | None) -> tuple[int | None, Iterator[pa.Table]]:
        """The readable responses that were added after a snapshot, oldest first.

        Args:
            snapshot_id: The last snapshot that was consumed. When it is None or no longer in the table's
                ancestry, everything is read.

        Returns:
            The snapshot up to which the batches reach (None: no table), and batches of rows with outcome `ok`
            and a body; a batch ends with the body that passes `BATCH_BYTES`. Rows that compaction rewrote do
            not count as added.
        """
        table = find_table(self._catalog, self.identifier)
        if table is None:
            return None, iter(())
        current = table.current_snapshot()
        if current is None or current.snapshot_id == snapshot_id:
            return (None if current is None else current.snapshot_id), iter(())
        files = live_files(table, added_after=snapshot_id, order_by="fetched_at")
        return current.snapshot_id, _batches(table, files, _READABLE)

    def since(self, at: datetime) -> Iterator[pa.Table]:
        """The readable responses that came at this time or later, oldest first, in batches as of `added_since`."""
        return self._readable(at_least("fetched_at", at))

    def named(self, ids: Collection[str], first: datetime, last: datetime) -> Iterator[pa.Table]:
        """Some readable responses, in batches as of `added_since`.

        Args:
            ids: Their `response_id`s.
            first, last: They came between these times, both included.
        """
        return self._readable(at_least("fetched_at", first), at_most("fetched_at", last), one_of("response_id", ids))

    def _readable(self, *terms: BooleanExpression) -> Iterator[pa.Table]:
        table = find_table(self._catalog, self.identifier)
        if table is None:
            return iter(())
        wanted = all_of(_READABLE, *terms)
        paths = {task.file.file_path for task in table.scan(row_filter=wanted).plan_files()}
        files = [file for file in live_files(table, order_by="fetched_at") if file.file.file_path in paths]
        return _batches(table, files, wanted)

    def position(self, snapshot_id: int | None) -> tuple[int | None, int | None]:
        """Where a reader stands who consumed a snapshot.

        Returns:
            The current snapshot (None: no table, or an empty one), and the snapshot after which to read: None to read
            everything, because nothing was consumed or it is no longer in the table's ancestry.
        """
        table = find_table(self._catalog, self.identifier)
        line = [] if table is None else ancestry(table)
        return (line[0] if line else None), (snapshot_id if snapshot_id in line else None)

    def _scan(self, columns: tuple[str, ...], row_filter: BooleanExpression = _ALL) -> pa.Table:
        schema = pa.schema([BRONZE_SCHEMA.field(name) for name in columns])
        table = find_table(self._catalog, self.identifier)
        if table is None:
            return schema.empty_table()
        return table.scan(row_filter=row_filter, selected_fields=columns).to_arrow().select(columns).cast(schema)

    def _load_or_create(self) -> Table:
        found = find_table(self._catalog, self.identifier)
        if found is not None:
            return found
        return self._catalog.create_table_if_not_exists(
            self.identifier, schema=BRONZE_SCHEMA, properties=dict(_PROPERTIES)
        )


def _batches(table: Table, files: list[LiveFile], wanted: BooleanExpression) -> Iterator[pa.Table]:
    """Read files in groups of bounded size and cut each group by the bytes of its bodies."""
    group: list[LiveFile] = []
    size = 0
    for file in files:
        if group and size + file.bytes > _GROUP_FILE_BYTES:
            yield from _cut(read_files(table, group, wanted))
            group, size = [], 0
        group.append(file)
        size += file.bytes
    if group:
        yield from _cut(read_files(table, group, wanted))


def _cut(rows: pa.Table) -> Iterator[pa.Table]:
    data = rows.cast(BRONZE_SCHEMA)
    if data.num_rows == 0:
        return
    order = pl.DataFrame(data.select(["fetched_at", "response_id"])).with_row_index("row")
    lengths = pl.Series(pc.call_function("binary_length", [data["body"]])).cast(pl.Int64)
    order = order.with_columns(bytes=lengths).sort("fetched_at", "response_id")
    batch = (order["bytes"].cum_sum() - order["bytes"]) // BATCH_BYTES
    for _, part in order.with_columns(batch=batch).group_by("batch", maintain_order=True):
        yield data.take(part["row"].to_arrow())
