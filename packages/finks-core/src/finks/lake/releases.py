"""What a Gold release is: its marts, and the snapshots that it points at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

RELEASES: Final = "releases"
RELEASES_SCHEMA: Final = pa.schema(
    [
        pa.field("release_id", pa.int64(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("snapshot_id", pa.int64(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("silver_snapshots", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("published_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""One row per mart and release. `silver_snapshots` is JSON: Silver table to the snapshot that the marts were built of.
"""


@dataclass(frozen=True, slots=True)
class Mart:
    """One mart of a release.

    Attributes:
        content_hash: SHA-256 over schema and rows, whatever the order of the rows.
    """

    snapshot_id: int
    rows: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Release:
    """What readers are served, from its publication until the next.

    Attributes:
        marts: Table name to what it points at.
        unchanged: The publication found every mart equal to the served release and wrote nothing.
    """

    release_id: int
    marts: Mapping[str, Mart]
    run_id: str
    published_at: datetime
    silver_snapshots: Mapping[str, int] = field(default_factory=dict)
    unchanged: bool = False

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: mart.rows for name, mart in sorted(self.marts.items())}


def release_of(number: int, rows: list[dict[str, Any]]) -> Release:
    """A release from its rows in `gold.releases`."""
    marts = {row["table_name"]: Mart(row["snapshot_id"], row["rows"], row["content_hash"]) for row in rows}
    first = rows[0]
    return Release(number, marts, first["run_id"], first["published_at"], json.loads(first["silver_snapshots"]))
