"""The kernel as a stage of a Spark job: Bronze rows in; good records, rejects and one account per response out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - its customary name

from finks.contract.kernel import BATCH_BYTES
from finks.contract.result import COUNT_SCHEMA, MICROSECONDS, REJECT_SCHEMA, KernelResult, good_schema
from finks.transform.recipe import COLUMNS, Recipe
from finks.transform.spark.boundary import batches, columns, nullable, packed, spark_schema, struct

REJECT: Final = "_reject"
ACCOUNT: Final = "_account"


def account_schema(recipe: Recipe) -> pa.Schema:
    """What is told of one response: the kernel's counts, and its span where it has one (`spanned`)."""
    return pa.schema(
        [
            *COUNT_SCHEMA,
            pa.field("spanned", pa.bool_()),
            pa.field("known_at", MICROSECONDS),
            pa.field("key", pa.string()),
            pa.field("min_event", recipe.bound_type),
            pa.field("max_event", recipe.bound_type),
        ]
    )


def stage_schema(recipe: Recipe) -> pa.Schema:
    """Good records as columns; a reject and an account as a struct each."""
    others = [
        pa.field(REJECT, struct(REJECT_SCHEMA)),
        pa.field(ACCOUNT, struct(account_schema(recipe))),
    ]
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
            yield from batches(schema, packed(_accounts(result, table, recipe), ACCOUNT))

    return responses.select(*COLUMNS).mapInArrow(stage, spark_schema(schema))


def good(refined: DataFrame) -> DataFrame:
    """The good records among the rows of `run_kernel`."""
    return refined.where(F.col("_bronze_ref").isNotNull()).drop(REJECT, ACCOUNT)


def rejects(refined: DataFrame) -> DataFrame:
    """The rejects."""
    return refined.where(F.col(REJECT).isNotNull()).select(f"{REJECT}.*")


def accounts(refined: DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The accounts of all responses, brought to the driver: one small row per response."""
    rows = refined.where(F.col(ACCOUNT).isNotNull()).select(f"{ACCOUNT}.*").collect()
    schema = account_schema(recipe)
    return pl.DataFrame(pa.Table.from_pylist([row.asDict() for row in rows], schema=schema))


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


def _accounts(result: KernelResult, responses: pa.Table, recipe: Recipe) -> pa.Table:
    spans = pl.DataFrame(recipe.spans(result, responses)).drop("key", "known_at").with_columns(spanned=True)
    told = pl.DataFrame(responses.select(["response_id", "key", "fetched_at"])).rename({"fetched_at": "known_at"})
    joined = pl.DataFrame(result.counts).join(told, on="response_id").join(spans, on="response_id", how="left")
    schema = account_schema(recipe)
    joined = joined.with_columns(pl.col("spanned").fill_null(False)).select(schema.names)
    return joined.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
