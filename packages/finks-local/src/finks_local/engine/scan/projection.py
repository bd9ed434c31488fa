"""Partition projection: the partitions that a table's properties describe instead of Glue's rows."""

from __future__ import annotations

from collections.abc import Iterator

from finks_local.engine import metastore
from finks_local.engine.metastore import Row
from finks_local.sql.errors import QueryError


def is_projected(table: Row) -> bool:
    """Whether the table says `projection.enabled`."""
    return metastore.parameters(table).get("projection.enabled", "false").lower() == "true"


def projected_partitions(table: Row) -> Iterator[Row]:
    """The partitions that the properties describe.

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    raise QueryError("NOT_SUPPORTED", f"Partition projection of table {table['Name']}")
