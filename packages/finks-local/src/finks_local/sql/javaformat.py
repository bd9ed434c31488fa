"""`format()` as Java's Formatter does it (functions/conversion), for the conversions `% b c d e f n o s x`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from finks_local.sql.errors import QueryError

_SPEC: Final = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(<]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
_WHOLE: Final = {"tinyint", "smallint", "integer", "bigint"}
_FRACTIONAL: Final = {"real", "double", "decimal"}


def java_format(form: str, kinds: Sequence[str], values: Sequence[str | None]) -> str:
    """Fill a format with values given as text and the names of their types.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT, as Java's exceptions are told; NOT_SUPPORTED for other conversions.
    """
    following = iter(range(len(values)))

    def fill(match: re.Match[str]) -> str:
        position, flags, width, digits, letter = match.groups()
        if letter in "%n":
            return "%" if letter == "%" else "\n"
        index = int(position) - 1 if position else next(following, len(values))
        if index >= len(values):
            raise QueryError(
                "INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {form} (Format specifier '{match[0]}')"
            )
        text = _convert(match[0], letter, flags, digits, kinds[index], values[index])
        return _padded(text, flags, int(width or 0))

    rest = _SPEC.sub("", form)
    if "%" in rest:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {form}")
    return _SPEC.sub(fill, form)


def _convert(spec: str, letter: str, flags: str, digits: str | None, kind: str, text: str | None) -> str:
    lower = letter.lower()
    if text is None:
        result = "null"
    elif lower == "s":
        result = text[: int(digits)] if digits else text
    elif lower == "b":
        result = text if kind == "boolean" else "true"
    elif lower in "dxo" and kind in _WHOLE:
        result = _whole(int(text), lower, flags)
    elif lower in "fe" and kind in _FRACTIONAL:
        result = _fraction(text, lower, flags, int(digits) if digits else 6)
    elif lower in "dxofe":
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {spec} ({lower} != {kind})")
    else:
        raise QueryError("NOT_SUPPORTED", f"The conversion {spec} of format() is not supported by the local Athena")
    return result.upper() if letter.isupper() else result


def _whole(value: int, letter: str, flags: str) -> str:
    if letter in "xo":
        return format(value & (2**64 - 1) if value < 0 else value, letter)
    return _signed(format(abs(value), "," if "," in flags else ""), value < 0, flags)


def _fraction(text: str, letter: str, flags: str, digits: int) -> str:
    if text in {"NaN", "Infinity", "-Infinity"}:
        return text
    number = Decimal(text)
    if letter == "e":
        return _signed(
            f"{abs(number):.{digits}e}".replace("e+", "e+0")
            if abs(number.adjusted()) < 10
            else f"{abs(number):.{digits}e}",
            number < 0,
            flags,
        )
    rounded = abs(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return _signed(format(rounded, ",f" if "," in flags else "f"), number < 0, flags)


def _signed(text: str, negative: bool, flags: str) -> str:
    if negative:
        return f"({text})" if "(" in flags else f"-{text}"
    return "+" + text if "+" in flags else " " + text if " " in flags else text


def _padded(text: str, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags:
        sign = text[:1] if text[:1] in "+-" and text else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)
