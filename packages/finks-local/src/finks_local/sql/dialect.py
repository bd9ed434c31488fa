"""Trino's grammar for sqlglot: functions keep their names and their arguments' order."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser

_SPECIAL_SYNTAX: Final = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "NORMALIZE")
_FOREIGN_WORDS: Final = frozenset({"STRUCT", "TEXT", "INT4", "INT8", "QUALIFY"})
LITERAL: Final = "literal"
"""The mark of `DATE '2020-01-31'` and the like, which sqlglot's tree tells from a cast in no other way."""


def _typed_literal(parser: TrinoParser, text: exp.Expr, kind: exp.DataType) -> exp.Expr:
    cast = parser.expression(exp.Cast(this=text, to=kind))
    cast.meta[LITERAL] = True
    return cast


class TrinoSql(Trino):
    """Trino as written: no function is turned into another dialect's idea of it, no index is shifted."""

    INDEX_OFFSET = 0

    class Tokenizer(Trino.Tokenizer):
        """Trino's tokens; the words of sqlglot's dialects that Trino does not know are names."""

        KEYWORDS: ClassVar[dict[str, Any]] = {
            word: token for word, token in Trino.Tokenizer.KEYWORDS.items() if word not in _FOREIGN_WORDS
        }

    class Parser(TrinoParser):
        """Parses only Trino's special forms specially."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser for name, parser in TrinoParser.FUNCTION_PARSERS.items() if name in _SPECIAL_SYNTAX
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CASE": TrinoParser.NO_PAREN_FUNCTION_PARSERS["CASE"],
            "ANY": TrinoParser.NO_PAREN_FUNCTION_PARSERS["ANY"],
        }
        TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
            **dict.fromkeys(exp.DType, _typed_literal),
            **TrinoParser.TYPE_LITERAL_PARSERS,
        }


__all__ = ["LITERAL", "TrinoSql"]
