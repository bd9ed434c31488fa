"""A release's marts built again in memory, in DuckDB, from its Silver snapshots or from a part of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from sqlglot import exp, parse_one

from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.lake.dataset import import_duckdb
from finks.lake.duck import create_view
from finks.lineage.model import Model
from finks.lineage.sql import Relation

if TYPE_CHECKING:
    import duckdb

SCRATCH: Final = "memory"
"""DuckDB's own name for the database that a connection begins with."""


class Rebuild:
    """A DuckDB connection with the relations of a build.

    Args:
        relations: All relations that the queries name.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self.connection: duckdb.DuckDBPyConnection = import_duckdb().connect()
        self.connection.execute("set timezone = 'UTC'")
        schemas = {relation[:2] for relation in relations}
        for database in sorted({database for database, _ in schemas} - {SCRATCH}):
            self.connection.execute(f"attach ':memory:' as {_quoted(database)}")
        for database, schema in sorted(schemas):
            self.connection.execute(f"create schema if not exists {_quoted(database)}.{_quoted(schema)}")

    def show(self, lake: Lake, tables: Mapping[Relation, tuple[str, int]]) -> None:
        """Show tables of the lake as they were at a snapshot, by label and snapshot."""
        lake.place.attach(self.connection)
        for relation, (label, snapshot) in tables.items():
            table = find_table(lake.catalog, label)
            assert table is not None
            create_view(self.connection, named(relation), table, lake.place, snapshot)

    def load(self, tables: Mapping[Relation, pa.Table]) -> None:
        """Have tables with these rows."""
        for relation, rows in tables.items():
            self.connection.register("finks_rows", rows)
            self.connection.execute(f"create table {named(relation)} as select * from finks_rows")  # noqa: S608
            self.connection.unregister("finks_rows")

    def build(self, models: Iterable[Model]) -> None:
        """Build models, in this order."""
        for model in models:
            self.connection.execute(f"create table {named(model.relation)} as {duckdb_sql(model)}")

    def table(self, relation: Relation, rest: str = "") -> pa.Table:
        """The rows of a relation; `rest` follows its name in the query."""
        return self.connection.sql(f"select * from {named(relation)} {rest}").to_arrow_table()  # noqa: S608

    def values(self, query: str) -> list[Any]:
        """The values of a query's only column."""
        return [value for (value,) in self.connection.execute(query).fetchall()]


def duckdb_sql(model: Model) -> str:
    """A model's query in DuckDB's SQL."""
    if model.dialect == "duckdb":
        return model.sql
    return parse_one(model.sql, dialect=model.dialect).transform(_product).sql("duckdb")


def named(relation: Sequence[str]) -> str:
    """A relation, quoted."""
    return ".".join(_quoted(part) for part in relation)


def _product(node: exp.Expr) -> exp.Expr:
    """DuckDB has a product; the project's macro writes it for Athena as a reduce_agg that starts with one."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "reduce_agg":
        return exp.Anonymous(this="product", expressions=node.expressions[:1])
    return node


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
