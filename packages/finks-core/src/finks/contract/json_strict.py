"""Strict JSON (RFC 8259) with the source text of every number: the reference that the fast way must equal."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from finks.contract.bodies import MalformedError

REPEATED = object()
"""The member that marks an object which repeats names; it holds those names."""


def parse_json(content: bytes) -> list[object]:
    """The records of a JSON body: the elements of a list, or the one object.

    Numbers come as their source text, texts as they are; an object that repeats a name carries a mark.

    Raises:
        MalformedError: The body is not strict JSON (RFC 8259) in UTF-8, or is a bare value.
    """
    value = loads(utf8(content))
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise MalformedError("the body is neither a list nor an object")


def parse_lines(content: bytes) -> list[object]:
    """The records of an NDJSON body, one a line; blank lines are skipped. Raises MalformedError."""
    records: list[object] = []
    for number, line in enumerate(utf8(content).split("\n"), start=1):
        if line.strip(" \t\r"):
            try:
                records.append(loads(line))
            except MalformedError as error:
                raise MalformedError(f"line {number}: {error}") from error
    return records


def utf8(content: bytes) -> str:
    """The body as text. Raises MalformedError."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error


def loads(text: str) -> object:
    """One JSON value with numbers as their source text. Raises MalformedError."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=_refuse, object_pairs_hook=_object)
    except RecursionError as error:
        raise MalformedError("nested too deep") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {error.msg} at character {error.pos}") from error


def _refuse(constant: str) -> NoReturn:
    raise MalformedError(f"not JSON: {constant}")


def _object(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    record: dict[Any, Any] = dict(pairs)
    if len(record) != len(pairs):
        seen = Counter(name for name, _ in pairs)
        record[REPEATED] = frozenset(name for name, times in seen.items() if times > 1)
    return record
