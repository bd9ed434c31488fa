"""What a DuckDB connection needs before it runs translations: settings, macros, Python functions."""

from __future__ import annotations

from importlib import resources
from typing import Final

import duckdb

from finks_local.sql.udf import register

SETTINGS: Final = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = false",
    "SET scalar_subquery_error_on_multiple_rows = true",
    "SET default_null_order = 'NULLS_LAST'",
    "SET preserve_insertion_order = true",
)

MACROS: Final = resources.files("finks_local.sql").joinpath("macros.sql").read_text()


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a connection ready for translations."""
    for setting in SETTINGS:
        connection.execute(setting)
    register(connection)
    connection.execute(MACROS)
