"""Lists with weights, as `Accept` and `Accept-Encoding` are: RFC 9110, section 12.4.2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*(?:({_WORD})=({_WORD}|{_QUOTED}))?")
_NAME: Final = re.compile(rf"[ \t]*({_WORD}(?:/{_WORD})?)")
# What is quoted without an end goes to the end: to look for one after each quote would take quadratic time.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+')
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class Choice:
    """One element of such a list.

    Attributes:
        name: A media range or a coding, in small letters.
        parameters: Name and value of each of its parameters, in small letters, without `q`.
        weight: From 0 (refused) to 1.
    """

    name: str
    parameters: frozenset[tuple[str, str]]
    weight: float


def choices(header: str) -> Iterator[Choice]:
    """The elements of a header. One that breaks the grammar counts as not sent."""
    for element in _ELEMENT.findall(header):
        if choice := _choice(element.rstrip(" \t")):
            yield choice


def _choice(element: str) -> Choice | None:
    name = _NAME.match(element)
    if name is None:
        return None
    at, weight = name.end(), "1"
    parameters: set[tuple[str, str]] = set()
    while at < len(element):
        found = _PARAMETER.match(element, at)
        if found is None:
            return None
        at = found.end()
        if found[1] and found[1].lower() == "q":
            weight = found[2]
        elif found[1]:
            parameters.add((found[1].lower(), found[2].strip('"').lower()))
    if not _WEIGHT.fullmatch(weight):
        return None
    return Choice(name[1].lower(), frozenset(parameters), float(weight))
