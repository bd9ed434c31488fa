"""The facts that the simulated vendor knows: real prices as traded, real splits and dividends.

Prices are the public-domain WIKI data in the package `bokeh_sampledata` (AAPL, IBM, MSFT 2000-03-01 to
2013-03-01, GOOG from 2004-08-19, FB from 2012-05-18). Splits and dividends, in `corporate_actions.csv`, were
derived from that data's raw and adjusted closes, for AAPL, IBM and MSFT.
"""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from finks.errors import ConfigurationError

from finks_connectors.fmp.simulator.extras import package_file

_ACTIONS = Path(__file__).with_name("corporate_actions.csv")


@dataclass(frozen=True, slots=True)
class Bar:
    """One session as traded."""

    session: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True, order=True)
class SplitFact:
    """`numerator` new shares for `denominator` old ones from `ex_date` on."""

    ex_date: date
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, order=True)
class DividendFact:
    """`amount` per share as paid, to those who held before `ex_date`."""

    ex_date: date
    amount: Decimal


@dataclass(slots=True)
class History:
    """Everything about one security, oldest first."""

    bars: list[Bar] = field(default_factory=list)
    splits: list[SplitFact] = field(default_factory=list)
    dividends: list[DividendFact] = field(default_factory=list)

    def between(self, first: date, last: date) -> list[Bar]:
        """The bars from `first` to `last`, both inclusive."""
        low = bisect_left(self.bars, first, key=_session)
        return self.bars[low : bisect_right(self.bars, last, key=_session)]

    def before(self, day: date) -> Bar | None:
        """The last bar before a day."""
        index = bisect_left(self.bars, day, key=_session)
        return self.bars[index - 1] if index else None

    def position(self, session: date) -> int:
        """The index of that session's bar. Raises ConfigurationError when there is none."""
        index = bisect_left(self.bars, session, key=_session)
        if index == len(self.bars) or self.bars[index].session != session:
            raise ConfigurationError("The simulated vendor has no such session.", where=session.isoformat())
        return index

    def restate(self, session: date, name: str, value: Decimal) -> None:
        """Replace one number of one bar. A new open or close widens the day's range, so that the bar stays possible."""
        index = self.position(session)
        bar = self.bars[index]
        if name in {"open", "close"}:
            bar = replace(bar, high=max(bar.high, value), low=min(bar.low, value))
        self.bars[index] = replace(bar, **{name: value})


def _session(bar: Bar) -> date:
    return bar.session


def load_market() -> dict[str, History]:
    """A fresh copy of the facts, by symbol; the caller may change it.

    Raises:
        MissingExtraError: The extra `simulator` is not installed.
    """
    market = {symbol: History(bars=list(bars)) for symbol, bars in _recorded_bars().items()}
    with _ACTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            history = market[row["symbol"]]
            ex_date = date.fromisoformat(row["ex_date"])
            if row["kind"] == "split":
                history.splits.append(SplitFact(ex_date, int(row["numerator"]), int(row["denominator"])))
            else:
                history.dividends.append(DividendFact(ex_date, Decimal(row["amount"])))
    return market


@cache
def _recorded_bars() -> dict[str, tuple[Bar, ...]]:
    path = package_file("bokeh_sampledata", "_data/stocks.csv.gz")
    bars: dict[str, list[Bar]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for symbol, session, *numbers in rows:
            open_, high, low, close, volume = map(Decimal, numbers[:5])
            bars[symbol].append(Bar(date.fromisoformat(session), open_, high, low, close, volume))
    return {symbol: tuple(sorted(found, key=_session)) for symbol, found in bars.items()}
