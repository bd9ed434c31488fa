"""Returns, gains and price adjustments, as pure functions on plain numbers, dates and polars frames.

- `performance`: time-weighted, money-weighted and Dietz returns, and how returns are linked.
- `risk`: drawdown, annualised return and volatility.
- `gains`: realised and unrealised gains, first in, first out or at average cost, with their FX part.
- `adjust`: splits on quantities and prices, total return, back-adjusted closes.

The Gold models compute the same things in SQL for every portfolio and day; these are for a notebook.
"""

from __future__ import annotations

from finks.returns.adjust import adjust_price, adjust_quantity, back_adjusted_close, total_return
from finks.returns.gains import Gains, Match, Split, Trade, average_cost_gains, fifo_gains
from finks.returns.performance import (
    TimeWeightedReturn,
    cumulative_returns,
    link_returns,
    modified_dietz,
    money_weighted_return,
    simple_return,
    time_weighted_return,
)
from finks.returns.risk import (
    annualised_return,
    annualised_volatility,
    drawdowns,
    max_drawdown,
)

__all__ = [
    "Gains",
    "Match",
    "Split",
    "TimeWeightedReturn",
    "Trade",
    "adjust_price",
    "adjust_quantity",
    "annualised_return",
    "annualised_volatility",
    "average_cost_gains",
    "back_adjusted_close",
    "cumulative_returns",
    "drawdowns",
    "fifo_gains",
    "link_returns",
    "max_drawdown",
    "modified_dietz",
    "money_weighted_return",
    "simple_return",
    "time_weighted_return",
    "total_return",
]
