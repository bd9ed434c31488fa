"""What decoders take and give: bodies, records as columns of text, and faults.

A field's column holds the source text of its values. A decimal or float field may hold binary floats
instead where the decoder has proved that each of them stands for exactly one short decimal number,
the one in the source (see `decode_json`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

RESPONSE = "_response"
ORDINAL = "_ordinal"


@dataclass(frozen=True, slots=True)
class Body:
    """One body to decode: its position among the responses and its bytes without a byte order mark."""

    response: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A record, or a whole body (ordinal -1), that could not become fields."""

    response: int
    ordinal: int
    field: str | None
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding gave: columns `_response`, `_ordinal` and one per contract field; faulty records among them."""

    frame: pl.DataFrame
    faults: tuple[Fault, ...] = ()


class MalformedError(Exception):
    """A whole body is not what its format requires. Internal: it becomes a fault, never leaves the kernel."""


def numbered(frame: pl.DataFrame, sizes: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """Add `_response` and `_ordinal` to stacked bodies, given each body's position and number of records."""
    index = pl.DataFrame(sizes, schema={RESPONSE: pl.Int32, "size": pl.Int32}, orient="row").filter(pl.col("size") > 0)
    ranges = index.select(
        pl.col(RESPONSE).repeat_by("size").alias(RESPONSE), pl.int_ranges(0, "size", dtype=pl.Int32).alias(ORDINAL)
    )
    return pl.concat([ranges.explode(RESPONSE, ORDINAL), frame], how="horizontal")


def stacked(
    columns: Mapping[str, list[str | None]], sizes: Sequence[tuple[int, int]], faults: Iterable[Fault]
) -> Decoded:
    """A decoded part from Python columns of text."""
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return Decoded(numbered(frame, sizes), tuple(faults))
