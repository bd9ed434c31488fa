"""Returns of a portfolio with money flowing in and out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from finks.errors import DataError
from finks.returns.number import Number

DAYS_PER_YEAR = 365
"""The day count of the spreadsheet function XIRR (actual/365)."""

LARGEST_EXPONENT = 700.0
"""exp() of more than about 709 leaves the range of a double."""


@dataclass(frozen=True, slots=True)
class TimeWeightedReturn:
    """Time-weighted returns, one for each valuation.

    Attributes:
        daily: The return of each day as a fraction; None where no money was at work.
        cumulative: The linked return from the first day up to each day.
    """

    daily: tuple[float | None, ...]
    cumulative: tuple[float, ...]

    @property
    def total(self) -> float:
        """The return over all days; 0 without any."""
        return self.cumulative[-1] if self.cumulative else 0.0


def time_weighted_return(
    values: Iterable[Number],
    inflows: Iterable[Number] | None = None,
    outflows: Iterable[Number] | None = None,
) -> TimeWeightedReturn:
    """The return that does not depend on the size and the timing of flows.

    r_t = (V_t + out_t) / (V_{t-1} + in_t) - 1: inflows are at work from the start of the day, outflows up to its
    end. Dividends and fees are no external flows. The formula is Portfolio Performance's (`ClientIndex`), and that
    of the Gold table `daily_portfolio_summary`.

    Args:
        values: The value at the end of each day, flows of the day included.
        inflows: Money brought in on each day, not negative; none when left out.
        outflows: Money taken out on each day, not negative; none when left out.

    Raises:
        DataError: The three differ in length.
    """
    daily: list[float | None] = []
    previous = 0.0
    for value, inflow, outflow in _rows(values, inflows, outflows):
        invested = previous + inflow
        daily.append((value + outflow) / invested - 1 if invested > 0 else None)
        previous = value
    return TimeWeightedReturn(tuple(daily), tuple(cumulative_returns(daily)))


def link_returns(returns: Iterable[Number | None]) -> float:
    """The return over several periods: the product of 1 + r, less 1. None counts as no return."""
    linked = cumulative_returns(returns)
    return linked[-1] if linked else 0.0


def cumulative_returns(returns: Iterable[Number | None]) -> list[float]:
    """The linked return up to each period. None, as before the first valuation, counts as no return."""
    cumulative: list[float] = []
    growth = 1.0
    for period in returns:
        growth *= 1 + float(period or 0)
        cumulative.append(growth - 1)
    return cumulative


def simple_return(value: Number, invested: Number, income: Number = 0) -> float:
    """The gain as a fraction of the money invested, blind to time: (value + income - invested) / invested.

    Raises:
        DataError: Nothing was invested.
    """
    if invested == 0:
        raise DataError("a return needs money invested", where="invested", expected="not 0", got="0")
    return (float(value) + float(income) - float(invested)) / float(invested)


def modified_dietz(
    begin_value: Number,
    end_value: Number,
    flows: Iterable[tuple[date, Number]],
    *,
    begin: date,
    end: date,
) -> float:
    """Modified Dietz: the gain over the average capital, each flow weighted by the time it was there.

    R = (EMV - BMV - CF) / (BMV + sum(w_i * CF_i)) with w_i = days left / days in all. GIPS asks for a valuation at
    every large flow; link the returns of the parts with `link_returns` then.

    Args:
        begin_value: Value at the close of `begin`.
        end_value: Value at the close of `end`.
        flows: Date and amount of each external flow, positive when money comes in.
        begin: The first day.
        end: The last day.

    Raises:
        DataError: The period is empty, a flow lies outside it, or the average capital is zero.
    """
    days = (end - begin).days
    if days <= 0:
        raise DataError("the period is empty", where="end", expected=f"a date after {begin}", got=str(end))
    total, weighted = 0.0, 0.0
    for day, amount in flows:
        if not begin <= day <= end:
            raise DataError("a flow lies outside the period", where=str(day), expected=f"{begin} to {end}")
        total += float(amount)
        weighted += float(amount) * (end - day).days / days
    capital = float(begin_value) + weighted
    if capital == 0:
        raise DataError("the average capital is zero", where="flows", hint="split the period at the flows")
    return (float(end_value) - float(begin_value) - total) / capital


def money_weighted_return(flows: Iterable[tuple[date, Number]], *, days_per_year: float = DAYS_PER_YEAR) -> float:
    """The yearly rate at which the flows are worth nothing today: XIRR.

    Args:
        flows: Date and amount of each flow: negative when the investor pays in, positive when he gets money back;
            the last one is usually the value at the end.
        days_per_year: 365 as spreadsheets have it; 365.25 as hledger has it.

    Returns:
        The rate as a fraction, greater than -1. Where several rates solve it, the one nearest to 0.

    Raises:
        DataError: There is no rate, because no flow goes the other way or because all are of one day.
    """
    dated = sorted((day, float(amount)) for day, amount in flows)
    signs = {math.copysign(1, amount) for _, amount in dated if amount != 0}
    if len(signs) < 2 or dated[0][0] == dated[-1][0]:
        raise DataError(
            "no rate of return solves these flows",
            where="flows",
            expected="money paid in and money got back, on different days",
            got=f"{len(dated)} flows",
            hint="add the value at the end as the last flow",
        )
    years = [(day - dated[0][0]).days / days_per_year for day, _ in dated]

    def present_value(growth: float) -> float:
        return math.fsum(amount * math.exp(-growth * year) for (_, amount), year in zip(dated, years, strict=True))

    return math.expm1(_bisect(present_value, _bracket(present_value, LARGEST_EXPONENT / max(1.0, years[-1]))))


def _rows(
    values: Iterable[Number], inflows: Iterable[Number] | None, outflows: Iterable[Number] | None
) -> Iterator[tuple[float, float, float]]:
    end_values = list(values)
    columns: list[Sequence[Number]] = [end_values]
    for name, flows in (("inflows", inflows), ("outflows", outflows)):
        column = [0] * len(end_values) if flows is None else list(flows)
        if len(column) != len(end_values):
            raise DataError(
                "values and flows differ in length", where=name, expected=str(len(end_values)), got=str(len(column))
            )
        columns.append(column)
    for value, inflow, outflow in zip(*columns, strict=True):
        yield float(value), float(inflow), float(outflow)


def _bracket(function: Callable[[float], float], limit: float) -> tuple[float, float]:
    """Two neighbouring points, as near to 0 as possible, between which the function changes its sign."""
    sign = math.copysign(1, function(0.0))
    inner, step = 0.0, 0.02
    while inner < limit:
        outer = min(limit, inner + step)
        for side in (1, -1):
            if math.copysign(1, function(side * outer)) != sign:
                return (side * inner, side * outer)
        inner, step = outer, step * 1.2
    raise DataError("no rate of return solves these flows", where="flows", hint="look for a flow with a wrong sign")


def _bisect(function: Callable[[float], float], bracket: tuple[float, float]) -> float:
    """The root in the bracket, to the last digit of a double."""
    low, high = bracket
    sign = math.copysign(1, function(low))
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if math.copysign(1, function(middle)) == sign:
            low = middle
        else:
            high = middle
