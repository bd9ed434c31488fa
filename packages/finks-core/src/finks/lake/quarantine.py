"""Quarantine: the rejected records of a stream, with their source text and the rule that they broke."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from finks.contract.result import REJECT_SCHEMA
from finks.lake.catalog import TABLE_PROPERTIES, find_table
from finks.lake.files import OPERATION
from finks.lake.filters import all_of, equal, one_of
from finks.lake.resolutions import IDENTITY, RESOLUTIONS_SCHEMA, Resolutions
from finks.lake.writing import append, committing

QUARANTINE_SCHEMA: Final = REJECT_SCHEMA.append(pa.field("run_id", pa.string(), nullable=False))
"""One row per rejected record. `ordinal` is the record's index in its response, -1 for a whole body."""

MALFORMED: Final = "malformed_body"
_PROPERTIES: Final[Mapping[str, str]] = {**TABLE_PROPERTIES, "commit.retry.num-retries": "0"}
MAX_REFS: Final = 1000
"""With rejects of more responses than this, all of the table is looked at."""


class QuarantineTable:
    """The quarantine table of one stream.

    Args:
        catalog: The lake's catalog.
        table: The stream's table name.
    """

    def __init__(self, catalog: Catalog, table: str) -> None:
        self._catalog = catalog
        self._table = table
        self.identifier = f"quarantine.{table}"

    def append(self, rejects: pa.Table, *, run_id: str, properties: Mapping[str, str] | None = None) -> int:
        """Add rejects, those left out that are there already (same response, record and contract version).

        Args:
            rejects: The kernel's rejects.
            run_id: The run that found them.
            properties: More properties of the snapshot.

        Returns:
            How many rows were added.
        """
        if rejects.num_rows == 0:
            return 0
        return committing(self.identifier, lambda: self._attempt(rejects, run_id, properties or {}))

    def read(
        self, *, rule: str | None = None, run_id: str | None = None, limit: int | None = None, resolved: bool = False
    ) -> pa.Table:
        """Open rejects, newest first.

        Args:
            rule: Only those that broke this rule.
            run_id: Only those that this run found.
            limit: At most so many.
            resolved: The resolved ones too, with the columns `resolution`, `resolved_at` and `resolved_run`.
        """
        terms: list[BooleanExpression] = []
        if rule is not None:
            terms.append(equal("rule", rule))
        if run_id is not None:
            terms.append(equal("run_id", run_id))
        rows = self._scan(all_of(*terms), tuple(QUARANTINE_SCHEMA.names))
        rows = self._with_resolutions(rows) if resolved else self._open(rows)
        order = [("known_at", "descending"), ("bronze_ref", "ascending"), ("ordinal", "ascending")]
        return rows.sort_by(order).slice(0, limit)

    def counts(self) -> dict[str, int]:
        """How many open rejects there are of each rule, the most first."""
        rules = pl.DataFrame(self._open(self._scan(all_of(), (*IDENTITY, "rule"))))
        return dict(rules.group_by("rule").len().sort("len", "rule", descending=[True, False]).iter_rows())

    def malformed(self) -> frozenset[str]:
        """The `response_id`s whose whole body cannot be read."""
        rows = self._open(self._scan(equal("rule", MALFORMED), IDENTITY))
        return frozenset(rows["bronze_ref"].to_pylist())

    def open(self) -> pl.DataFrame:
        """The identity, `rule` and `known_at` of every open reject."""
        return pl.DataFrame(self._open(self._scan(all_of(), (*IDENTITY, "rule", "known_at"))))

    def resolve(self, resolved: pl.DataFrame, *, run_id: str, at: datetime) -> int:
        """Mark rejects as resolved; see `Resolutions.append`."""
        return Resolutions(self._catalog, self._table).append(resolved, run_id=run_id, at=at)

    def load(self) -> Table:
        """The table, made where it does not exist."""
        return find_table(self._catalog, self.identifier) or self._catalog.create_table_if_not_exists(
            self.identifier, schema=QUARANTINE_SCHEMA, properties=dict(_PROPERTIES)
        )

    def _attempt(self, rejects: pa.Table, run_id: str, properties: Mapping[str, str]) -> int:
        table = self.load()
        found = pl.DataFrame(rejects).with_columns(run_id=pl.lit(run_id)).unique(IDENTITY, maintain_order=True)
        refs = set(found["bronze_ref"].unique())
        touched = one_of("bronze_ref", refs) if len(refs) <= MAX_REFS else all_of()
        present = pl.DataFrame(table.scan(row_filter=touched, selected_fields=IDENTITY).to_arrow())
        fresh = found.join(present, on=IDENTITY, how="anti")
        if fresh.height:
            rows = fresh.select(QUARANTINE_SCHEMA.names).to_arrow(compat_level=pl.CompatLevel.oldest())
            append(table, rows.cast(QUARANTINE_SCHEMA), {OPERATION: "quarantine", **properties})
        return fresh.height

    def _open(self, rows: pa.Table) -> pa.Table:
        """Those of the rows that are not resolved."""
        if rows.num_rows == 0:
            return rows
        resolved = Resolutions(self._catalog, self._table).read()
        if resolved.is_empty():
            return rows
        identities = pl.DataFrame(rows.select(IDENTITY)).with_row_index("row")
        return rows.take(identities.join(resolved, on=IDENTITY, how="anti", maintain_order="left")["row"].to_arrow())

    def _with_resolutions(self, rows: pa.Table) -> pa.Table:
        joined = pl.DataFrame(rows).join(
            Resolutions(self._catalog, self._table).read(), on=IDENTITY, how="left", maintain_order="left"
        )
        for name in ("resolution", "resolved_at", "resolved_run"):
            column = joined[name].to_arrow(compat_level=pl.CompatLevel.oldest())
            rows = rows.append_column(name, column.cast(RESOLUTIONS_SCHEMA.field(name).type))
        return rows

    def _scan(self, row_filter: BooleanExpression, columns: tuple[str, ...]) -> pa.Table:
        schema = pa.schema([QUARANTINE_SCHEMA.field(name) for name in columns])
        table = find_table(self._catalog, self.identifier)
        if table is None:
            return schema.empty_table()
        return table.scan(row_filter=row_filter, selected_fields=columns).to_arrow().select(columns).cast(schema)
