"""What the service itself reads of a statement before it runs: its kind; and where its result goes."""

from __future__ import annotations

import re
from typing import Final

from finks_local.engine.ddl.parse import parse_statement
from finks_local.engine.ddl.statements import Query
from finks_local.sql.parse import parse

_SPACE: Final = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"
_FIRST: Final = re.compile(rf"{_SPACE}*\(*{_SPACE}*(\w+)", re.DOTALL)
_DML: Final = frozenset(
    ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "UNLOAD", "EXPLAIN", "EXECUTE")
)
_UTILITY: Final = frozenset({"SHOW", "DESCRIBE", "DESC"})


def check(statement: str) -> None:
    """Raise if a statement cannot be read. What a query means is found out only when it runs.

    Raises:
        QueryError: `SYNTAX_ERROR`.
    """
    parsed = parse_statement(statement)
    if isinstance(parsed, Query):
        parse(parsed.text)


def kind(statement: str) -> str:
    """`DML`, `DDL` or `UTILITY`, by the first word; the engine knows better once it has run."""
    found = _FIRST.match(statement)
    word = found[1].upper() if found else ""
    return "DML" if word in _DML else "UTILITY" if word in _UTILITY else "DDL"


def result_name(query_id: str, statement_type: str, substatement_type: str | None) -> str:
    """The key of a query's result below its output location.

    The names are those of the Athena User Guide, "Find query output files in Amazon S3", and, for statements that
    write data, those that the project athena-local saw on Athena (its document result-files).
    """
    if substatement_type == "CREATE_TABLE_AS_SELECT":
        return f"tables/{query_id}"
    if substatement_type in ("INSERT", "UNLOAD"):
        return query_id
    if statement_type != "DML" or substatement_type == "EXPLAIN":
        return f"{query_id}.txt"
    return f"{query_id}.csv"
