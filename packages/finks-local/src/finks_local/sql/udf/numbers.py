"""Numbers: rounding, exact division, bases, statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from itertools import combinations
from typing import Final

from finks_local.sql.numbertext import double_text, real_text
from finks_local.sql.udf.failure import FailureError, Functions, argument


def _round_double(value: float, places: int) -> float:
    """Java's rounding of a scaled double: half away from zero (functions/math, `round`)."""
    if math.isnan(value) or math.isinf(value):
        return value
    factor = 10.0**places
    scaled = abs(value) * factor
    if math.isinf(scaled):
        return value
    whole = math.floor(scaled + 0.5) if scaled < 2**52 else scaled
    result = whole / factor
    return -result if value < 0 else result


def _round_decimal(text: str, places: int) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")


def _truncate_decimal(text: str, places: int) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_DOWN), "f")


def _decimal_divide(left: str, right: str, scale: int) -> str:
    with localcontext() as context:
        context.prec = 120
        divisor = Decimal(right)
        if not divisor:
            raise FailureError("DIVISION_BY_ZERO", "Division by zero")
        numerator = int(Decimal(left).scaleb(76))
        denominator = int(divisor.scaleb(76 - scale))
        quotient, rest = divmod(abs(numerator), abs(denominator))
        quotient += 2 * rest >= abs(denominator)
        if quotient >= 10**38:
            raise FailureError("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
        negative = (numerator < 0) != (denominator < 0)
        return format(Decimal(-quotient if negative else quotient).scaleb(-scale), "f")


def _decimal_mod(left: str, right: str, scale: int) -> str:
    with localcontext() as context:
        context.prec = 120
        divisor = Decimal(right)
        if not divisor:
            raise FailureError("DIVISION_BY_ZERO", "Division by zero")
        return format((Decimal(left) % divisor).quantize(Decimal(1).scaleb(-scale)), "f")


_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def _from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise argument("Radix must be between 2 and 36")
    try:
        return int(text, radix)
    except ValueError:
        raise argument(f"Not a valid base-{radix} number: {text}") from None


def _to_base(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise argument("Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return "-" + digits if value < 0 else digits


def _format_number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return double_text(value)
    units, size = ["", "K", "M", "B", "T", "Q"], 0
    number = Decimal(repr(abs(value)))
    while number >= 1000 and size < len(units) - 1:
        number, size = number / 1000, size + 1
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    text = format(number.quantize(Decimal(1).scaleb(-places), "ROUND_HALF_EVEN"), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("-" if value < 0 else "") + text + units[size]


def _human_seconds(value: float) -> str:
    seconds = round(value)
    units = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    rest = abs(seconds)
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


def _cosine(left: dict[str, float], right: dict[str, float]) -> float:
    dot = sum(value * right.get(key, 0.0) for key, value in left.items())
    norms = math.sqrt(sum(v * v for v in left.values())) * math.sqrt(sum(v * v for v in right.values()))
    return dot / norms if norms else math.nan


def _moments(values: Sequence[float]) -> tuple[int, float, float, float]:
    """Count and the second to fourth central moments (sums), row by row as Trino's aggregation updates them."""
    count, mean, m2, m3, m4 = 0, 0.0, 0.0, 0.0, 0.0
    for value in values:
        before = count
        count += 1
        delta = value - mean
        share = delta / count
        term = delta * share * before
        m4 += term * share * share * (count * count - 3 * count + 3) + 6 * share * share * m2 - 4 * share * m3
        m3 += term * share * (count - 2) - 3 * share * m2
        m2 += term
        mean += share
    return count, m2, m3, m4


def _skewness(values: Sequence[float]) -> float | None:
    count, m2, m3, _ = _moments(values)
    if count < 3:
        return None
    return math.sqrt(count) * m3 / m2**1.5 if m2 else math.nan


def _kurtosis(values: Sequence[float]) -> float | None:
    n, m2, _, m4 = _moments(values)
    if n < 4:
        return None
    if not m2:
        return math.nan
    return (n - 1) * n * (n + 1) / ((n - 2) * (n - 3)) * m4 / m2**2 - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))


def _entropy(counts: Sequence[int]) -> float:
    total = sum(counts)
    return -sum(c / total * math.log2(c / total) for c in counts if c) if total else 0.0


def _choices(size: int, count: int) -> list[list[int]]:
    if not 0 <= count <= 5:
        raise argument("combination size must not be negative" if count < 0 else "combination size must not exceed 5")
    if math.comb(size, count) > 100_000:
        raise argument("combinations exceed max size")
    return [list(chosen) for chosen in combinations(range(1, size + 1), count)]


def _cbrt(value: float) -> float:
    """Exact where the root is whole, as Java's is."""
    root = math.cbrt(value)
    whole = round(root) if math.isfinite(root) else 0
    return float(whole) if whole and float(whole) ** 3 == value else root


FUNCTIONS: Final[Functions] = {
    "trino_double_text": (double_text, ["DOUBLE"], "VARCHAR"),
    "trino_real_text": (real_text, ["FLOAT"], "VARCHAR"),
    "trino_round": (_round_double, ["DOUBLE", "BIGINT"], "DOUBLE"),
    "trino_cbrt": (_cbrt, ["DOUBLE"], "DOUBLE"),
    "trino_round_decimal": (_round_decimal, ["VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_truncate_decimal": (_truncate_decimal, ["VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_decimal_divide": (_decimal_divide, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_decimal_mod": (_decimal_mod, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_from_base": (_from_base, ["VARCHAR", "BIGINT"], "BIGINT"),
    "trino_to_base": (_to_base, ["BIGINT", "BIGINT"], "VARCHAR"),
    "trino_format_number": (_format_number, ["DOUBLE"], "VARCHAR"),
    "trino_human_readable_seconds": (_human_seconds, ["DOUBLE"], "VARCHAR"),
    "trino_cosine_similarity": (_cosine, ["MAP(VARCHAR, DOUBLE)", "MAP(VARCHAR, DOUBLE)"], "DOUBLE"),
    "trino_skewness": (_skewness, ["DOUBLE[]"], "DOUBLE"),
    "trino_kurtosis": (_kurtosis, ["DOUBLE[]"], "DOUBLE"),
    "trino_choices": (_choices, ["BIGINT", "BIGINT"], "BIGINT[][]"),
    "trino_entropy": (_entropy, ["BIGINT[]"], "DOUBLE"),
}
