"""What became of rejects after a replay: one table for the lake, appended to; no reject is ever changed or deleted.

A reject is *open* until a row here speaks of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog

from finks.lake.catalog import TABLE_PROPERTIES, find_table
from finks.lake.files import OPERATION
from finks.lake.filters import equal
from finks.lake.writing import append, committing

RESOLUTIONS: Final = "resolutions"
"""The table's name in the zone `quarantine`. A stream's table has an underscore in its name, so no stream has it."""

IDENTITY: Final = ("bronze_ref", "ordinal", "contract_version")
"""What makes two rejects the same."""

GOOD: Final = "good"
"""The record is in Silver now, or equal to what is there."""

JUDGED_AGAIN: Final = "judged again"
"""A later version of the contract rejects the record too; that reject has a row of its own."""

RESOLUTIONS_SCHEMA: Final = pa.schema(
    [
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("bronze_ref", pa.string(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("contract_version", pa.string(), nullable=False),
        pa.field("resolution", pa.string(), nullable=False),
        pa.field("resolved_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("resolved_run", pa.string(), nullable=False),
    ]
)


class Resolutions:
    """The resolutions of one stream's rejects.

    Args:
        catalog: The lake's catalog.
        table: The stream's table name.
    """

    def __init__(self, catalog: Catalog, table: str) -> None:
        self._catalog = catalog
        self._table = table
        self._identifier = f"quarantine.{RESOLUTIONS}"

    def append(self, resolved: pl.DataFrame, *, run_id: str, at: datetime) -> int:
        """Resolve rejects, in one commit.

        Args:
            resolved: The identity of each, and `resolution`.
            run_id: The run that resolved them.
            at: When, aware.

        Returns:
            How many rejects were resolved.
        """
        if resolved.is_empty():
            return 0
        rows = resolved.with_columns(
            table_name=pl.lit(self._table),
            resolved_at=pl.lit(at, pl.Datetime("us", "UTC")),
            resolved_run=pl.lit(run_id),
        )
        data = rows.select(RESOLUTIONS_SCHEMA.names).to_arrow(compat_level=pl.CompatLevel.oldest())

        def attempt() -> int:
            table = find_table(self._catalog, self._identifier) or self._catalog.create_table_if_not_exists(
                self._identifier, schema=RESOLUTIONS_SCHEMA, properties=dict(TABLE_PROPERTIES)
            )
            append(table, data.cast(RESOLUTIONS_SCHEMA), {OPERATION: "resolve", "finks.run-id": run_id})
            return data.num_rows

        return committing(self._identifier, attempt)

    def read(self) -> pl.DataFrame:
        """The identity, `resolution`, `resolved_at` and `resolved_run` of each resolved reject."""
        columns = (*IDENTITY, "resolution", "resolved_at", "resolved_run")
        table = find_table(self._catalog, self._identifier)
        if table is None:
            return pl.DataFrame(RESOLUTIONS_SCHEMA.empty_table().select(columns))
        rows = table.scan(row_filter=equal("table_name", self._table), selected_fields=columns).to_arrow()
        return pl.DataFrame(rows.select(columns)).unique(IDENTITY, keep="first", maintain_order=True)
