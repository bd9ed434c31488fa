"""JSON as RFC 8259 has it, for the small bodies that classifiers read, and a glance at large ones."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn

from finks.errors import MalformedBodyError

MAX_DEPTH = 64

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class Shape(StrEnum):
    """What a body is, by its first and last bytes."""

    NOTHING = "nothing"
    EMPTY_ARRAY = "empty array"
    ARRAY = "array"
    OBJECT = "object"
    MARKUP = "markup"
    OTHER = "other"


def peek(body: bytes) -> Shape:
    """Tell what a body is without parsing it, in time that does not grow with it.

    `ARRAY` and `OBJECT` mean that it begins and ends like one; a body that was cut off is `OTHER`.
    """
    start = len(_BOM) if body.startswith(_BOM) else 0
    end = len(body)
    while start < end and body[start] in _BLANK:
        start += 1
    while end > start and body[end - 1] in _BLANK:
        end -= 1
    if start == end:
        return Shape.NOTHING
    ends = body[start : start + 1] + body[end - 1 : end]
    if ends == b"[]":
        inside = start + 1
        while body[inside] in _BLANK:
            inside += 1
        return Shape.EMPTY_ARRAY if inside == end - 1 else Shape.ARRAY
    if ends == b"{}":
        return Shape.OBJECT
    return Shape.MARKUP if ends.startswith(b"<") else Shape.OTHER


def loads_strict(body: bytes) -> Any:
    """Parse a whole JSON body; fractions become `Decimal`, so that no digit is lost.

    Refused: NaN and Infinity, one name twice in an object, anything after the value, bytes that are
    not UTF-8, half a surrogate pair, nesting deeper than 64.

    Raises:
        MalformedBodyError: Tells what is wrong, without quoting the body.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_refuse_twins)
        _check_depth(value, MAX_DEPTH)
        if "\\u" in text:
            json.dumps(value, default=str, ensure_ascii=False).encode()
    except RecursionError:
        raise _too_deep() from None
    except UnicodeError:
        raise MalformedBodyError("The body is not UTF-8 text.", expected="JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedBodyError("The body is not JSON.", got=f"{error.msg} at character {error.pos}") from None
    except (ValueError, ArithmeticError) as error:
        # A number of more digits than Python converts, or an exponent beyond Decimal's.
        raise MalformedBodyError("The body holds a number that cannot be read.", got=type(error).__name__) from None
    return value


def _check_depth(value: object, levels: int) -> None:
    if isinstance(value, dict | list):
        if levels == 0:
            raise _too_deep()
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, levels - 1)


def _too_deep() -> MalformedBodyError:
    return MalformedBodyError("The body is nested too deeply.", expected=f"at most {MAX_DEPTH} levels")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBodyError("The body is not JSON.", got=f"the constant {name}")


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedBodyError("An object of the body has one name twice.")
    return value


__all__ = ["Shape", "loads_strict", "peek"]
