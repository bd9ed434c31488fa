"""Athena's SQL as a value: types, analysis, translation of Trino SQL to DuckDB's, and the text of results. Pure."""

from __future__ import annotations

from finks_local.sql.errors import QueryError
from finks_local.sql.explain import explain
from finks_local.sql.parse import parse
from finks_local.sql.runtime import Runtime
from finks_local.sql.text import column_info, rows_as_text
from finks_local.sql.translate import Resolver, Session, TableRef, Translation, translate
from finks_local.sql.types import Column, TrinoType, from_arrow, parse_hive, parse_trino

__all__ = [
    "Column",
    "QueryError",
    "Resolver",
    "Runtime",
    "Session",
    "TableRef",
    "Translation",
    "TrinoType",
    "column_info",
    "explain",
    "from_arrow",
    "parse",
    "parse_hive",
    "parse_trino",
    "rows_as_text",
    "translate",
]
