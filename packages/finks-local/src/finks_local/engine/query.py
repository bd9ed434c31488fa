"""A query's text as a tree."""

from __future__ import annotations

from sqlglot import exp

from finks_local.sql.errors import QueryError
from finks_local.sql.parse import parse

Query = exp.Query | exp.Values


def parsed(text: str) -> Query:
    """The query of a text: SELECT, WITH, VALUES, TABLE, in parentheses or not.

    Raises:
        QueryError: SYNTAX_ERROR.
    """
    tree = parse(text)
    if isinstance(tree, exp.Subquery) and not tree.args.get("alias"):
        tree = tree.unnest()
    if not isinstance(tree, exp.Query | exp.Values):
        raise QueryError("SYNTAX_ERROR", "line 1:1: Expecting: <query>")
    return tree
