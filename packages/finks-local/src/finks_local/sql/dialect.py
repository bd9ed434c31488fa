"""Trino's grammar for sqlglot: functions keep their names and their arguments' order."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokens import Tokenizer

_SPECIAL_SYNTAX: Final = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "NORMALIZE")


class TrinoSql(Trino):
    """Trino as written: no function is turned into another dialect's idea of it, no index is shifted."""

    INDEX_OFFSET = 0

    class Tokenizer(Trino.Tokenizer):
        """Trino's tokens; the words of sqlglot's dialects that Trino does not know are names."""

        KEYWORDS: ClassVar[dict[str, Any]] = {
            word: token
            for word, token in Trino.Tokenizer.KEYWORDS.items()
            if word not in {"STRUCT", "TEXT", "INT4", "INT8", "QUALIFY"}
        }

    class Parser(TrinoParser):
        """Parses only Trino's special forms specially."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser for name, parser in TrinoParser.FUNCTION_PARSERS.items() if name in _SPECIAL_SYNTAX
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CASE": TrinoParser.NO_PAREN_FUNCTION_PARSERS["CASE"],
        }


__all__ = ["Tokenizer", "TrinoSql"]
