"""What a connection is given to run a translation."""

from __future__ import annotations

import duckdb
from finks_local.sql import Runtime
from finks_local.sql.runtime import MACROS


def own_functions(runtime: Runtime) -> set[str]:
    rows = runtime.connection.execute("select function_name from duckdb_functions() where not internal").fetchall()
    return {row[0] for row in rows}


def test_only_what_a_text_calls_is_defined():
    with duckdb.connect() as connection:
        runtime = Runtime(connection)
        runtime.execute("select 1")
        assert own_functions(runtime) == set()
        runtime.execute("select trino_local(now(), 'UTC')")
        assert own_functions(runtime) == {"trino_local", "trino_icu_zone"}


def test_a_macro_brings_what_it_calls():
    for name in MACROS:
        with duckdb.connect() as connection:
            # DuckDB looks up what a macro calls when it makes it.
            Runtime(connection).execute(f"select 1 -- {name}()")
