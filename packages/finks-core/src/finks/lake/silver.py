"""Silver: every version of every record of a stream, append-only, one atomic commit per call.

The newest commit carries the Bronze snapshot that was consumed (`finks.bookmark`), so the bookmark
is atomic with the data and survives compaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from finks.contract.spec import CompiledContract
from finks.lake.catalog import find_table, state
from finks.lake.changes import changed_values, no_changes
from finks.lake.files import OPERATION
from finks.lake.filters import all_of, at_least, at_most, one_of
from finks.lake.silver_rows import VersionCounts, counts_of, retraction_rows, silver_rows
from finks.lake.silver_schema import create_silver, evolve_silver, silver_schema
from finks.lake.versions import Decision, absent_keys, decide, first_load
from finks.lake.writing import committing

BOOKMARK = "finks.bookmark"
REPLAY = "finks.replay"
RUN_ID = "finks.run-id"
HIGH_WATER = "finks.high-water"
SHARE_REJECTED = "finks.share-rejected"
"""Of the last refinement that read records, the share that was rejected: what it left out stays left out."""
STATE = (BOOKMARK, REPLAY, HIGH_WATER, SHARE_REJECTED)
"""Snapshot properties that every commit carries forward."""

_VERSION_COLUMNS = ("_known_at", "_seq", "_row_hash", "_retracted")
_MAX_ENTITIES = 1000


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
        evolve_silver(self._load(), contract, source)

    def bookmark(self) -> int | None:
        """The Bronze snapshot that was consumed; None when nothing was, or when everything must be read again."""
        table = self._load()
        stored = state(table, BOOKMARK)
        self._whole = stored is None or state(table, REPLAY) == "true"
        return None if stored is None or self._whole else int(stored)

    def advance(self, bookmark: int, *, run_id: str) -> None:
        """Move the bookmark in a commit of its own."""

        def attempt() -> None:
            table = self._load()
            with table.transaction() as transaction:
                transaction.append(
                    silver_schema(self._contract).empty_table(),
                    snapshot_properties=self._summary(table, run_id, bookmark, self._seen),
                )

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
            table = self._load()
            frame = pl.DataFrame(good)
            span_frame = None if spans is None else pl.DataFrame(spans)
            decision = self._decide(table, frame, span_frame, authoritative)
            rows = self._rows(table, frame, decision, run_id)
            seen = _newest(self._seen, frame["_known_at"].max(), None if spans is None else _last_answer(spans))
            counts = counts_of(decision, self._changes(table, frame, decision))
            if rows.num_rows or bookmark is not None:
                self._late = self._late or decision.late > 0
                summary = {**self._summary(table, run_id, bookmark, seen), **(properties or {})}
                with table.transaction() as transaction:
                    transaction.append(rows, snapshot_properties=summary)
            self._seen = seen
            # The commit that moves the bookmark ends the pass over Bronze.
            self._late = self._late and bookmark is None
            return counts

        return committing(self.identifier, attempt)

    def snapshot_id(self) -> int | None:
        """The table's current snapshot."""
        snapshot = self._load().current_snapshot()
        return None if snapshot is None else snapshot.snapshot_id

    def _load(self) -> Table:
        found = find_table(self._catalog, self.identifier)
        return found or create_silver(self._catalog, self.identifier, self._contract, self._source)

    def _summary(self, table: Table, run_id: str, bookmark: int | None, seen: datetime | None) -> dict[str, str]:
        """The state after this commit. Reading all of Bronze without a late version ends a pending replay."""
        carried = {name: value for name in STATE if (value := state(table, name)) is not None}
        pending = self._late or (carried.get(REPLAY) == "true" and not (self._whole and bookmark is not None))
        carried[REPLAY] = "true" if pending else "false"
        newest = _newest(self._high_water(table), seen)
        if newest is not None:
            carried[HIGH_WATER] = newest.isoformat()
        if bookmark is not None:
            carried[BOOKMARK] = str(bookmark)
        return {OPERATION: "refine", RUN_ID: run_id, **carried}

    def _high_water(self, table: Table) -> datetime | None:
        """The newest knowledge time that a committed batch had."""
        stored = state(table, HIGH_WATER)
        return None if stored is None else datetime.fromisoformat(stored)

    def share_rejected(self) -> float:
        """Rejected records by all, of the last refinement that read any; 0 before the first."""
        return float(state(self._load(), SHARE_REJECTED) or 0)

    def _decide(self, table: Table, good: pl.DataFrame, spans: pl.DataFrame | None, authoritative: bool) -> Decision:
        key = list(self._contract.key)
        candidates = good.select(
            *key, "_known_at", pl.col("_ordinal").cast(pl.Int32).alias("_seq"), "_row_hash", "_bronze_ref"
        ).with_row_index("row")
        nothing = candidates.is_empty() and (spans is None or spans.is_empty())
        if nothing or (table.current_snapshot() is None and (spans is None or _one_answer_per_key(spans))):
            first = first_load(candidates, key)
            if first is not None:
                return first
        stored = self._stored(table, candidates, spans)
        absences = candidates.clear().select(*key, "_known_at", "_bronze_ref")
        if spans is not None and spans.height:
            absences = absent_keys(stored, candidates, spans, key, self._contract.event_time)
        high_water = _newest(self._high_water(table), self._seen)
        return decide(stored, candidates, absences, key, high_water, authoritative=authoritative)

    def _stored(self, table: Table, candidates: pl.DataFrame, spans: pl.DataFrame | None) -> pl.DataFrame:
        """The stored versions, keys only, of the days and entities that the candidates and spans touch."""
        columns = (*self._contract.key, *_VERSION_COLUMNS)
        scan = table.scan(row_filter=self._touched(candidates, spans), selected_fields=columns)
        stored = pl.DataFrame(scan.to_arrow()).select(columns)
        return stored.cast({name: candidates.schema[name] for name in self._contract.key})  # pyright: ignore[reportArgumentType]

    def _touched(self, keys: pl.DataFrame, spans: pl.DataFrame | None = None) -> BooleanExpression:
        event, bounds = self._contract.event_time, []
        covers_all = spans is not None and spans.filter(pl.col("key").fill_null("") == "").height > 0
        whole = spans is not None and spans["min_event"].null_count() > 0
        if event is not None and not whole:
            ends = [keys[event].min(), keys[event].max()]
            if spans is not None:
                ends += [spans["min_event"].min(), spans["max_event"].max()]
            days = [end for end in ends if isinstance(end, date | datetime)]
            if days:
                bounds = [at_least(event, min(days)), at_most(event, max(days))]
        entity = next((name for name in self._contract.key if name != event), None)
        if entity is not None and keys.schema[entity] == pl.String and not covers_all:
            names = set(keys[entity].unique()) | (set(spans["key"].unique()) if spans is not None else set())
            if 0 < len(names) <= _MAX_ENTITIES:
                bounds.append(one_of(entity, names))
        return all_of(*bounds)

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
        stored = pl.DataFrame(table.scan(row_filter=self._touched(keys), selected_fields=tuple(names)).to_arrow())
        batch = good.with_columns(_retracted=pl.lit(False), _seq=pl.col("_ordinal").cast(pl.Int32)).select(names)
        stored = stored.select(names).cast(dict(batch.schema))  # pyright: ignore[reportArgumentType]
        wanted = keys.select(key).unique()
        return pl.concat([part.join(wanted, on=key, how="semi") for part in (stored, batch)])

    def _changes(self, table: Table, good: pl.DataFrame, decision: Decision) -> pa.Table:
        if decision.restated.is_empty():
            return no_changes()
        restated = decision.restated.sort("row").head(1000)
        before = self._versions_of(table, restated, good)
        fields = [spec.name for spec in self._contract.fields if spec.name not in self._contract.key]
        return changed_values(before, good[restated["row"]], list(self._contract.key), fields)


def _newest(*times: object) -> datetime | None:
    return max((time for time in times if isinstance(time, datetime)), default=None)


def _last_answer(spans: pa.Table) -> object:
    return pl.DataFrame(spans.select(["known_at"]))["known_at"].max()


def _one_answer_per_key(spans: pl.DataFrame) -> bool:
    named = spans.filter(pl.col("key").fill_null("") != "")
    return named.height == spans.height and named["key"].n_unique() == spans.height
