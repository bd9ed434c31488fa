"""The decision as a stage of a Spark job: which records are new versions, one set of keys per task.

A task has every observation of its keys, stored ones and new ones, and decides with the functions of
`finks.lake.versions`. Only the guard looks across keys: each task gives its evidence, the driver judges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - its customary name

from finks.contract import CompiledContract
from finks.lake.silver_rows import retraction_rows, silver_rows
from finks.lake.silver_schema import silver_schema
from finks.lake.versions import Decision, Evidence, absent_keys, decide, observations, weigh
from finks.transform.spark.boundary import (
    batches,
    columns,
    from_bytes,
    nullable,
    packed,
    spark_schema,
    struct,
    to_bytes,
)

STORED: Final = "_stored"
NOTE: Final = "_note"
_UNKNOWN: Final = ("_source", "_run_id")
_COUNTS: Final = ("new", "changed", "same", "retracted", "late")
_NOTE_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.int64(), nullable=False) for name in _COUNTS),
        pa.field("absent", pa.binary(), nullable=False),
        pa.field("present", pa.binary(), nullable=False),
    ]
)
_ABSENT: Final = pl.Schema(
    {"_known_at": pl.Datetime("us", "UTC"), "_bronze_ref": pl.String, "before": pl.Int64, "next_ref": pl.String}
)
_PRESENT: Final = pl.Schema({"_bronze_ref": pl.String, "records": pl.Int64})
_TASK_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Judgement:
    """What every task needs besides its rows; plain data, so that it travels to other processes.

    Attributes:
        contract: What one record must be.
        source, run_id: For the columns of those names.
        spans: What each whole answer covers, as `SilverTable.write_versions` takes it.
        high_water: The newest `_known_at` of all earlier batches.
        unbelieved: The responses whose absences count for nothing.
    """

    contract: CompiledContract
    source: str
    run_id: str
    spans: pl.DataFrame
    high_water: datetime | None
    unbelieved: tuple[str, ...] = ()

    def without(self, unbelieved: Sequence[str]) -> Judgement:
        """The same, with some responses not believed."""
        return replace(self, unbelieved=tuple(unbelieved))


@dataclass(frozen=True, slots=True)
class Tally:
    """What the tasks of a decision found: counts of records, and the evidence for the guard."""

    new: int
    changed: int
    same: int
    retracted: int
    late: int
    evidence: Evidence


def run_decision(good: DataFrame, stored: DataFrame, judgement: Judgement, tasks: int) -> DataFrame:
    """The rows to append to Silver, and one note per task.

    Args:
        good: Good records of the kernel.
        stored: Rows of the Silver table, at least all versions of every key that the records or spans touch.
        tasks: Into how many sets the keys are divided.
    """
    contract = judgement.contract
    out = pa.schema([*nullable(silver_schema(contract)), pa.field(NOTE, struct(_NOTE_SCHEMA))])

    def stage(incoming: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(incoming)
        if rows:
            silver, note = _decided(pl.DataFrame(pa.Table.from_batches(rows)), judgement)
            yield from batches(out, columns(silver))
            yield from batches(out, packed(note, NOTE))

    names = [name for name in silver_schema(contract).names if name not in _UNKNOWN]
    seen = good.withColumnRenamed("_ordinal", "_seq").withColumn("_retracted", F.lit(False))
    both = stored.select(*names, F.lit(True).alias(STORED)).unionByName(seen.select(*names, F.lit(False).alias(STORED)))
    return both.repartition(tasks, *contract.key).mapInArrow(stage, spark_schema(out))


def versions(decided: DataFrame, contract: CompiledContract) -> DataFrame:
    """The rows to append among the rows of `run_decision`."""
    return decided.where(F.col("_known_at").isNotNull()).select(*silver_schema(contract).names)


def tally(decided: DataFrame) -> Tally:
    """The notes of all tasks put together."""
    notes = decided.where(F.col(NOTE).isNotNull()).select(f"{NOTE}.*").collect()
    absent = [_ABSENT.to_frame(), *(from_bytes(bytes(note["absent"])) for note in notes)]
    present = pl.concat([_PRESENT.to_frame(), *(from_bytes(bytes(note["present"])) for note in notes)])
    evidence = Evidence(pl.concat(absent), present.group_by("_bronze_ref").agg(pl.col("records").sum()))
    return Tally(*(sum(note[name] for note in notes) for name in _COUNTS), evidence=evidence)


def _decided(rows: pl.DataFrame, judgement: Judgement) -> tuple[pa.Table, pa.Table]:
    contract = judgement.contract
    key = contract.key
    stored = rows.filter(STORED).drop(STORED)
    seen = rows.filter(~pl.col(STORED)).drop(STORED)
    good = seen.rename({"_seq": "_ordinal"})
    candidates = observations(good, key)
    absences = absent_keys(stored, candidates, judgement.spans, key, contract.event_time)
    evidence = weigh(stored, candidates, absences, key)
    decision = decide(stored, candidates, evidence.believed(judgement.unbelieved), key, judgement.high_water)
    gone = None
    if decision.absences.height:
        before = pl.concat([stored, seen]).join(decision.absences.select(key).unique(), on=key, how="semi")
        gone = retraction_rows(before, decision.absences, key)
    silver = silver_rows(contract, judgement.source, judgement.run_id, good, decision, gone)
    return silver.cast(silver_schema(contract)), _note(decision, evidence)


def _note(decision: Decision, evidence: Evidence) -> pa.Table:
    """`before` becomes unique among tasks."""
    context = TaskContext.get()
    assert context is not None
    first = context.partitionId() << _TASK_BITS
    absent = evidence.absent.with_columns(pl.col("before").cast(pl.Int64) + first).select(_ABSENT.names()).cast(_ABSENT)
    row = {
        "new": decision.new, "changed": decision.changed, "same": decision.same, "late": decision.late,
        "retracted": decision.absences.height,
        "absent": to_bytes(absent), "present": to_bytes(evidence.present.cast(_PRESENT)),
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=_NOTE_SCHEMA)
