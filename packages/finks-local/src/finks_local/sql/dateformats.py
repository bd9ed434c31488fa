"""Date formats: MySQL's of `date_format`, Joda's of `format_datetime` (functions/datetime).

Both become pieces. A piece is printed by DuckDB's strftime and read by a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from finks_local.sql.errors import QueryError
from finks_local.sql.value import text_literal, unsupported


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a format.

    Args:
        kind: strftime's letter, `text`, `fraction` (with `width` digits), `Z`, `ZZ`, `ZZZ`.
        text: The literal text, or strftime's directive.
        width: Digits.
    """

    kind: str
    text: str = ""
    width: int = 0


MYSQL: Final = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "S": "%S",
    "s": "%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "Y": "%Y",
    "y": "%y",
}
_MYSQL_LONG: Final = {"r": "%I:%i:%S %p", "T": "%H:%i:%S"}
_MYSQL_REFUSED: Final = "DUuVwX"


@cache
def mysql(form: str) -> tuple[Piece, ...]:
    """The pieces of a MySQL format.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT for the letters that Trino does not support.
    """
    pieces: list[Piece] = []
    index = 0
    while index < len(form):
        if form[index] != "%" or index + 1 == len(form):
            pieces.append(Piece("text", form[index]))
            index += 1
            continue
        letter = form[index + 1]
        index += 2
        if letter in _MYSQL_REFUSED:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"%{letter} not supported in date format string")
        if letter in _MYSQL_LONG:
            pieces += mysql(_MYSQL_LONG[letter])
        elif letter == "f":
            pieces.append(Piece("fraction", width=6))
        elif letter in MYSQL:
            pieces.append(Piece(MYSQL[letter].lstrip("%-"), MYSQL[letter]))
        else:
            pieces.append(Piece("text", letter))
    return tuple(pieces)


_JODA: Final = {
    "y": ("%Y", "%y"),
    "Y": ("%Y", "%y"),
    "M": ("%-m", "%m"),
    "d": ("%-d", "%d"),
    "H": ("%-H", "%H"),
    "h": ("%-I", "%I"),
    "m": ("%-M", "%M"),
    "s": ("%-S", "%S"),
    "D": ("%-j", "%j"),
}


@cache
def joda(form: str) -> tuple[Piece, ...]:
    """The pieces of a Joda pattern.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT; NOT_SUPPORTED for letters that are not translated.
    """
    pieces: list[Piece] = []
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", form):
        run = match[0]
        if run == "''":
            pieces.append(Piece("text", "'"))
        elif run == "'":
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid format pattern: {form}")
        elif match[1] is not None:
            pieces.append(Piece("text", match[1].replace("''", "'")))
        elif match[2]:
            pieces.append(_joda_piece(match[2], len(run), form))
        else:
            pieces.append(Piece("text", run))
    return tuple(pieces)


def _joda_piece(letter: str, count: int, form: str) -> Piece:
    if letter in {"y", "Y"}:
        if count in {1, 2, 4}:
            directive = _JODA[letter][1 if count == 2 else 0]
            return Piece(directive.lstrip("%-"), directive)
    elif letter == "M" and count >= 3:
        return Piece("b", "%b") if count == 3 else Piece("B", "%B")
    elif letter == "E":
        return Piece("a", "%a") if count <= 3 else Piece("A", "%A")
    elif letter == "S":
        return Piece("fraction", width=count)
    elif letter == "a":
        return Piece("p", "%p")
    elif letter == "Z" and count <= 3:
        return Piece("Z" * count)
    elif letter in _JODA and (count <= 2 or (letter == "D" and count == 3)):
        padded = count == (3 if letter == "D" else 2)
        if letter != "D" or count in {1, 3}:
            directive = _JODA[letter][1 if padded else 0]
            return Piece(directive.lstrip("%-"), directive)
    elif letter not in "GCxweKkzaEyYMdHhmsSDZ":
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid format pattern: {form}")
    raise unsupported(f"{letter * count!r} in the date format {form!r}")


def print_sql(pieces: Sequence[Piece], wall: str, zones: Mapping[str, str]) -> str:
    """SQL that prints a wall clock.

    Args:
        pieces: Of the format.
        wall: SQL of a TIMESTAMP.
        zones: SQL of the zone by kind of piece.
    """
    parts: list[str] = []
    pending = ""
    for piece in pieces:
        if piece.kind == "text":
            pending += piece.text.replace("%", "%%")
            continue
        if piece.kind == "fraction" or piece.kind in zones:
            if pending:
                parts.append(f"strftime({wall}, {text_literal(pending)})")
                pending = ""
            parts.append(
                f"rpad(left(strftime({wall}, '%f'), {piece.width}), {piece.width}, '0')"
                if piece.kind == "fraction"
                else zones[piece.kind]
            )
        else:
            pending += piece.text
    if pending or not parts:
        parts.append(f"strftime({wall}, {text_literal(pending)})")
    return f"({' || '.join(parts)})" if len(parts) > 1 else parts[0]
