"""DuckDB over the lake without an extension: a view per table over the Parquet files of its snapshot.

A view names the files that were live when it was made, so a connection sees one consistent state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import IcebergType

from finks.errors import ConfigurationError
from finks.lake.catalog import find_table, table_names
from finks.lake.dataset import import_duckdb
from finks.lake.gold import GoldZone
from finks.lake.place import Place

if TYPE_CHECKING:
    import duckdb

ZONES: Final = ("bronze", "silver", "quarantine", "gold")

_TYPES: Final = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "binary": "BLOB",
    "uuid": "UUID",
}


def connect(catalog: Catalog, place: Place, zones: Iterable[str] = ZONES) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with a read-only view of every table, `<zone>.<table>`; UTC is its time zone.

    Gold shows the served release.

    Raises:
        MissingExtraError: DuckDB is not installed.
    """
    connection = import_duckdb().connect()
    connection.execute("set timezone = 'UTC'")
    place.attach(connection)
    for zone in zones:
        register(connection, catalog, zone, place)
    return connection


def confine(connection: duckdb.DuckDBPyConnection, place: Place) -> None:
    """Let the connection open the lake's data files only. There is no way back."""
    connection.execute(f"set allowed_directories = [{_text(f'{place.file(place.data)}/')}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def select(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> pa.Table:
    """The rows of one SELECT statement; its `?` are the parameters, in their order.

    Raises:
        ConfigurationError: The text is not one SELECT statement, or it failed; lists the tables when one is unknown.
    """
    duckdb = import_duckdb()
    try:
        statements = connection.extract_statements(query)
        kinds = [statement.type.name for statement in statements]
        if kinds == ["SELECT"]:
            return connection.sql(statements[0], params=list(parameters) or None).to_arrow_table()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _failed(error, f"The tables are: {', '.join(_known(connection)) or 'none yet'}.") from None
    except duckdb.Error as error:
        raise _failed(error, "Correct the query. It is DuckDB's SQL.") from None
    except RuntimeError as error:
        # DuckDB takes Ctrl-C for itself while a query runs.
        if "interrupted" in str(error):
            raise KeyboardInterrupt from None
        raise
    raise ConfigurationError(
        "The query is not one SELECT statement.",
        expected="one SELECT statement: the lake is read only here",
        got=", ".join(kinds) or "nothing",
        hint="For example: select * from gold.daily_portfolio_summary limit 5",
    )


def _failed(error: Exception, hint: str) -> ConfigurationError:
    return ConfigurationError("The query failed.", got=str(error).strip(), hint=hint)


def _known(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select table_schema, table_name from information_schema.tables order by all").fetchall()
    return [f"{schema}.{name}" for schema, name in rows]


def register(connection: duckdb.DuckDBPyConnection, catalog: Catalog, zone: str, place: Place) -> None:
    """Make the schema of one zone and a view for each of its tables. The place is attached already."""
    connection.execute(f"create schema if not exists {_name(zone)}")
    for name, table, snapshot_id in _tables(catalog, zone):
        create_view(connection, f"{_name(zone)}.{_name(name)}", table, place, snapshot_id)


def _tables(catalog: Catalog, zone: str) -> Iterable[tuple[str, Table, int | None]]:
    if zone != "gold":
        for name in table_names(catalog, zone):
            table = find_table(catalog, f"{zone}.{name}")
            if table is not None:
                yield name, table, None
        return
    served = GoldZone(catalog).current()
    for name, mart in served.marts.items() if served is not None else ():
        table = find_table(catalog, f"gold.{name}")
        if table is not None:
            yield name, table, mart.snapshot_id


def create_view(
    connection: duckdb.DuckDBPyConnection, name: str, table: Table, place: Place, snapshot_id: int | None = None
) -> None:
    """Make the view `name` over one snapshot of a table.

    Args:
        name: Quoted already.
        snapshot_id: The current one when None.
    """
    scan = table.scan(snapshot_id=snapshot_id)
    schema = scan.projection()
    tasks = list(scan.plan_files())
    if not tasks:
        connection.execute(f"create or replace view {name} as select {_empty_row(schema)} where false")
    elif any(task.delete_files for task in tasks):
        # Another engine deleted rows by position; only a full read applies that.
        connection.register("finks_rows", scan.to_arrow())
        connection.execute(f"create or replace table {name} as select * from finks_rows")  # noqa: S608
        connection.unregister("finks_rows")
    else:
        files = ", ".join(_text(place.file(task.file.file_path)) for task in tasks)
        columns = ", ".join(
            f"{field.field_id}: {{name: {_text(field.name)}, type: {_text(_type(field.field_type))},"
            " default_value: NULL}"
            for field in schema.fields
        )
        connection.execute(
            f"create or replace view {name} as select * from read_parquet([{files}], schema = map {{{columns}}})"  # noqa: S608
        )


def _empty_row(schema: Schema) -> str:
    return ", ".join(f"cast(null as {_type(field.field_type)}) as {_name(field.name)}" for field in schema.fields)


def _type(kind: IcebergType) -> str:
    text = str(kind)
    return _TYPES.get(text, text.upper())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
