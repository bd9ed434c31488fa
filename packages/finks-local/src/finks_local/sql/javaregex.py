"""Java's regular expressions for Python's `re`, and, where RE2 reads them alike, for DuckDB (functions/regexp).

What neither can express is refused by name; nothing is taken with another meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from finks_local.sql.errors import QueryError
from finks_local.sql.value import unsupported

_CLASSES: Final = {"d": "0-9", "w": "a-zA-Z0-9_", "s": " \\t\\n\\x0b\\f\\r"}
_SAME: Final = frozenset("tnrfaeAbB")
_PROPERTIES: Final = {
    "{L}": r"[^\W\d_]",
    "{Alpha}": "[a-zA-Z]",
    "{Digit}": "[0-9]",
    "{Alnum}": "[a-zA-Z0-9]",
    "{Upper}": "[A-Z]",
    "{Lower}": "[a-z]",
    "{Space}": f"[{_CLASSES['s']}]",
    "{Punct}": r"[!-/:-@\[-`{-~]",
}
_REFUSED_GROUPS: Final = re.compile(r"\(\?[a-z]*[udx][a-z-]*[:)]")


@dataclass(frozen=True, slots=True)
class Regex:
    """One pattern in two spellings.

    Args:
        python: For `re`.
        re2: For DuckDB; None where RE2 has no equal.
        groups: Number of capturing groups.
    """

    python: str
    re2: str | None
    groups: int


class _Reader:
    """Reads a pattern once and writes both spellings."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.python: list[str] = []
        self.re2: list[str] = []
        self.portable = True
        self.multiline = re.search(r"\(\?[a-z]*m", pattern) is not None

    def refuse(self, what: str) -> QueryError:
        return unsupported(f"{what} in the regular expression {self.pattern!r}")

    def put(self, python: str, re2: str | None = None) -> None:
        self.python.append(python)
        self.re2.append(python if re2 is None else re2)

    def take(self, size: int) -> str:
        text = self.pattern[self.at : self.at + size]
        self.at += size
        return text

    def read(self) -> None:
        if _REFUSED_GROUPS.search(self.pattern):
            raise self.refuse("the flag u, d or x")
        while self.at < len(self.pattern):
            character = self.take(1)
            match character:
                case "\\":
                    self.escape()
                case "[":
                    self.character_class()
                case "(":
                    self.group()
                case "$" if not self.multiline:
                    self.put("$", r"(?:\n?\z)")
                case "*" | "+" | "?" | "}" if self.pattern[self.at : self.at + 1] == "+":
                    self.portable = False
                    self.put(character + self.take(1))
                case _:
                    self.put(character)

    def escape(self) -> None:
        letter = self.take(1)
        if not letter:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern: {self.pattern}")
        lower = letter.lower()
        if lower in _CLASSES:
            self.put(f"[{'^' if letter.isupper() else ''}{_CLASSES[lower]}]")
        elif letter.isdigit():
            self.portable = False
            self.put(f"\\{letter}")
        elif letter == "z":
            self.put(r"\Z", r"\z")
        elif letter == "Z":
            self.portable = False
            self.put(r"(?=\n?\Z)")
        elif letter in _SAME:
            self.put("\\x1b" if letter == "e" else f"\\{letter}")
        elif letter == "p":
            self.put(self.property())
        elif letter in "xu":
            self.code_point(letter)
        elif letter == "k":
            self.portable = False
            name = re.match(r"<(\w+)>", self.pattern[self.at :])
            if name is None:
                raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern: {self.pattern}")
            self.at += name.end()
            self.put(f"(?P={name[1]})")
        elif letter.isalpha():
            raise self.refuse(f"\\{letter}")
        else:
            self.put(f"\\{letter}")

    def property(self) -> str:
        match = re.match(r"\{\w+\}", self.pattern[self.at :])
        if match is None or match[0] not in _PROPERTIES:
            raise self.refuse("\\p")
        self.at += match.end()
        return _PROPERTIES[match[0]]

    def code_point(self, letter: str) -> None:
        rest = self.pattern[self.at :]
        match = re.match(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})" if letter == "x" else r"()([0-9A-Fa-f]{4})", rest)
        if match is None:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern: {self.pattern}")
        self.at += match.end()
        self.put(re.escape(chr(int(match[1] or match[2], 16))))

    def character_class(self) -> None:
        parts = ["["]
        if self.pattern[self.at : self.at + 1] == "^":
            parts.append(self.take(1))
        first = True
        while True:
            character = self.take(1)
            if not character:
                raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Unclosed character class in pattern: {self.pattern}")
            if character == "]" and not first:
                break
            if character == "[" or (character == "&" and self.pattern[self.at : self.at + 1] == "&"):
                raise self.refuse("a class operation")
            parts.append(self.class_escape() if character == "\\" else "\\]" if character == "]" else character)
            first = False
        self.put("".join([*parts, "]"]).replace("--", r"\--"))

    def class_escape(self) -> str:
        letter = self.take(1)
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter == "p":
            inner = self.property()
            if inner.startswith("[^"):
                raise self.refuse("\\p in a class")
            return inner[1:-1]
        if letter.isalnum() and letter not in "tnrf":
            raise self.refuse(f"\\{letter} in a class")
        return f"\\{letter}"

    def group(self) -> None:
        rest = self.pattern[self.at :]
        named = re.match(r"\?<([A-Za-z][A-Za-z0-9]*)>", rest)
        if named is not None:
            self.at += named.end()
            self.put(f"(?P<{named[1]}>")
            return
        if re.match(r"\?(?:[=!>]|<[=!])", rest):
            self.portable = False
        flags = re.match(r"\?[a-z-]*\)", rest)
        if flags is not None and self.python:
            raise self.refuse("flags that do not stand first")
        self.put("(")


@cache
def java_regex(pattern: str) -> Regex:
    """A Java pattern.

    Raises:
        QueryError: NOT_SUPPORTED for what has no equal, INVALID_FUNCTION_ARGUMENT for what is no pattern.
    """
    reader = _Reader(pattern)
    reader.read()
    python = "".join(reader.python)
    try:
        compiled = re.compile(python)
    except (re.error, OverflowError) as error:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern {pattern!r}: {error}") from None
    return Regex(python, "".join(reader.re2) if reader.portable else None, compiled.groups)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A Java pattern, ready to run.

    Raises:
        QueryError: See `java_regex`.
    """
    return re.compile(java_regex(pattern).python)


def expand(template: str, match: re.Match[str]) -> str:
    r"""A replacement in Java's form, `$1`, `${name}` and `\$`, filled from a match; a group without text is empty.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT.
    """
    result: list[str] = []
    for part in re.finditer(r"\\(.)|\$(\d)|\$\{(\w+)\}|([^\\$]+)|(.)", template, re.DOTALL):
        escaped, number, name, plain, wrong = part.groups()
        if wrong is not None:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: {template}")
        if number is not None or name is not None:
            try:
                result.append(match[int(number) if number is not None else name] or "")
            except IndexError:
                message = f"Illegal replacement sequence: unknown group {{ {number or name} }}"
                raise QueryError("INVALID_FUNCTION_ARGUMENT", message) from None
        else:
            result.append(escaped if escaped is not None else plain)
    return "".join(result)
