"""What both engines know of a lake's tables from its catalog."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from finks.lake.catalog import find_table
from finks.lake.releases import Release
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from finks_api.backends.protocol import SilverFacts


def silver_facts(catalog: Catalog, release: Release) -> Sequence[SilverFacts]:
    """What the Silver tables that a release was built of say of themselves, by name."""
    found = ((name, find_table(catalog, f"silver.{name}")) for name in sorted(release.silver_snapshots))
    return [_facts(name, table) for name, table in found if table is not None]


def _facts(name: str, table: Table) -> SilverFacts:
    told = table.properties
    columns = [
        pa.field(each.name, _plain(each.type), each.nullable, each.metadata)
        for each in schema_to_pyarrow(table.schema(), include_field_ids=False)
        if not each.name.startswith("_")
    ]
    return SilverFacts(
        name,
        told.get("finks.contract", ""),
        told.get("finks.contract-version", ""),
        told.get("finks.source", ""),
        told.get("finks.licence") or None,
        tuple(told.get("finks.key", "").split(",")),
        told.get("finks.event-time") or None,
        pa.schema(columns),
    )


def to_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the names and types of a schema.

    Raises:
        ArrowInvalid: A value would lose something.
    """
    return rows.rename_columns(schema.names).cast(schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind
