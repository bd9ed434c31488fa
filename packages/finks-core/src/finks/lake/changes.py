"""What changed: the old and the new value of every field of a restated record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
import pyarrow as pa

CHANGES_SCHEMA: Final = pa.schema(
    [
        pa.field("record", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("old", pa.string()),
        pa.field("new", pa.string()),
        pa.field("old_known_at", pa.timestamp("us", tz="UTC")),
        pa.field("new_known_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""One row per changed field. `record` is the key's values, separated by a space. Values are text; a decimal keeps
its scale. A record that had been retracted before has the field `(record)` with old `retracted`."""

MAX_CHANGED_RECORDS: Final = 1000


def no_changes() -> pa.Table:
    """No change."""
    return CHANGES_SCHEMA.empty_table()


def changed_values(
    versions: pl.DataFrame, restated: pl.DataFrame, key: Sequence[str], fields: Sequence[str]
) -> pa.Table:
    """Compare each restated record with the version before it.

    Args:
        versions: All versions of the restated keys: key, fields, `_known_at`, `_seq`, `_retracted`.
        restated: The new versions: key, fields, `_known_at`, `_ordinal`.
        key: The key's columns.
        fields: The columns to compare.

    Returns:
        A table of `CHANGES_SCHEMA`.
    """
    text = [pl.col(name).cast(pl.String) for name in fields]
    new = restated.select(*key, *text, "_known_at", pl.col("_ordinal").cast(pl.Int32).alias("_seq"))
    old = versions.select(*key, *(expr.name.suffix("_old") for expr in text), "_retracted", _at="_known_at", _no="_seq")
    earlier = (pl.col("_at") < pl.col("_known_at")) | (
        pl.col("_at").eq(pl.col("_known_at")) & (pl.col("_no") < pl.col("_seq"))
    )
    pairs = (
        new.join(old, on=key)
        .filter(earlier)
        .sort("_at", "_no")
        .unique([*key, "_known_at", "_seq"], keep="last", maintain_order=True)
    )
    pairs = pairs.sort([*key, "_known_at", "_seq"]).with_columns(
        record=pl.concat_str([pl.col(name).cast(pl.String) for name in key], separator=" ")
    )
    parts = [
        pairs.filter(~pl.col("_retracted") & pl.col(name).ne_missing(pl.col(f"{name}_old"))).select(
            "record",
            pl.lit(name).alias("field"),
            old=f"{name}_old",
            new=name,
            old_known_at="_at",
            new_known_at="_known_at",
        )
        for name in fields
    ]
    back = pairs.filter("_retracted").select(
        "record",
        pl.lit("(record)").alias("field"),
        pl.lit("retracted").alias("old"),
        pl.lit("present").alias("new"),
        old_known_at="_at",
        new_known_at="_known_at",
    )
    table = pl.concat([*parts, back]).sort("record", "new_known_at", maintain_order=True)
    return table.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(CHANGES_SCHEMA)


def describe(changes: pa.Table, limit: int) -> list[str]:
    """The first restated records, one line each: `AAPL 2013-02-28: close 441.4 → 441`."""
    lines: dict[tuple[str, object], list[str]] = {}
    for row in changes.to_pylist():
        if row["field"] == "(record)":
            text = f"{row['old']} → {row['new']}"
        else:
            text = f"{row['field']} {_shown(row['old'])} → {_shown(row['new'])}"
        lines.setdefault((row["record"], row["new_known_at"]), []).append(text)
    return [f"{record}: {', '.join(texts)}" for (record, _), texts in lines.items()][: max(limit, 0)]


def _shown(value: str | None) -> str:
    """A value without the zeros that only fill its scale."""
    if value is None:
        return "nothing"
    head, point, tail = value.partition(".")
    if point and head.lstrip("-").isdigit() and tail.isdigit():
        return f"{head}.{tail}".rstrip("0").rstrip(".")
    return value
