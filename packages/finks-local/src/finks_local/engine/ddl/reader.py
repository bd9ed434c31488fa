"""Tokens of a statement and the small steps by which the parsers take them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from finks_local.sql.errors import QueryError

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_@$][\w$@]*|\d+\w+)
    |(?P<symbol><>|!=|>=|<=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|[0-7]{3}|.)|''", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}
_OCTAL_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a quoted name, a string, a number or a symbol, and where it stands in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The word in capitals; empty for a quoted name or a string, which are never keywords."""
        return self.text.upper() if self.kind in {"word", "symbol", "number"} else ""


@dataclass(frozen=True, slots=True)
class Name:
    """A table as written: its database, or None, and its name; both in lower case."""

    database: str | None
    table: str


def tokens(text: str) -> list[Token]:
    """The tokens of a statement without spaces, comments and a closing semicolon."""
    found = [
        Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    while found and found[-1].text == ";":
        found.pop()
    return found


def hive_string(literal: str) -> str:
    """The value of a Hive string literal: backslash escapes, doubled quotes, octal and unicode codes."""

    def value(match: re.Match[str]) -> str:
        code = match[1]
        if code is None:
            return "'"
        if code.startswith("u") and len(code) > 1:
            return chr(int(code[1:], 16))
        if len(code) == _OCTAL_DIGITS:
            return chr(int(code, 8))
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(value, literal[1:-1])


class Reader:
    """Takes the tokens of one statement from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens(text)
        self._at = 0

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one after it; an empty symbol at the end."""
        index = self._at + ahead
        end = len(self.text)
        return self._tokens[index] if index < len(self._tokens) else Token("symbol", "", end, end)

    @property
    def done(self) -> bool:
        """Nothing is left."""
        return self._at >= len(self._tokens)

    def looking_at(self, *words: str) -> bool:
        """The next tokens are these keywords or symbols."""
        return all(self.peek(i).upper == word for i, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Take the keywords if they come next."""
        found = self.looking_at(*words)
        if found:
            self._at += len(words)
        return found

    def expect(self, *words: str) -> None:
        """Take the keywords.

        Raises:
            QueryError: SYNTAX_ERROR: something else comes.
        """
        for word in words:
            if not self.accept(word):
                raise self.error(f"Expecting: '{word}'")

    def take(self) -> Token:
        """The next token, whatever it is."""
        token = self.peek()
        if self.done:
            raise self.error()
        self._at += 1
        return token

    def identifier(self) -> str:
        """A name, quoted or not, in lower case as Glue keeps names."""
        token = self.take()
        if token.kind == "quoted":
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote).lower()
        if token.kind != "word":
            self._at -= 1
            raise self.error("Expecting: <identifier>")
        return token.text.lower()

    def table(self) -> Name:
        """`table`, `database.table` or `catalog.database.table`.

        Raises:
            QueryError: CATALOG_NOT_FOUND: the catalog is not Athena's own.
        """
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        *catalog, database, table = [None, *parts] if len(parts) == 1 else parts
        self._check_catalog(catalog)
        return Name(database, str(table))

    def database(self) -> str:
        """`database` or `catalog.database`."""
        name = self.table()
        self._check_catalog([name.database] if name.database else [])
        return name.table

    def _check_catalog(self, catalog: list[str | None]) -> None:
        if catalog and catalog != ["awsdatacatalog"]:
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{'.'.join(map(str, catalog))}' does not exist")

    def string(self) -> str:
        """A string literal's value, as Hive reads it."""
        token = self.take()
        if token.kind == "string":
            return hive_string(token.text)
        if token.text.startswith('"'):
            return token.text[1:-1]
        self._at -= 1
        raise self.error("Expecting: <string>")

    def number(self) -> int:
        """A whole number."""
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            self._at -= 1
            raise self.error("Expecting: <number>")
        return int(token.text)

    def rest(self) -> str:
        """All that is left, at its place: what was taken is blank, so that errors tell the right line and column."""
        start = self.peek().start
        self._at = len(self._tokens)
        return re.sub(r"[^\n]", " ", self.text[:start]) + self.text[start:].rstrip().rstrip(";")

    def until_closing(self) -> str:
        """The text up to the parenthesis that closes the one just taken, at its place; takes that too."""
        start, depth = self.peek().start, 1
        while True:
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.upper, 0)
            if depth == 0:
                return re.sub(r"[^\n]", " ", self.text[:start]) + self.text[start : token.start]

    def finish(self) -> None:
        """Nothing may be left.

        Raises:
            QueryError: SYNTAX_ERROR: something is.
        """
        if not self.done:
            raise self.error()

    def error(self, expected: str = "") -> QueryError:
        """A syntax error at the next token, in the words of Athena's parser."""
        token = self.peek()
        before = self.text[: token.start]
        line, column = before.count("\n") + 1, token.start - (before.rfind("\n") + 1) + 1
        what = f"mismatched input '{token.text or '<EOF>'}'."
        return QueryError("SYNTAX_ERROR", " ".join([f"line {line}:{column}: {what}", expected]).rstrip())
