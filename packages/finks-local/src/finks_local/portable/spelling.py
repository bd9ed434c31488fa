"""Rules on the words of a statement: what a parser accepts for many dialects, and Athena does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from finks_local.portable.findings import Finding

_TYPES: Final = """
array bigint binary boolean char date decimal double int integer interval ipaddress json map real row smallint
time timestamp tinyint uuid varbinary varchar
"""

TYPES: Final = frozenset(_TYPES.split())
"""What a cast on Athena can name (Athena user guide, "Data types in Amazon Athena"), and DuckDB reads alike."""

PHRASES: Final = {
    ("group", "by", "all"): "name the columns",
    ("order", "by", "all"): "name the columns",
    ("ignore", "nulls"): "the engines want it at different places: filter, or use max_by",
    ("distinct", "on"): "filter on a row_number in a subquery",
    ("union", "by", "name"): "name the columns",
    ("asof", "join"): "join on the running maximum of the dates",
    ("asof", "left"): "join on the running maximum of the dates",
    ("positional", "join"): "join on a row_number",
    ("semi", "join"): "use `exists` or `in`",
    ("anti", "join"): "use `not exists`",
}

OPERATORS: Final = {
    "::": ("::", "write cast(… as …)"),
    "{": ("{…}", "a struct literal is DuckDB's; Athena's is a cast of row(…)"),
    "ilike": ("ilike", "compare lower(…) by like"),
    "glob": ("glob", "use like"),
    "similar": ("similar to", "use regexp_like"),
}

QUOTED: Final = frozenset({TokenType.STRING, TokenType.IDENTIFIER})

Word = tuple[str, Token]


def misspelt(text: str) -> Iterator[Finding]:
    """What the words alone give away."""
    tokens = Dialect.get_or_raise("athena").tokenize(text)
    words = [(word, token) for token in tokens for word in _words(token)]
    yield from _phrases(words)
    yield from _operators(words)
    yield from _casts(words)


def _words(token: Token) -> Sequence[str]:
    """`group by` is one token and two words; what is quoted is none that a rule looks for."""
    return [token.token_type.name] if token.token_type in QUOTED else token.text.lower().split()


def _phrases(words: Sequence[Word]) -> Iterator[Finding]:
    texts = [word for word, _ in words]
    for place, (text, token) in enumerate(words):
        for phrase, advice in PHRASES.items():
            if tuple(texts[place : place + len(phrase)]) == phrase:
                yield Finding(token.line, " ".join(phrase), advice)
        if text == "qualify":
            yield Finding(token.line, "qualify", "filter on the window in a subquery")


def _operators(words: Sequence[Word]) -> Iterator[Finding]:
    for (before, first), (text, token) in pairwise([("", words[0][1]), *words]):
        if text in OPERATORS:
            yield Finding(token.line, *OPERATORS[text])
        elif text == before == "/":
            yield Finding(token.line, "//", "divide doubles and round")
        elif text == "[" and not _can_be_subscripted(before, first):
            yield Finding(token.line, "[…]", "a list literal is array[…] on Athena")


def _can_be_subscripted(before: str, token: Token) -> bool:
    names = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.ARRAY}
    return before == "array" or token.token_type in names


def _casts(words: Sequence[Word]) -> Iterator[Finding]:
    for place, (text, _) in enumerate(words):
        if text in {"cast", "try_cast"} and words[place + 1 : place + 2] and words[place + 1][0] == "(":
            kind = _type_of_cast(words[place + 2 :])
            if kind is not None and kind[0] not in TYPES:
                yield Finding(kind[1].line, f"as {kind[0]}", f"Athena's types are {', '.join(sorted(TYPES))}")


def _type_of_cast(words: Sequence[Word]) -> Word | None:
    """The word after the `as` of the cast itself, not of one inside it."""
    depth = 0
    for (text, _), after in pairwise(words):
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth < 0:
            return None
        if depth == 0 and text == "as":
            return after
    return None
