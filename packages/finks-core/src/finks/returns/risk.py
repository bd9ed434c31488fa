"""Risk figures of a series of values or returns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from finks.errors import DataError
from finks.returns.number import Number, require_positive
from finks.returns.performance import cumulative_returns

TRADING_DAYS_PER_YEAR = 252


def drawdowns(values: Iterable[Number]) -> list[float]:
    """How far each value lies below the highest one up to it, as a fraction from 0 down to -1.

    Args:
        values: Prices, unit values or growth factors (1 + cumulative return): positive, and free of external
            flows. Take 1 + `cumulative_return`, not the portfolio's value, where money came in or went out.

    Raises:
        DataError: A peak is not positive.
    """
    falls: list[float] = []
    peak = -math.inf
    for value in values:
        peak = max(peak, float(value))
        require_positive(peak, "the highest value so far")
        falls.append(float(value) / peak - 1)
    return falls


def max_drawdown(values: Iterable[Number]) -> float:
    """The deepest drawdown: 0 when values never fall, -0.75 after a fall to a quarter. See `drawdowns`."""
    return min(drawdowns(values), default=0.0)


def annualised_return(returns: Iterable[Number | None], periods_per_year: float = TRADING_DAYS_PER_YEAR) -> float:
    """The yearly rate that gives the same growth: (1 + cumulative) ** (periods_per_year / periods) - 1.

    As empyrical has it, a leading None is a period of its own, without return.

    Raises:
        DataError: There is no period.
    """
    cumulative = cumulative_returns(returns)
    if not cumulative:
        raise DataError("a yearly rate needs at least one period", where="returns", expected="1 or more", got="0")
    return (1 + cumulative[-1]) ** (periods_per_year / len(cumulative)) - 1


def annualised_volatility(returns: Iterable[Number | None], periods_per_year: float = TRADING_DAYS_PER_YEAR) -> float:
    """The sample standard deviation (n - 1) of the returns times the root of the periods in a year; None left out.

    Raises:
        DataError: There are fewer than two returns.
    """
    known = [float(period) for period in returns if period is not None]
    if len(known) < 2:
        raise DataError("volatility needs two returns", where="returns", expected="2 or more", got=str(len(known)))
    return statistics.stdev(known) * math.sqrt(periods_per_year)
