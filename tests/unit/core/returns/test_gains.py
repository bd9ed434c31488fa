from __future__ import annotations

from decimal import Decimal

import pytest
from finks.errors import DataError
from finks.returns import Split, Trade, average_cost_gains, fifo_gains
from hypothesis import given, settings
from hypothesis import strategies as st

TRADES = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell"]),
        st.integers(1, 50),
        st.integers(1, 1000),
        st.sampled_from(["0.8", "1", "1.25"]),
    ),
    max_size=12,
)


def never_short(rows: list[tuple[str, int, int, str]]) -> list[Trade]:
    """The trades, without the sales of more than is held."""
    trades: list[Trade] = []
    held = 0
    for kind, quantity, price, rate in rows:
        held += quantity if kind == "buy" else -quantity
        if held < 0:
            held += quantity
            continue
        trades.append(Trade("buy" if kind == "buy" else "sell", quantity, quantity * price, Decimal(rate)))
    return trades


@given(TRADES)
@settings(max_examples=60, deadline=None)
def test_both_methods_split_the_same_total_gain_between_realised_and_unrealised(rows):
    trades = never_short(rows)
    fifo = fifo_gains(trades, price=7, fx_rate=Decimal("1.1"))
    average = average_cost_gains(trades, price=7, fx_rate=Decimal("1.1"))
    assert fifo.quantity == average.quantity
    total = fifo.realised + (fifo.unrealised or 0)
    assert abs(total - average.realised - (average.unrealised or 0)) < Decimal("1e-15")


@given(TRADES)
@settings(max_examples=60, deadline=None)
def test_what_is_bought_is_either_sold_or_still_in_the_cost_basis(rows):
    trades = never_short(rows)
    gains = fifo_gains(trades)
    paid = sum(t.amount * t.fx_rate for t in trades if t.kind == "buy")
    assert abs(sum(match.cost for match in gains.matches) + gains.cost_basis - paid) < Decimal("1e-15")


def test_without_a_change_of_rate_no_gain_comes_from_the_currency():
    gains = fifo_gains([Trade("buy", 10, 100, 2), Trade("sell", 4, 80, 2)], price=30, fx_rate=2)
    assert (gains.realised_fx, gains.unrealised_fx) == (0, 0)


def test_a_split_changes_the_shares_and_not_what_they_cost():
    gains = fifo_gains([Trade("buy", 357, 1000), Split(1, 3)])
    assert (gains.quantity, gains.cost_basis) == (119, 1000)


def test_selling_more_than_is_held_is_refused():
    with pytest.raises(DataError, match="more is sold than held"):
        fifo_gains([Trade("buy", 1, 10), Trade("sell", 2, 20)])


def test_without_a_price_there_is_no_unrealised_gain():
    assert fifo_gains([Trade("buy", 1, 10)]).unrealised is None
