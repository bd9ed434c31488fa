"""The vendor's adjustments: what a price of then looks like today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from finks_connectors.fmp.simulator.market import Bar, History, SplitFact

# Where a division by a split does not end (3:1), the vendor's doubles end somewhere too.
_QUOTIENT = Decimal("0.0000000001")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Factors:
    """What turns a session's numbers into today's.

    Attributes:
        shares: New shares per share of then.
        income: What is left of the price after later dividends.
    """

    shares: Fraction
    income: Decimal


def split_factor(splits: Sequence[SplitFact], day: date, today: date) -> Fraction:
    """New shares on `today` for one share held on `day`: every split with an ex-date after it."""
    factor = Fraction(1)
    for split in splits:
        if day < split.ex_date <= today:
            factor *= Fraction(split.numerator, split.denominator)
    return factor


def divide(value: Decimal, factor: Fraction) -> Decimal:
    """`value / factor`, exact where it ends within ten decimals."""
    return _tidy((value * factor.denominator / factor.numerator).quantize(_QUOTIENT))


def split_adjusted(bar: Bar, factor: Fraction) -> Bar:
    """The bar on the basis of today's shares."""
    return bar if factor == 1 else _converted(bar, lambda price: divide(price, factor), factor)


def dividend_adjusted(bar: Bar, factors: Factors) -> Bar:
    """The bar on today's shares and less later dividends, rounded to cents as the vendor does."""
    scale = factors.income * factors.shares.denominator / factors.shares.numerator
    return _converted(bar, lambda price: _tidy((price * scale).quantize(_CENT)), factors.shares)


def income_factor(history: History, day: date, today: date) -> Decimal:
    """The product of `1 - dividend / previous close` over the dividends with an ex-date after `day`."""
    factor = Decimal(1)
    for dividend in history.dividends:
        if day < dividend.ex_date <= today:
            before = history.before(dividend.ex_date)
            if before is not None:
                factor *= 1 - dividend.amount / before.close
    return factor


def _converted(bar: Bar, price: Callable[[Decimal], Decimal], factor: Fraction) -> Bar:
    volume = _tidy((bar.volume * factor.numerator / factor.denominator).quantize(_QUOTIENT))
    return Bar(bar.session, price(bar.open), price(bar.high), price(bar.low), price(bar.close), volume)


def _tidy(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
