"""The tables of `information_schema`, told from Glue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from sqlglot import exp

from finks_local.engine import metastore
from finks_local.engine.metastore import Metastore, Row
from finks_local.engine.query import Query
from finks_local.engine.views import read_view
from finks_local.sql.errors import QueryError
from finks_local.sql.types import BIGINT, VARCHAR, Column, parse_hive

DATABASE: Final = "$information_schema"
"""Under this name DuckDB has them: it has an `information_schema` of its own."""

_NAME: Final = "information_schema"
_CATALOG: Final = "awsdatacatalog"

_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "schemata": ("catalog_name", "schema_name"),
    "tables": ("table_catalog", "table_schema", "table_name", "table_type"),
    "views": ("table_catalog", "table_schema", "table_name", "view_definition"),
    "columns": (
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "ordinal_position",
        "column_default",
        "is_nullable",
        "data_type",
    ),
}


def renamed(query: Query) -> Query:
    """The query with these tables under the name that DuckDB has them by."""
    changed = query.copy()
    for table in changed.find_all(exp.Table):
        if table.db.lower() == _NAME:
            table.set("db", exp.to_identifier(DATABASE, quoted=True))
    return changed


def columns(table: str) -> tuple[Column, ...]:
    """The columns of one of the tables.

    Raises:
        QueryError: TABLE_NOT_FOUND.
    """
    if table not in _TABLES:
        raise QueryError("TABLE_NOT_FOUND", f"Table '{_CATALOG}.{_NAME}.{table}' does not exist")
    return tuple(Column(name, BIGINT if name == "ordinal_position" else VARCHAR) for name in _TABLES[table])


def rows(table: str, catalog: Metastore) -> pa.Table:
    """The rows of one of the tables."""
    made = {"schemata": _schemata, "tables": _tables, "views": _views, "columns": _columns}[table]
    schema = pa.schema([(column.name, column.type.arrow) for column in columns(table)])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in made(catalog)], schema)


def _schemata(catalog: Metastore) -> Iterator[tuple[Any, ...]]:
    for database in catalog.databases():
        yield _CATALOG, database["Name"]


def _every(catalog: Metastore) -> Iterator[Row]:
    for database in catalog.databases():
        yield from catalog.tables(database["Name"])


def _tables(catalog: Metastore) -> Iterator[tuple[Any, ...]]:
    for row in _every(catalog):
        kind = "VIEW" if metastore.is_view(row) else "BASE TABLE"
        yield _CATALOG, row["DatabaseName"], row["Name"], kind


def _views(catalog: Metastore) -> Iterator[tuple[Any, ...]]:
    for row in _every(catalog):
        if metastore.is_view(row):
            yield _CATALOG, row["DatabaseName"], row["Name"], read_view(row).sql


def _columns(catalog: Metastore) -> Iterator[tuple[Any, ...]]:
    for row in _every(catalog):
        place = (_CATALOG, row["DatabaseName"], row["Name"])
        if metastore.is_view(row):
            told = [(column.name, column.type.trino) for column in read_view(row).columns]
        else:
            visible = [*metastore.columns(row), *metastore.partition_keys(row)]
            told = [(column["Name"], parse_hive(column["Type"]).trino) for column in visible]
        for position, (name, kind) in enumerate(told, start=1):
            yield *place, name, position, None, "YES", kind
