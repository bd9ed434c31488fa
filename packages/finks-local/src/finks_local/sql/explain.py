"""DuckDB's errors in Trino's words."""

from __future__ import annotations

import re
from typing import Final

import duckdb

from finks_local.sql.errors import QueryError
from finks_local.sql.value import FAILURE_MARK

_OWN: Final = re.compile(rf"{FAILURE_MARK}([A-Z_]+){FAILURE_MARK}(.*?)(?:' to INT32|\Z)", re.DOTALL)
_RULES: Final[tuple[tuple[str, str, str], ...]] = (
    (r"Division by zero", "DIVISION_BY_ZERO", "Division by zero"),
    (
        r"More than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    (r"Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT", "map key cannot be null"),
    (r"Overflow in \w+ of DECIMAL\S* \((.*)\)", "NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow: {0}"),
    (r"Overflow (?:in|on) (.*)", "NUMERIC_VALUE_OUT_OF_RANGE", "overflow: {0}"),
    (
        r"Type (?:FLOAT|DOUBLE) with value (\S+) can't be cast .* destination type (\w+)",
        "INVALID_CAST_ARGUMENT",
        "Cannot cast {0} to {1}",
    ),
    (
        r"Type INT\d+ with value (\S+) can't be cast .* destination type (\w+)",
        "NUMERIC_VALUE_OUT_OF_RANGE",
        "Out of range for {1}: {0}",
    ),
    (r'Could not convert string ["\'](.*)["\'] to (\S+)', "INVALID_CAST_ARGUMENT", "Cannot cast '{0}' to {1}"),
    (r'Casting value "(.*)" to type (\S+) failed', "INVALID_CAST_ARGUMENT", "Cannot cast DECIMAL '{0}' to {1}"),
    (
        r'(?:date|time|timestamp) field value out of range: "(.*)"',
        "INVALID_CAST_ARGUMENT",
        "Value cannot be cast to date: {0}",
    ),
    (r'invalid (\w+) field format: "(.*)"', "INVALID_CAST_ARGUMENT", "Value cannot be cast to {0}: {1}"),
    (r"(?:Date|Timestamp|time) out of range", "NUMERIC_VALUE_OUT_OF_RANGE", "Value out of range"),
    (
        r"missing [)\]]|unexpected \)|no argument for rep|(?:bad|invalid) (?:perl|repet|escape|char|named|group)",
        "INVALID_FUNCTION_ARGUMENT",
        "Invalid regular expression",
    ),
)
_NAMES: Final = {"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INTEGER", "INT64": "BIGINT"}


def explain(error: duckdb.Error) -> QueryError:
    """What Athena would say of an error at run time.

    What no rule knows keeps DuckDB's words: NOT_SUPPORTED when DuckDB could not plan the query,
    GENERIC_INTERNAL_ERROR otherwise.
    """
    text = str(error)
    own = _OWN.search(text)
    if own is not None:
        return QueryError(own[1], own[2].strip())
    for pattern, code, message in _RULES:
        match = re.search(pattern, text)
        if match is not None:
            parts = [_NAMES.get(part, part) for part in match.groups()]
            return QueryError(code, message.format(*parts))
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(text))
    if isinstance(error, duckdb.ConversionException):
        return QueryError("INVALID_CAST_ARGUMENT", _first_line(text))
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError("EXCEEDED_LOCAL_MEMORY_LIMIT", _first_line(text))
    planning = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.NotImplementedException)
    if isinstance(error, planning):
        return QueryError("NOT_SUPPORTED", f"The local Athena cannot run this query: {_first_line(text)}")
    return QueryError("GENERIC_INTERNAL_ERROR", _first_line(text), category=1)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "unknown error"
