"""Views as Athena keeps them in Glue: Presto's, a JSON text in base64 inside a comment."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from finks_local.engine import metastore
from finks_local.engine.metastore import Row
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, parse_trino

_PREFIX: Final = "/* Presto View: "
_SUFFIX: Final = " */"


@dataclass(frozen=True, slots=True)
class View:
    """A view's query, the database in which its names stand, and its columns."""

    sql: str
    database: str
    columns: tuple[Column, ...]


def read_view(row: Row) -> View:
    """The view of a Glue row.

    Raises:
        QueryError: HIVE_INVALID_VIEW_DATA: it is not one of Presto's.
    """
    text = str(row.get("ViewOriginalText") or "").strip()
    try:
        body: dict[str, Any] = json.loads(base64.b64decode(text.removeprefix(_PREFIX).removesuffix(_SUFFIX)))
        columns = [Column(c["name"].lower(), parse_trino(c["type"])) for c in body["columns"]]
        return View(body["originalSql"], str(body.get("schema") or row["DatabaseName"]).lower(), tuple(columns))
    except (ValueError, KeyError) as error:
        message = f"Invalid view JSON: {row['DatabaseName']}.{row['Name']}"
        raise QueryError("HIVE_INVALID_VIEW_DATA", message) from error


def view_row(name: str, view: View) -> Row:
    """The Glue row of a view."""
    body = {
        "originalSql": view.sql,
        "catalog": "awsdatacatalog",
        "schema": view.database,
        "columns": [{"name": column.name, "type": column.type.trino} for column in view.columns],
    }
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    return {
        "Name": name,
        "TableType": metastore.VIEW,
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"{_PREFIX}{encoded}{_SUFFIX}",
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": view_columns(view.columns),
            "Location": "",
            "SerdeInfo": {},
        },
    }


def view_columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    """The columns for Glue; a type that Hive does not have is told as text, as Athena does."""
    return [{"Name": column.name, "Type": _hive(column)} for column in columns]


def _hive(column: Column) -> str:
    try:
        return column.type.hive
    except QueryError:
        return "string"
