"""What is missing against the calendar that the data itself shows.

A session is a day on which any key of the stream has a record. Pure.
"""

from __future__ import annotations

import polars as pl


def gaps(records: pl.DataFrame, key: str, event: str) -> pl.DataFrame:
    """What each key lacks of the stream's sessions.

    Args:
        records: The live records: at least the columns `key` and `event`, one row per pair.
        key: The column that tells the keys apart, for example `symbol`.
        event: The column with the day.

    Returns:
        One row per key that lacks something: `key`, `missing` (sessions between its first and its last
        record without one), `behind` (sessions of the stream after its last record).
    """
    sessions = records.select(pl.col(event).unique().sort()).with_row_index("number")
    numbered = records.join(sessions, on=event)
    return (
        numbered.group_by(pl.col(key).alias("key"))
        .agg(
            missing=(pl.col("number").max() - pl.col("number").min()).cast(pl.Int64) + 1 - pl.len().cast(pl.Int64),
            behind=pl.lit(sessions.height - 1, pl.Int64) - pl.col("number").max().cast(pl.Int64),
        )
        .filter((pl.col("missing") > 0) | (pl.col("behind") > 0))
        .sort("key")
    )
