"""Single cells outside the plain grammar: a plain text of the same value, or the rule that they break."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from finks.contract.spec import FieldSpec

SHOWN = 60
"""How much of a cell a message shows."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Reading:
    """One cell: its plain text, or the rule that it breaks and why."""

    plain: str | None
    rule: str = ""
    reason: str = ""


def _broken(spec: FieldSpec, text: str, rule: str, said: str) -> Reading:
    return Reading(None, rule, f'{spec.name} "{text[:SHOWN]}" {said}')


def decimal(text: str, spec: FieldSpec) -> Reading:
    """A decimal with an exponent, a bare point or many zeros, within precision and scale. Nothing is rounded."""
    if not _DECIMAL.fullmatch(text):
        return _broken(spec, text, "decimal", "is no decimal number")
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)  # the grammar admits no NaN
    significant = "".join(map(str, digits)).lstrip("0").rstrip("0")
    if not significant:
        return Reading("0")
    exponent += len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if -exponent > spec.scale:
        return _broken(spec, text, "scale", f"has more than {spec.scale} digits after the point")
    if len(significant) + exponent > spec.precision - spec.scale:
        return _broken(spec, text, "precision", f"has more than {spec.precision - spec.scale} digits before the point")
    return Reading(format(Decimal((sign, tuple(map(int, significant)), exponent)), "f"))


def integer(text: str, spec: FieldSpec) -> Reading:
    """An integer of 64 bits, with a sign or leading zeros."""
    if not _INTEGER.fullmatch(text):
        return _broken(spec, text, "integer", "is no integer")
    significant = text.lstrip("+-").lstrip("0") or "0"
    value = int(significant) if len(significant) < 20 else _INT64
    value = -value if text.startswith("-") else value
    if not -_INT64 <= value < _INT64 or len(significant) >= 20:
        return _broken(spec, text, "range", "does not fit 64 bits")
    return Reading(str(value))


def floating(text: str, spec: FieldSpec) -> Reading:
    """A number that rounds to a finite binary float."""
    if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
        return _broken(spec, text, "float", "is no finite number")
    return Reading(repr(float(text)))


def boolean(text: str, spec: FieldSpec) -> Reading:
    """Nothing but `true` and `false` is a boolean."""
    return _broken(spec, text, "boolean", "is neither true nor false")


def day(text: str, spec: FieldSpec) -> Reading:
    """Nothing but `YYYY-MM-DD` is a date."""
    return _broken(spec, text, "date", "is no date YYYY-MM-DD")
