"""What each simulated path answers: rows of the facts, newest first, within the vendor's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

from finks_connectors.fmp.simulator import shapes
from finks_connectors.fmp.simulator.adjust import (
    Factors,
    dividend_adjusted,
    income_factor,
    split_adjusted,
    split_factor,
)
from finks_connectors.fmp.simulator.market import Bar, DividendFact, History
from finks_connectors.fmp.simulator.profiles import profile
from finks_connectors.fmp.simulator.shapes import Row
from finks_connectors.fmp.simulator.statements import income_statements

# The most rows of an answer; the oldest are dropped, with status 200 and no word.
MAX_ROWS = 5000

_YEAR = timedelta(days=365)
_PAIR_LETTERS = 6

# (symbol, history, from/to/limit/period, today) -> body
Endpoint = Callable[[str, History, Mapping[str, str], date], bytes]
# (symbol, history, bar, today) -> record
BarRow = Callable[[str, History, Bar, date], Row]


def _bars(row: BarRow, symbol: str, history: History, params: Mapping[str, str], today: date) -> bytes:
    try:
        last = min(date.fromisoformat(params["to"]), today) if "to" in params else today
        first = date.fromisoformat(params["from"]) if "from" in params else last - 5 * _YEAR
    except ValueError:
        return shapes.render(())
    newest = history.between(first, last)[-MAX_ROWS:]
    return shapes.render(row(symbol, history, bar, today) for bar in reversed(newest))


def _full(symbol: str, history: History, bar: Bar, today: date) -> Row:
    digits = 5 if len(symbol) == _PAIR_LETTERS else 4
    return shapes.full(symbol, split_adjusted(bar, split_factor(history.splits, bar.session, today)), digits)


def _light(symbol: str, history: History, bar: Bar, today: date) -> Row:
    return shapes.light(symbol, split_adjusted(bar, split_factor(history.splits, bar.session, today)))


def _as_traded(symbol: str, _history: History, bar: Bar, _today: date) -> Row:
    return shapes.adjusted(symbol, bar)


def _dividend_adjusted(symbol: str, history: History, bar: Bar, today: date) -> Row:
    factors = Factors(split_factor(history.splits, bar.session, today), income_factor(history, bar.session, today))
    return shapes.adjusted(symbol, dividend_adjusted(bar, factors))


def _dividends(symbol: str, history: History, params: Mapping[str, str], today: date) -> bytes:
    known = [fact for fact in history.dividends if fact.ex_date <= today]
    rows = [
        shapes.dividend(
            symbol, fact, split_factor(history.splits, fact.ex_date, today), _yield_percent(fact, known, history)
        )
        for fact in reversed(known)
    ]
    return shapes.render(_limited(rows, params))


def _yield_percent(fact: DividendFact, known: Sequence[DividendFact], history: History) -> float | None:
    """The past year's dividends over the ex-date's close, in the digits of a double, as the vendor computes it."""
    bars = history.between(fact.ex_date, fact.ex_date)
    if not bars:
        return None
    past_year = sum(float(other.amount) for other in known if fact.ex_date - _YEAR < other.ex_date <= fact.ex_date)
    return past_year / float(bars[0].close) * 100


def _splits(symbol: str, history: History, params: Mapping[str, str], today: date) -> bytes:
    rows = [shapes.split(symbol, fact) for fact in reversed(history.splits) if fact.ex_date <= today]
    return shapes.render(_limited(rows, params))


def _profile(symbol: str, history: History, _params: Mapping[str, str], today: date) -> bytes:
    row = profile(symbol, history, today)
    return shapes.render(() if row is None else (row,))


def _limited(rows: list[Row], params: Mapping[str, str]) -> list[Row]:
    limit = params.get("limit", "")
    return rows[: int(limit)] if limit.isdigit() else rows


ENDPOINTS: Mapping[str, Endpoint] = {
    "historical-price-eod/full": partial(_bars, _full),
    "historical-price-eod/light": partial(_bars, _light),
    "historical-price-eod/dividend-adjusted": partial(_bars, _dividend_adjusted),
    "historical-price-eod/non-split-adjusted": partial(_bars, _as_traded),
    "dividends": _dividends,
    "splits": _splits,
    "profile": _profile,
    "income-statement": income_statements,
}
