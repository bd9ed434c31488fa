"""The vendor's JSON: field names, their order, two-space indents, numbers without trailing zeros."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from finks_connectors.fmp.simulator.adjust import divide
from finks_connectors.fmp.simulator.market import Bar, DividendFact, SplitFact

# One record: field names with their JSON texts, so that a number keeps the digits it has in the data.
Row = Sequence[tuple[str, str]]


def render(rows: Iterable[Row]) -> bytes:
    """The records as the vendor prints them: `[]`, or a list indented by two spaces."""
    objects = ["  {\n" + ",\n".join(f'    "{name}": {text}' for name, text in row) + "\n  }" for row in rows]
    return ("[\n" + ",\n".join(objects) + "\n]").encode() if objects else b"[]"


def number(value: Decimal) -> str:
    """A JSON number: `126` for 126.0."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def full(symbol: str, bar: Bar, digits: int = 4) -> Row:
    """`historical-price-eod/full`. `change` is close - open, `vwap` the mean of the four prices.

    `digits` are the decimals of `vwap`: four for securities, five for currency pairs.
    """
    change = bar.close - bar.open
    percent = 100 * change / bar.open
    mean = (bar.open + bar.high + bar.low + bar.close) / 4
    return (
        *_head(symbol, bar.session),
        ("open", number(bar.open)),
        ("high", number(bar.high)),
        ("low", number(bar.low)),
        ("close", number(bar.close)),
        ("volume", number(bar.volume)),
        ("change", number(change)),
        ("changePercent", number(_round(percent, 2 if abs(percent) >= 1 else 5))),
        ("vwap", number(_round(mean, digits))),
    )


def light(symbol: str, bar: Bar) -> Row:
    """`historical-price-eod/light`."""
    return (*_head(symbol, bar.session), ("price", number(bar.close)), ("volume", number(bar.volume)))


def adjusted(symbol: str, bar: Bar) -> Row:
    """`dividend-adjusted` and `non-split-adjusted`: the vendor names both alike."""
    return (
        *_head(symbol, bar.session),
        ("adjOpen", number(bar.open)),
        ("adjHigh", number(bar.high)),
        ("adjLow", number(bar.low)),
        ("adjClose", number(bar.close)),
        ("volume", number(bar.volume)),
    )


def dividend(symbol: str, fact: DividendFact, factor: Fraction, yield_percent: float | None) -> Row:
    """One row of `dividends`. The days other than the ex-date are not known: empty texts, as the vendor's."""
    return (
        *_head(symbol, fact.ex_date),
        ("recordDate", '""'),
        ("paymentDate", '""'),
        ("declarationDate", '""'),
        ("adjDividend", number(divide(fact.amount, factor))),
        ("dividend", number(_round(fact.amount, 3))),
        ("yield", "null" if yield_percent is None else repr(yield_percent)),
        ("frequency", "null"),
    )


def split(symbol: str, fact: SplitFact) -> Row:
    """One row of `splits`."""
    return (
        *_head(symbol, fact.ex_date),
        ("numerator", str(fact.numerator)),
        ("denominator", str(fact.denominator)),
        ("splitType", '"stock-split"'),
    )


def literal(value: str | bool | Decimal | None) -> str:
    """A value's JSON text."""
    return number(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _head(symbol: str, day: date) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("symbol", json.dumps(symbol)), ("date", f'"{day.isoformat()}"')


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
