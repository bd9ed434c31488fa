"""Question marks of a statement and the values for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from finks_local.engine.ddl.reader import tokens
from finks_local.sql.errors import QueryError
from finks_local.sql.parse import parse


def bind(text: str, values: Sequence[str]) -> str:
    """The statement with each question mark replaced by its value, an expression of Trino that names no column.

    Raises:
        QueryError: INVALID_PARAMETER_USAGE: there are more or fewer values than question marks, or a value is none.
    """
    places = [token for token in tokens(text) if token.kind == "symbol" and token.text == "?"]
    if len(places) != len(values):
        counts = f"expected {len(places)} but found {len(values)}"
        raise QueryError("INVALID_PARAMETER_USAGE", f"Incorrect number of parameters: {counts}")
    parts: list[str] = []
    start = 0
    for place, value in zip(places, values, strict=True):
        parts += [text[start : place.start], _expression(value)]
        start = place.end
    return "".join([*parts, text[start:]])


def _expression(value: str) -> str:
    """The value as it may stand in an expression."""
    tree = parse(f"SELECT {value}")
    alone = isinstance(tree, exp.Select) and len(tree.expressions) == 1 and not tree.args.get("from_")
    if not alone or isinstance(tree.expressions[0], exp.Alias) or tree.find(exp.Column, exp.Placeholder):
        raise QueryError("INVALID_PARAMETER_USAGE", f"A parameter is not a constant expression: {value}")
    plain = isinstance(tree.expressions[0], exp.Literal | exp.Boolean | exp.Null | exp.Cast)
    return value.strip() if plain else f"({value})"
