"""The kernel as a stage of a Spark job: Bronze rows in; good records, rejects and one account per response out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - its customary name

from finks.contract.kernel import BATCH_BYTES
from finks.contract.result import REJECT_SCHEMA, KernelResult, good_schema
from finks.lake import BRONZE_SCHEMA
from finks.transform.recipe import COLUMNS, Recipe
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

REJECT: Final = "_reject"
ACCOUNTS: Final = "_accounts"


def stage_schema(recipe: Recipe) -> pa.Schema:
    """Good records as columns; a reject as a struct; the accounts of some responses as one value."""
    others = [pa.field(REJECT, struct(REJECT_SCHEMA)), pa.field(ACCOUNTS, pa.binary())]
    return pa.schema([*nullable(good_schema(recipe.contract)), *others])


def run_kernel(responses: DataFrame, recipe: Recipe) -> DataFrame:
    """Refine responses, in batches of about `BATCH_BYTES` of bodies.

    Args:
        responses: Bronze rows with a body, at least the columns of `finks.transform.recipe.COLUMNS`.
    """
    schema = stage_schema(recipe)

    def stage(incoming: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in _grouped(incoming):
            result = recipe.refine(table)
            yield from batches(schema, columns(result.good))
            yield from batches(schema, packed(result.rejects, REJECT))
            yield from batches(schema, {ACCOUNTS: pa.array([to_bytes(_accounts(result, table, recipe))])})

    return responses.select(*COLUMNS).mapInArrow(stage, spark_schema(schema))


def good(refined: DataFrame) -> DataFrame:
    """The good records among the rows of `run_kernel`."""
    return refined.where(F.col("_bronze_ref").isNotNull()).drop(REJECT, ACCOUNTS)


def rejects(refined: DataFrame) -> DataFrame:
    """The rejects."""
    return refined.where(F.col(REJECT).isNotNull()).select(f"{REJECT}.*")


def rules(refined: DataFrame) -> dict[str, int]:
    """How many rejects each rule made."""
    return {row["rule"]: row["count"] for row in rejects(refined).groupBy("rule").count().collect()}


def accounts(refined: DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The accounts of all responses, brought to the driver: one small row per response.

    Columns: those of `COUNT_SCHEMA`, `known_at`, `key`; `min_event` and `max_event` of its span where it is `spanned`;
    `first` and `last` event time of its good records.
    """
    rows = refined.where(F.col(ACCOUNTS).isNotNull()).select(ACCOUNTS).collect()
    nothing = BRONZE_SCHEMA.empty_table().select(COLUMNS)
    none = _accounts(recipe.refine(nothing), nothing, recipe)
    return pl.concat([none, *(from_bytes(bytes(row[0])) for row in rows)])


def _grouped(incoming: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in incoming:
        group.append(batch)
        size += batch.column("body").nbytes
        if size >= BATCH_BYTES:
            yield pa.Table.from_batches(group)
            group, size = [], 0
    if group:
        yield pa.Table.from_batches(group)


def _accounts(result: KernelResult, responses: pa.Table, recipe: Recipe) -> pl.DataFrame:
    told = pl.DataFrame(responses.select(["response_id", "key", "fetched_at"])).rename({"fetched_at": "known_at"})
    spans = pl.DataFrame(recipe.spans(result, responses).drop_columns(["key", "known_at"])).with_columns(spanned=True)
    event = pl.col(recipe.contract.event_time) if recipe.contract.event_time else pl.lit(None, pl.Date)
    ends = pl.DataFrame(result.good).group_by(response_id="_bronze_ref").agg(first=event.min(), last=event.max())
    joined = pl.DataFrame(result.counts).join(told, on="response_id").join(spans, on="response_id", how="left")
    return joined.join(ends, on="response_id", how="left").with_columns(pl.col("spanned").fill_null(False))
