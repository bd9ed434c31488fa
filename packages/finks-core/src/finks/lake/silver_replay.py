"""Responses that Silver has read before, read again: a pass over old Bronze that becomes one commit.

Versions go to the place that their response's time gives them, so a newer version of a record stays the newest. As
every response from the oldest one on takes part, what was dropped as equal, or judged absent, is judged again. The
new rows lie in data files that no reader knows until the commit names them: a reader sees the table before or after.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from finks.contract.spec import CompiledContract
from finks.lake.catalog import state
from finks.lake.files import LiveFile, read_files, write_files
from finks.lake.reach import Reach
from finks.lake.silver import SilverTable, newest
from finks.lake.silver_rows import VersionCounts, counts_of
from finks.lake.versions import observations
from finks.lake.writing import landed, stamped


class SilverReplay(SilverTable):
    """One pass. Start a new one after a commit that was overtaken.

    Args: as of `SilverTable`.
    """

    def __init__(self, catalog: Catalog, table: str, contract: CompiledContract, source: str) -> None:
        super().__init__(catalog, table, contract, source)
        self._base = self.load()
        self._staged: list[LiveFile] = []
        self._write, self._counter = uuid.uuid4(), itertools.count()
        self._passed: datetime | None = None
        self.counts = VersionCounts()

    def add(self, good: pa.Table, spans: pa.Table, *, run_id: str, authoritative: bool) -> VersionCounts:
        """Judge the next batch, in the order of time, and stage its new rows.

        Args: as of `SilverTable.write_versions`.
        """
        frame, span_frame = pl.DataFrame(good), pl.DataFrame(spans)
        candidates = observations(frame, self._contract.key)
        stored = self._stored(self._base, candidates, span_frame)
        decision, suspicious = self._judge(
            stored, _as_stored(stored, candidates, self._contract.key), span_frame, authoritative, self._passed
        )
        counts = counts_of(decision, suspicious, self._changes(self._base, frame, decision))
        rows = self._rows(self._base, frame, decision, run_id)
        if rows.num_rows:
            written = write_files(self._base, rows, self._write, self._counter)
            self._staged += [LiveFile(file, 0, 0, file.file_size_in_bytes) for file in written]
        self._passed = newest(self._passed, frame["_known_at"].max(), span_frame["known_at"].max())
        self.counts = _sum(self.counts, counts)
        return counts

    def properties(self, *names: str) -> dict[str, str]:
        """Those of these properties that Silver's newest commit has, or carries forward."""
        found = {name: state(self._base, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def commit(self, *, run_id: str, properties: Mapping[str, str]) -> None:
        """Show what was staged to readers; nothing is written when nothing would change.

        Args:
            properties: Of the snapshot, beside those that every commit carries forward.
        """
        late = self.counts.late > 0
        summary = {**self.summary(self._base, run_id, None, None, late=late), **properties}
        before = self.summary(self._base, run_id, None, None, late=False)
        if not self._staged and summary == before:
            return
        with self._base.transaction() as transaction:
            update = transaction.update_snapshot(snapshot_properties=stamped(summary))
            with update.fast_append() as append:
                for file in self._staged:
                    append.append_data_file(file.file)
        landed(self._base)

    def _scan(self, table: Table, within: Reach, columns: Sequence[str]) -> pl.DataFrame:
        stored = super()._scan(table, within, columns)
        if not self._staged:
            return stored
        staged = pl.DataFrame(read_files(table, self._staged, within.iceberg())).select(columns)
        return pl.concat([stored, staged.cast(dict(stored.schema))])  # pyright: ignore[reportArgumentType]


def _as_stored(stored: pl.DataFrame, candidates: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The candidates; one that is stored already keeps the hash that it has there.

    A contract that reads the record differently now does not make a second version of the same instant.
    """
    place = [*key, "_known_at", "_seq"]
    known = stored.filter(~pl.col("_retracted")).select(*place, stored_hash="_row_hash").unique(place)
    joined = candidates.join(known, on=place, how="left", maintain_order="left")
    return joined.with_columns(_row_hash=pl.coalesce("stored_hash", "_row_hash")).drop("stored_hash")


def _sum(one: VersionCounts, other: VersionCounts) -> VersionCounts:
    names = ("new", "changed", "same", "retracted", "suspicious", "late")
    totals = {name: getattr(one, name) + getattr(other, name) for name in names}
    return replace(one, **totals, changes=pa.concat_tables([one.changes, other.changes]).slice(0, 1000))
