"""The rows that one Silver commit appends, and the counts that it reports. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from finks.contract.spec import CompiledContract
from finks.lake.changes import describe, no_changes
from finks.lake.silver_schema import silver_schema
from finks.lake.versions import ABSENT_SEQ, ORDER, RETRACTED_HASH, Decision


@dataclass(frozen=True, slots=True)
class VersionCounts:
    """What one call wrote.

    Attributes:
        new: Records seen for the first time.
        changed: Records whose values differ from their version before.
        same: Records equal to it; nothing was written for them.
        retracted: Records that a whole answer no longer had.
        suspicious: Records that were absent from an answer that lacked too many to be believed.
        late: Versions of known records that arrived after newer responses; the next refine reads Bronze again.
        changes: The first restated values, as `finks.lake.changes.CHANGES_SCHEMA`.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    retracted: int = 0
    suspicious: int = 0
    late: int = 0
    changes: pa.Table = field(default_factory=no_changes)

    def describe_changes(self, limit: int) -> list[str]:
        """The first `limit` restated records, one line each."""
        return describe(self.changes, limit)


def counts_of(decision: Decision, suspicious: int, changes: pa.Table) -> VersionCounts:
    """The counts of a decision."""
    return VersionCounts(
        decision.new,
        decision.changed,
        decision.same,
        decision.absences.height,
        suspicious,
        decision.late,
        changes,
    )


def silver_rows(
    contract: CompiledContract,
    source: str,
    run_id: str,
    good: pl.DataFrame,
    decision: Decision,
    gone: pl.DataFrame | None,
) -> pa.Table:
    """The chosen candidates and the retractions as rows of `silver_schema(contract)`, sorted by key.

    Args:
        good: The candidates.
        gone: Rows of `retraction_rows`.
    """
    schema = silver_schema(contract)
    chosen = good if decision.rows.len() == good.height else good[decision.rows]
    parts = [chosen.with_columns(_retracted=pl.lit(False), _seq=pl.col("_ordinal").cast(pl.Int32))]
    if gone is not None:
        parts.append(gone)
    names = [name for name in schema.names if name not in {"_source", "_run_id"}]
    rows = pl.concat([part.select(names) for part in parts])
    if rows.is_empty():
        return schema.empty_table()
    rows = rows.with_columns(_source=pl.lit(source), _run_id=pl.lit(run_id)).sort([*contract.key, "_known_at", "_seq"])
    return rows.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_large(schema))


def retraction_rows(versions: pl.DataFrame, absences: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """A row for each absence, with the values of the version before it.

    Args:
        versions: All versions of the absent keys.
        absences: key, `_known_at`, `_bronze_ref`.
    """
    gone = absences.rename({"_known_at": "_gone_at", "_bronze_ref": "_gone_ref"})
    last = (
        versions.join(gone, on=list(key))
        .filter(pl.col("_known_at") < pl.col("_gone_at"))
        .sort(ORDER)
        .unique([*key, "_gone_at"], keep="last")
    )
    return last.with_columns(
        _known_at=pl.col("_gone_at"),
        _bronze_ref=pl.col("_gone_ref"),
        _retracted=pl.lit(True),
        _row_hash=pl.lit(RETRACTED_HASH, pl.Int64),
        _seq=pl.lit(ABSENT_SEQ, pl.Int32),
    ).drop("_gone_at", "_gone_ref")


def _large(schema: pa.Schema) -> pa.Schema:
    """The same schema with 64-bit offsets, as polars writes them."""
    large = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}
    return pa.schema([field.with_type(large.get(field.type, field.type)) for field in schema])
