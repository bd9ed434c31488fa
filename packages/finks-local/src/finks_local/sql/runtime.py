"""What a DuckDB connection needs to run translations: settings, and the macros and Python functions that they call."""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

import duckdb

from finks_local.sql.udf import FUNCTIONS, register
from finks_local.sql.udf.failure import Functions

SETTINGS: Final = """
SET TimeZone = 'UTC';
SET integer_division = false;
SET scalar_subquery_error_on_multiple_rows = true;
SET default_null_order = 'NULLS_LAST';
SET preserve_insertion_order = true;
"""

_MACRO: Final = re.compile(r"^CREATE OR REPLACE TEMP MACRO (\w+).*?^\);$", re.MULTILINE | re.DOTALL)
_CALL: Final = re.compile(r"(\w+)\(")

MACROS: Final = {
    found[1]: found[0]
    for found in _MACRO.finditer(resources.files("finks_local.sql").joinpath("macros.sql").read_text())
}
"""Name → the statement that makes the macro."""


class Runtime:
    """A connection on which the functions that a text calls are defined before it runs.

    To define all of them takes longer than most queries do.

    Args:
        connection: Only used through this.
        functions: Python functions besides those of translations.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, functions: Functions | None = None) -> None:
        self.connection = connection
        self._functions = {**FUNCTIONS, **(functions or {})}
        self._defined: set[str] = set()
        connection.execute(SETTINGS)

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run statements."""
        self._define_calls(sql)
        return self.connection.execute(sql)

    def sql(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The relation of a query, whose rows are made as they are taken."""
        self._define_calls(sql)
        return self.connection.sql(sql)

    def _define_calls(self, sql: str) -> None:
        for name in set(_CALL.findall(sql)) - self._defined:
            self._defined.add(name)
            if name in self._functions:
                register(self.connection, name, *self._functions[name])
            elif name in MACROS:
                self.execute(MACROS[name])
