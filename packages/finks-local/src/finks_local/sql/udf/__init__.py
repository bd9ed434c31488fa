"""Functions that DuckDB has not, or has with other values, in Python: registered with a connection.

Every one is null for a null argument.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa
from duckdb import func, sqltypes

from finks_local.sql.errors import QueryError
from finks_local.sql.udf import binary, json, numbers, regexps, texts, times
from finks_local.sql.udf.failure import ZONED, FailureError, Functions

FUNCTIONS: Final[Functions] = {
    **numbers.FUNCTIONS,
    **texts.FUNCTIONS,
    **regexps.FUNCTIONS,
    **binary.FUNCTIONS,
    **times.FUNCTIONS,
    **json.FUNCTIONS,
}
_RESULTS: Final[dict[str, pa.DataType]] = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
    "VARCHAR[][]": pa.list_(pa.list_(pa.string())),
    "BIGINT[][]": pa.list_(pa.list_(pa.int64())),
    "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
    "MAP(VARCHAR, VARCHAR[])": pa.map_(pa.string(), pa.list_(pa.string())),
    ZONED: pa.struct([("t", pa.timestamp("us", tz="UTC")), ("z", pa.string())]),
}


def _by_column(function: Callable[..., Any], width: int, result: pa.DataType) -> Callable[..., Any]:
    """The function over that many Arrow columns; DuckDB reads the number off the signature."""

    def run(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist(maps_as_pydicts="strict") for column in columns), strict=True)
        try:
            values = [None if any(value is None for value in row) else function(*row) for row in rows]
        except QueryError as error:
            raise FailureError(error.code, error.message) from None
        if pa.types.is_map(result):
            values = [None if value is None else list(value.items()) for value in values]
        return pa.array(values, result)

    names = (inspect.Parameter(f"c{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(width))
    run.__signature__ = inspect.Signature(list(names))  # pyright: ignore[reportFunctionMemberAccess]
    return run


def register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: Sequence[str],
    result: str,
) -> None:
    """Add a function to a connection."""
    connection.create_function(
        name,
        _by_column(function, len(parameters), _RESULTS[result]),
        [sqltypes.DuckDBPyType(parameter) for parameter in parameters],
        sqltypes.DuckDBPyType(result),
        type=func.PythonUDFType.ARROW,
        null_handling=func.FunctionNullHandling.SPECIAL,
        side_effects=False,
    )
