from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from finks.errors import DataError
from finks.returns import (
    annualised_volatility,
    link_returns,
    max_drawdown,
    modified_dietz,
    money_weighted_return,
    simple_return,
    time_weighted_return,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

START = date(2020, 1, 1)


@given(
    st.lists(st.tuples(st.floats(-0.5, 1.0), st.integers(0, 1000), st.integers(0, 50)), min_size=1, max_size=20),
)
@settings(max_examples=80, deadline=None)
def test_time_weighted_return_does_not_depend_on_flows(days):
    value, values, inflows, outflows, growth = 1000.0, [1000.0], [1000.0], [0.0], 1.0
    for period, inflow, percent_out in days:
        grown = (value + inflow) * (1 + period)
        outflow = grown * percent_out / 100
        value = grown - outflow
        growth *= 1 + period
        values.append(value)
        inflows.append(inflow)
        outflows.append(outflow)
    assert time_weighted_return(values, inflows, outflows).total == pytest.approx(growth - 1, rel=1e-9, abs=1e-9)


@given(st.floats(-0.95, 5.0), st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 10_000)), min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_money_weighted_return_finds_the_rate_that_the_flows_were_made_with(rate, deposits):
    end = 4000
    final = sum(amount * (1 + rate) ** ((end - day) / 365) for day, amount in deposits)
    assume(final > 1e-6)
    flows = [(START + timedelta(days=day), -amount) for day, amount in deposits]
    found = money_weighted_return([*flows, (START + timedelta(days=end), final)])
    assert found == pytest.approx(rate, rel=1e-6, abs=1e-9)


def test_flows_in_one_direction_have_no_rate():
    with pytest.raises(DataError, match="no rate of return"):
        money_weighted_return([(START, -100), (START + timedelta(days=10), -50)])


def test_a_day_without_money_at_work_has_no_return_and_does_not_break_the_chain():
    result = time_weighted_return([100, 0, 0, 50, 55], [100, 0, 0, 50, 0], [0, 110, 0, 0, 0])
    assert result.daily[2] is None
    assert result.total == pytest.approx(1.1 * 1.1 - 1)


def test_values_may_be_a_polars_series_of_decimals():
    series = pl.Series([100, 110]).cast(pl.Decimal(38, 10))
    assert time_weighted_return(series).total == pytest.approx(0.1)


def test_series_of_different_length_are_refused():
    with pytest.raises(DataError, match="differ in length"):
        time_weighted_return([1, 2], [1])


def test_a_flow_outside_the_period_of_modified_dietz_is_refused():
    with pytest.raises(DataError, match="outside the period"):
        modified_dietz(1, 2, [(date(2021, 1, 1), 1)], begin=START, end=date(2020, 12, 31))


def test_a_return_on_nothing_invested_is_refused():
    with pytest.raises(DataError, match="needs money invested"):
        simple_return(1, 0)


def test_linking_no_returns_gives_no_return():
    assert link_returns([]) == 0


def test_values_that_only_rise_have_no_drawdown():
    assert max_drawdown([1, 2, 3]) == 0


def test_the_volatility_of_one_return_is_refused():
    with pytest.raises(DataError, match="two returns"):
        annualised_volatility([None, 0.1])
