"""Where in the text of a query a part of it stands."""

from __future__ import annotations

import re

from sqlglot import exp

from finks_local.sql.errors import QueryError


def place(node: exp.Expr) -> tuple[int, int] | None:
    """Line and column, from 1, of the first part of an expression that knows its own."""
    best: tuple[int, int, int] | None = None
    for part in node.walk():
        meta = part.meta
        if "start" in meta and (best is None or meta["start"] < best[0]):
            width = meta["end"] - meta["start"] + 1
            best = (meta["start"], meta["line"], max(1, meta["col"] - width + 1))
    return None if best is None else best[1:]


def at(node: exp.Expr, error: QueryError) -> QueryError:
    """The error with the place of `node`, when it has none."""
    if re.match(r"line \d+:\d+: ", error.message):
        return error
    found = place(node)
    if found is None:
        return error
    line, column = found
    return QueryError(
        error.code, f"line {line}:{column}: {error.message}", category=error.category, error_type=error.error_type
    )
