"""Keys within a response: copies, conflicts, and the text of a rejected record's key."""

from __future__ import annotations

import polars as pl

from finks.contract.bodies import ORDINAL, RESPONSE
from finks.contract.enforce import BAD_SCHEMA, ROW, Enforced
from finks.contract.spec import CompiledContract

LOCATED_SCHEMA = pl.Schema({RESPONSE: pl.Int32, ORDINAL: pl.Int32, "key_text": pl.String, **BAD_SCHEMA})
"""Rejected records by place, before their source text joins them."""


def without(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The frame without some rows, given by number."""
    if not len(rows):
        return frame
    return frame.filter(~pl.int_range(0, pl.len(), dtype=pl.UInt32).is_in(rows.implode()))


def unique_keys(enforced: Enforced, contract: CompiledContract) -> tuple[pl.DataFrame, pl.Series]:
    """The bad rows with key conflicts added, and the rows that are identical copies of an earlier one."""
    key = [RESPONSE, *contract.key]
    frame, bad = enforced.frame.with_row_index(ROW), enforced.bad
    good = without(frame, bad[ROW])
    repeated = good.filter(good.select(key).is_duplicated())
    none = pl.Series(ROW, [], dtype=pl.UInt32)
    if not repeated.height:
        return bad, none
    names = [spec.name for spec in contract.fields]
    versions = repeated.select(ROW, *key, pl.struct(names).n_unique().over(key).alias("_versions"))
    conflicts = versions.filter(pl.col("_versions") > 1)[ROW]
    said = "the response has this key more than once, with different values"
    added = pl.DataFrame({ROW: conflicts}).with_columns(
        pl.lit("key_conflict").alias("rule"), pl.lit(None, pl.String).alias("field"), pl.lit(said).alias("reason")
    )
    same = versions.filter(pl.col("_versions") == 1)
    copies = same.filter(~pl.struct(key).is_first_distinct())[ROW]
    return pl.concat([bad, added]), copies


def located(texts: pl.DataFrame, bad: pl.DataFrame, contract: CompiledContract) -> pl.DataFrame:
    """Bad rows with their place and the text of their key, null where a part of it is absent."""
    rows = texts[bad[ROW]]
    parts = [pl.col(name).cast(pl.String) for name in contract.key]
    places = rows.select(RESPONSE, ORDINAL, pl.concat_str(parts, separator="|").alias("key_text"))
    return pl.concat([places, bad], how="horizontal").select(list(LOCATED_SCHEMA))
