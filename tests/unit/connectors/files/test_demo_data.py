"""The demonstration's bookings are possible and priced as the market was."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files

import pytest
from finks.contract import filter
from finks_connectors.files.contracts import Portfolio, Transaction
from finks_connectors.fmp.simulator.market import load_market

CASH_SIGN = {"buy": -1, "sell": 1, "deposit": 1, "withdrawal": -1, "fee": -1}


def read(name: str) -> list[dict[str, str | None]]:
    text = files("finks_connectors.demo").joinpath(name).read_text(encoding="utf-8")
    return [{field: value or None for field, value in row.items()} for row in csv.DictReader(text.splitlines())]


@pytest.fixture(scope="module")
def bookings() -> list[Transaction]:
    """All bookings, by day; Python's sort keeps the file's order within one."""
    made = [Transaction.model_validate(row) for row in read("transactions.csv")]
    return sorted(made, key=lambda booking: booking.trade_date)


def test_every_portfolio_is_declared_and_one_is_in_euro(bookings):
    portfolios = [Portfolio.model_validate(row) for row in read("portfolios.csv")]
    assert {portfolio.base_currency for portfolio in portfolios} == {"USD", "EUR"}
    assert {portfolio.portfolio_id for portfolio in portfolios} == {b.portfolio_id for b in bookings}


def test_every_trade_is_at_the_real_close_of_its_day(bookings):
    market = load_market()
    trades = [booking for booking in bookings if booking.symbol]
    assert len(trades) > 10
    for trade in trades:
        history = market[trade.symbol]
        assert history.bars[history.position(trade.trade_date)].close == trade.price


def test_cash_is_never_negative(bookings):
    cash: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for booking in bookings:
        traded = (booking.quantity or 0) * (booking.price or 0)
        account = booking.portfolio_id, booking.currency
        cash[account] += CASH_SIGN[booking.kind] * (booking.amount or traded) - (booking.fee or 0)
        assert cash[account] >= 0, booking


def test_nothing_is_sold_that_is_not_held_and_all_three_are_held_to_the_end(bookings):
    market = load_market()
    held: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    events = [(booking.trade_date, 1, booking) for booking in bookings if booking.symbol]
    events += [(split.ex_date, 0, (symbol, split)) for symbol, history in market.items() for split in history.splits]
    for _, kind, event in sorted(events, key=lambda item: item[:2]):
        if kind == 0:
            symbol, split = event
            for holding in [key for key in held if key[1] == symbol]:
                held[holding] *= Fraction(split.numerator, split.denominator)
        else:
            held[event.portfolio_id, event.symbol] -= CASH_SIGN[event.kind] * Fraction(event.quantity)
            assert held[event.portfolio_id, event.symbol] >= 0, event
    assert len(held) == 6
    assert all(quantity > 0 for quantity in held.values())


@pytest.mark.parametrize(("name", "contract"), [("transactions.csv", Transaction), ("portfolios.csv", Portfolio)])
def test_the_kernel_rejects_no_row(name, contract):
    body = files("finks_connectors.demo").joinpath(name).read_bytes()
    result = filter(body, contract, content_type="text/csv")
    assert (result.good.num_rows, result.rejects.num_rows) == (len(read(name)), 0)


def test_the_bookings_span_the_data(bookings):
    assert bookings[0].trade_date == date(2000, 3, 1)
    assert {booking.kind for booking in bookings} == set(CASH_SIGN)
