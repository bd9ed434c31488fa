"""Bronze to Silver and quarantine on Spark, with the same result as `finks.run.refine.refine_stream`.

The two may follow each other on one lake in any order: what was consumed is told by Silver's newest commit.
Quarantine is written first, then Silver with the bookmark; everything here can be repeated without effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl
from pyiceberg.table import Table
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - its customary name

from finks.lake import QUARANTINE_SCHEMA, Lake
from finks.lake.bronze import BronzeTable
from finks.lake.files import OPERATION
from finks.lake.quarantine import MAX_REFS, QuarantineTable
from finks.lake.reach import MAX_NAMES, Reach, reach
from finks.lake.resolutions import IDENTITY
from finks.lake.silver import SilverTable, day_of, judged, newest
from finks.lake.silver_schema import silver_schema
from finks.lake.versions import entity_column, refused
from finks.lake.writing import committing
from finks.source.model import Stream
from finks.transform.recipe import Recipe
from finks.transform.refined import Refined
from finks.transform.spark import kernel
from finks.transform.spark.boundary import spark_schema
from finks.transform.spark.decision import Judgement, Tally, run_decision, tally, versions
from finks.transform.spark.session import spark_name
from finks.transform.spark.staging import append_after

BATCH_SETTING: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
BODIES: Final = "64"
RECORDS: Final = "10000"
SPLIT_BYTES: Final = str(4 * 1024 * 1024)
"""Bytes of Bronze files, as stored, that one task reads: bodies take many times more room in memory."""

ROWS_PER_TASK: Final = 100_000
Step = Callable[[str], None]


def refine_stream(
    session: SparkSession,
    lake: Lake,
    source: str,
    stream: Stream,
    table: str,
    run_id: str,
    *,
    rows_per_task: int = ROWS_PER_TASK,
    step: Step = lambda _: None,
) -> Refined:
    """Bring one stream's Silver and quarantine tables up to the newest Bronze snapshot.

    Args:
        session: A session of `lake_session`.
        source: The source's name, for the `_source` column.
        table: The stream's table name in every zone.
        rows_per_task: How many records one task decides about, roughly.
        step: Is told the name of each step that was done.

    Raises:
        ConflictError: Other writers were faster every time.
        ConfigurationError: The stored table cannot follow the contract.
    """
    job = _Job(session, lake, source, Recipe.of(stream), table, run_id, rows_per_task, step)
    return job.run()


@dataclass(slots=True)
class _Job:
    session: SparkSession
    lake: Lake
    source: str
    recipe: Recipe
    table: str
    run_id: str
    rows_per_task: int
    step: Step

    def run(self) -> Refined:
        silver = SilverTable(self.lake.catalog, self.table, self.recipe.contract, self.source)
        consumed = silver.bookmark()
        bronze = BronzeTable(self.lake.catalog, self.table)
        newest_bronze, since = bronze.position(consumed)
        if newest_bronze is None or newest_bronze == consumed:
            return Refined(self.table)
        self.session.conf.set(BATCH_SETTING, BODIES)
        responses = self._responses(bronze, since, newest_bronze)
        refined = kernel.run_kernel(responses, self.recipe).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            accounts = kernel.accounts(refined, self.recipe)
            rules = kernel.rules(refined) if accounts["rejected"].sum() else {}
            self.session.conf.set(BATCH_SETTING, RECORDS)
            self.step("kernel.done")
            quarantined = self._quarantine(kernel.rejects(refined), accounts)
            found, suspicious = self._silver(silver, kernel.good(refined), accounts, newest_bronze)
        finally:
            refined.unpersist()
        counts = {name: int(accounts[name].sum()) for name in ("read", "good", "rejected", "duplicates")}
        return Refined(
            self.table,
            accounts.height,
            **counts,
            quarantined=quarantined,
            new=found.new,
            changed=found.changed,
            same=found.same,
            retracted=found.retracted,
            suspicious=suspicious,
            late=found.late,
            rules=rules,
        )

    def _responses(self, bronze: BronzeTable, since: int | None, until: int) -> DataFrame:
        """The readable responses that were appended after a snapshot, or all of them.

        Iceberg's incremental read passes over what compaction wrote.
        """
        reader = self.session.read.option("split-size", SPLIT_BYTES).option("vectorization-enabled", "false")
        if since is None:
            reader = reader.option("snapshot-id", str(until))
        else:
            reader = reader.option("start-snapshot-id", str(since)).option("end-snapshot-id", str(until))
        rows = reader.table(spark_name(self.lake, bronze.identifier))
        return rows.where((F.col("outcome") == "ok") & F.col("body").isNotNull())

    def _quarantine(self, rejects: DataFrame, accounts: pl.DataFrame) -> int:
        refs = accounts.filter(pl.col("rejected") > 0)["response_id"].to_list()
        if not refs:
            return 0
        quarantine = QuarantineTable(self.lake.catalog, self.table)
        name = spark_name(self.lake, quarantine.identifier)

        def attempt() -> int:
            base = quarantine.load()
            present = self.session.read.table(name).select(*IDENTITY)
            if len(refs) <= MAX_REFS:
                present = present.where(F.col("bronze_ref").isin(refs))
            fresh = rejects.join(present, list(IDENTITY), "left_anti").withColumn("run_id", F.lit(self.run_id))
            fresh = fresh.select(*QUARANTINE_SCHEMA.names).persist(StorageLevel.MEMORY_AND_DISK)
            try:
                rows = fresh.count()
                if rows:
                    properties = {OPERATION: "quarantine"}
                    append_after(
                        self.lake, quarantine.identifier, base, fresh, properties, distribution="none", step=self.step
                    )
            finally:
                fresh.unpersist()
            return rows

        rows = committing(quarantine.identifier, attempt)
        self.step("quarantine.committed")
        return rows

    def _silver(self, silver: SilverTable, good: DataFrame, accounts: pl.DataFrame, bookmark: int) -> tuple[Tally, int]:
        read, rejected = int(accounts["read"].sum()), int(accounts["rejected"].sum())
        share = judged(read, rejected, accounts["known_at"].min())
        seen = newest(accounts.filter((pl.col("good") > 0) | pl.col("spanned"))["known_at"].max())

        def attempt() -> tuple[Tally, int]:
            base = silver.load()
            decided, found, suspicious = self._decide(silver, base, good, accounts)
            try:
                properties = silver.summary(base, self.run_id, bookmark, seen, late=found.late > 0)
                rows = versions(decided, self.recipe.contract)
                self.step("silver.decided")
                append_after(
                    self.lake,
                    silver.identifier,
                    base,
                    rows,
                    {**properties, **share},
                    distribution="hash",
                    step=self.step,
                )
            finally:
                decided.unpersist()
            return found, suspicious

        done = committing(silver.identifier, attempt)
        self.step("silver.committed")
        return done

    def _decide(
        self, silver: SilverTable, base: Table, good: DataFrame, accounts: pl.DataFrame
    ) -> tuple[DataFrame, Tally, int]:
        """The decision, made a second time where the guard does not believe every answer."""
        spans = accounts.filter("spanned").select("response_id", "known_at", "key", "min_event", "max_event")
        judgement = Judgement(self.recipe.contract, self.source, self.run_id, spans, silver.high_water(base))
        stored, rows = self._stored(silver, base, good, accounts, spans)
        tasks = max(1, -(-(rows + int(accounts["good"].sum())) // self.rows_per_task))
        decided = run_decision(good, stored, judgement, tasks).persist(StorageLevel.MEMORY_AND_DISK)
        found = tally(decided)
        unbelieved, suspicious = ([], 0) if self.recipe.authoritative else refused(found.evidence)
        if unbelieved:
            decided.unpersist()
            judgement = judgement.without(unbelieved)
            decided = run_decision(good, stored, judgement, tasks).persist(StorageLevel.MEMORY_AND_DISK)
            found = tally(decided)
        return decided, found, suspicious

    def _stored(
        self, silver: SilverTable, base: Table, good: DataFrame, accounts: pl.DataFrame, spans: pl.DataFrame
    ) -> tuple[DataFrame, int]:
        """The stored versions that the records and spans can touch, and at most how many rows these are."""
        schema = silver_schema(self.recipe.contract)
        if base.current_snapshot() is None:
            return self.session.createDataFrame([], spark_schema(schema)), 0
        within = self._reach(good, accounts, spans)
        rows = self.session.read.table(spark_name(self.lake, silver.identifier)).where(_condition(within))
        files = base.scan(row_filter=within.iceberg()).plan_files()
        return rows.select(*schema.names), sum(task.file.record_count for task in files)

    def _reach(self, good: DataFrame, accounts: pl.DataFrame, spans: pl.DataFrame) -> Reach:
        contract = self.recipe.contract
        entity = entity_column(contract.key, contract.event_time)
        names = None
        if entity is not None:
            found = [row[0] for row in good.select(entity).distinct().limit(MAX_NAMES + 1).collect()]
            names = found if len(found) <= MAX_NAMES else None
        return reach(contract, (day_of(accounts["first"].min()), day_of(accounts["last"].max())), names, spans)


def _condition(within: Reach) -> Column:
    """The reach as a condition that Iceberg can push down."""
    condition = F.lit(True)
    if within.event is not None and within.days is not None:
        condition &= F.col(within.event).between(F.lit(within.days[0]), F.lit(within.days[1]))
    if within.entity is not None and within.names is not None:
        condition &= F.col(within.entity).isin(sorted(within.names))
    return condition
