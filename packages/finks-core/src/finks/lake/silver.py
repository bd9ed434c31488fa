"""Silver: every version of every record of a stream, append-only, one atomic commit per call.

The newest commit carries the Bronze snapshot that was consumed (`finks.bookmark`), so the bookmark
is atomic with the data and survives compaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from finks.contract.spec import CompiledContract
from finks.lake.catalog import find_table, state
from finks.lake.changes import changed_values, no_changes
from finks.lake.files import OPERATION
from finks.lake.reach import Reach, reach
from finks.lake.silver_rows import VersionCounts, counts_of, retraction_rows, silver_rows
from finks.lake.silver_schema import create_silver, evolve_silver, silver_schema
from finks.lake.versions import Decision, absent_keys, decide, entity_column, first_load, observations, refused, weigh
from finks.lake.writing import append, committing
from finks.observe import RUN_ID

BOOKMARK = "finks.bookmark"
REPLAY = "finks.replay"
HIGH_WATER = "finks.high-water"
SHARE_REJECTED = "finks.share-rejected"
"""Of the last refinement that read records, the share that is rejected: what it left out stays left out."""
JUDGED_READ = "finks.judged-read"
"""How many records that refinement read."""
JUDGED_SINCE = "finks.judged-since"
"""When the first of its responses came."""
STATE = (BOOKMARK, REPLAY, HIGH_WATER, SHARE_REJECTED, JUDGED_READ, JUDGED_SINCE)
"""Snapshot properties that every commit carries forward."""

_VERSION_COLUMNS = ("_known_at", "_seq", "_row_hash", "_retracted")


class SilverTable:
    """The Silver table of one stream; made, or evolved to the contract, on opening.

    Args:
        catalog: The lake's catalog.
        table: The stream's table name.
        contract: What one record is.
        source: The source's name, for the `_source` column.

    Raises:
        ConfigurationError: The stored table cannot follow the contract.
    """

    def __init__(self, catalog: Catalog, table: str, contract: CompiledContract, source: str) -> None:
        self._catalog = catalog
        self._contract = contract
        self._source = source
        self.identifier = f"silver.{table}"
        self._late = False
        self._whole = False
        self._seen: datetime | None = None
        evolve_silver(self.load(), contract, source)

    def bookmark(self) -> int | None:
        """The Bronze snapshot that was consumed; None when nothing was, or when everything must be read again."""
        table = self.load()
        stored = state(table, BOOKMARK)
        self._whole = stored is None or state(table, REPLAY) == "true"
        return None if stored is None or self._whole else int(stored)

    def advance(self, bookmark: int, *, run_id: str) -> None:
        """Move the bookmark in a commit of its own."""

        def attempt() -> None:
            table = self.load()
            summary = self.summary(table, run_id, bookmark, self._seen, late=self._late)
            append(table, silver_schema(self._contract).empty_table(), summary)

        committing(self.identifier, attempt)
        self._late = False

    def write_versions(
        self,
        good: pa.Table,
        *,
        run_id: str,
        spans: pa.Table | None = None,
        bookmark: int | None = None,
        authoritative: bool = False,
        properties: Mapping[str, str] | None = None,
    ) -> VersionCounts:
        """Write the records that are new or changed, and retract those that are gone, in one commit.

        Args:
            good: The kernel's good records: the contract's columns, `_row_hash`, `_known_at`, `_bronze_ref`,
                `_ordinal`.
            spans: What each whole answer covers: `response_id`, `known_at`, `key`, `min_event`, `max_event`. A live
                record inside a span that the answer does not contain is retracted, unless the answer would retract
                more than max(3, 10 %) of the span's live records. Null bounds: all of the key.
            bookmark: The Bronze snapshot consumed with this call; None leaves the bookmark.
            authoritative: Answers are believed whatever they lack.
            properties: More properties of the snapshot.

        Returns:
            The counts. A replay of what was written before counts as `same` and writes nothing.
        """

        def attempt() -> VersionCounts:
            table = self.load()
            frame = pl.DataFrame(good)
            span_frame = None if spans is None else pl.DataFrame(spans)
            decision, suspicious = self._decide(table, frame, span_frame, authoritative)
            rows = self._rows(table, frame, decision, run_id)
            seen = newest(self._seen, frame["_known_at"].max(), None if spans is None else _last_answer(spans))
            counts = counts_of(decision, suspicious, self._changes(table, frame, decision))
            if rows.num_rows or bookmark is not None:
                self._late = self._late or decision.late > 0
                summary = self.summary(table, run_id, bookmark, seen, late=self._late)
                append(table, rows, {**summary, **(properties or {})})
            self._seen = seen
            # The commit that moves the bookmark ends the pass over Bronze.
            self._late = self._late and bookmark is None
            return counts

        return committing(self.identifier, attempt)

    def snapshot_id(self) -> int | None:
        """The table's current snapshot."""
        snapshot = self.load().current_snapshot()
        return None if snapshot is None else snapshot.snapshot_id

    def load(self) -> Table:
        """The table, made where it does not exist."""
        found = find_table(self._catalog, self.identifier)
        return found or create_silver(self._catalog, self.identifier, self._contract, self._source)

    def summary(
        self, table: Table, run_id: str, bookmark: int | None, seen: datetime | None, *, late: bool
    ) -> dict[str, str]:
        """The snapshot properties of the commit that follows `table`.

        Args:
            bookmark: The Bronze snapshot consumed; None leaves the bookmark.
            seen: The newest knowledge time of this pass over Bronze.
            late: Whether this pass saw a late version. Reading all of Bronze without one ends a pending replay.
        """
        carried = {name: value for name in STATE if (value := state(table, name)) is not None}
        pending = late or (carried.get(REPLAY) == "true" and not (self._whole and bookmark is not None))
        carried[REPLAY] = "true" if pending else "false"
        last = newest(self.high_water(table), seen)
        if last is not None:
            carried[HIGH_WATER] = last.isoformat()
        if bookmark is not None:
            carried[BOOKMARK] = str(bookmark)
        return {OPERATION: "refine", RUN_ID: run_id, **carried}

    @staticmethod
    def high_water(table: Table) -> datetime | None:
        """The newest knowledge time that a committed batch had."""
        stored = state(table, HIGH_WATER)
        return None if stored is None else datetime.fromisoformat(stored)

    def share_rejected(self) -> float:
        """Rejected records by all, of the last refinement that read any; 0 before the first."""
        return float(state(self.load(), SHARE_REJECTED) or 0)

    def _decide(
        self, table: Table, good: pl.DataFrame, spans: pl.DataFrame | None, authoritative: bool
    ) -> tuple[Decision, int]:
        """What to write, and how many records were absent without being believed."""
        key, event_time = self._contract.key, self._contract.event_time
        candidates = observations(good, key)
        if table.current_snapshot() is None or (candidates.is_empty() and (spans is None or spans.is_empty())):
            first = first_load(candidates, spans, key, event_time)
            if first is not None:
                return first, 0
        stored = self._stored(table, candidates, spans)
        high_water = newest(self.high_water(table), self._seen)
        return self._judge(stored, candidates, spans, authoritative, high_water)

    def _judge(
        self,
        stored: pl.DataFrame,
        candidates: pl.DataFrame,
        spans: pl.DataFrame | None,
        authoritative: bool,
        high_water: datetime | None,
    ) -> tuple[Decision, int]:
        key = self._contract.key
        absences = candidates.clear().select(*key, "_known_at", "_bronze_ref")
        suspicious = 0
        if spans is not None and spans.height:
            absent = absent_keys(stored, candidates, spans, key, self._contract.event_time)
            evidence = weigh(stored, candidates, absent, key)
            unbelieved, suspicious = ([], 0) if authoritative else refused(evidence)
            absences = evidence.believed(unbelieved)
        return decide(stored, candidates, absences, key, high_water), suspicious

    def _stored(self, table: Table, candidates: pl.DataFrame, spans: pl.DataFrame | None) -> pl.DataFrame:
        """The stored versions, keys only, of the days and entities that the candidates and spans touch."""
        columns = (*self._contract.key, *_VERSION_COLUMNS)
        stored = self._scan(table, self._reach(candidates, spans), columns)
        return stored.cast({name: candidates.schema[name] for name in self._contract.key})  # pyright: ignore[reportArgumentType]

    def _scan(self, table: Table, within: Reach, columns: Sequence[str]) -> pl.DataFrame:
        """What the table holds of some columns."""
        rows = table.scan(row_filter=within.iceberg(), selected_fields=tuple(columns)).to_arrow()
        return pl.DataFrame(rows).select(columns)

    def _reach(self, keys: pl.DataFrame, spans: pl.DataFrame | None = None) -> Reach:
        event, entity = self._contract.event_time, entity_column(self._contract.key, self._contract.event_time)
        bounds = (None, None) if event is None else (day_of(keys[event].min()), day_of(keys[event].max()))
        names = None if entity is None or keys.schema[entity] != pl.String else keys[entity].unique()
        return reach(self._contract, bounds, names, spans)

    def _rows(self, table: Table, good: pl.DataFrame, decision: Decision, run_id: str) -> pa.Table:
        gone = None
        if decision.absences.height:
            before = self._versions_of(table, decision.absences, good)
            gone = retraction_rows(before, decision.absences, self._contract.key)
        return silver_rows(self._contract, self._source, run_id, good, decision, gone)

    def _versions_of(self, table: Table, keys: pl.DataFrame, good: pl.DataFrame) -> pl.DataFrame:
        """Whole versions of a few keys: those in the table and those in this batch."""
        key = list(self._contract.key)
        names = [name for name in silver_schema(self._contract).names if name not in {"_source", "_run_id"}]
        stored = self._scan(table, self._reach(keys), names)
        batch = good.with_columns(_retracted=pl.lit(False), _seq=pl.col("_ordinal").cast(pl.Int32)).select(names)
        stored = stored.cast(dict(batch.schema))  # pyright: ignore[reportArgumentType]
        wanted = keys.select(key).unique()
        return pl.concat([part.join(wanted, on=key, how="semi") for part in (stored, batch)])

    def _changes(self, table: Table, good: pl.DataFrame, decision: Decision) -> pa.Table:
        if decision.restated.is_empty():
            return no_changes()
        restated = decision.restated.sort("row").head(1000)
        before = self._versions_of(table, restated, good)
        fields = [spec.name for spec in self._contract.fields if spec.name not in self._contract.key]
        return changed_values(before, good[restated["row"]], list(self._contract.key), fields)


def judged(read: int, rejected: int, since: object) -> dict[str, str]:
    """What a refinement's commit tells of its records, as snapshot properties; nothing when it read none.

    Args:
        since: When the first of its responses came, aware.
    """
    if not read or not isinstance(since, datetime):
        return {}
    return {
        SHARE_REJECTED: f"{rejected / read:.6f}",
        JUDGED_READ: str(read),
        JUDGED_SINCE: since.astimezone(UTC).isoformat(),
    }


def newest(*times: object) -> datetime | None:
    """The latest of those that are a time; None when none is."""
    return max((time for time in times if isinstance(time, datetime)), default=None)


def day_of(value: object) -> date | None:
    """A date or a time; None for anything else."""
    return value if isinstance(value, date) else None


def _last_answer(spans: pa.Table) -> object:
    return pl.DataFrame(spans.select(["known_at"]))["known_at"].max()
