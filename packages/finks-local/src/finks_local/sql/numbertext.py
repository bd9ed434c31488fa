"""Doubles and reals as Java prints them."""

from __future__ import annotations

import math
import struct
from decimal import Decimal


def double_text(value: float) -> str:
    """Java's `Double.toString` (shortest digits): `1.0E7`, `0.001`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else format(Decimal(text), "f")
    text = f"{value:.1e}" if abs(value) < 1e-320 and "." not in repr(value) else repr(value)
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    shift = len(digits) - 1 + int(exponent)
    tail = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{tail}E{shift}"


def real_text(value: float) -> str:
    """The same for a real: the shortest digits that give the same 32 bits."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return double_text(value)
    wanted = struct.pack("f", value)
    short = next(text for digits in range(1, 10) if struct.pack("f", float(text := f"{value:.{digits}g}")) == wanted)
    return double_text(float(short))
