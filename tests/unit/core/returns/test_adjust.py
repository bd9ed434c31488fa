from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from finks.errors import DataError
from finks.returns import adjust_price, adjust_quantity, back_adjusted_close, total_return

BARS = pl.DataFrame({"session": [date(2020, 1, d) for d in (1, 2, 6)], "close": ["10", "11", "6"]}).with_columns(
    pl.col("close").cast(pl.Decimal(38, 12))
)


def actions(**columns):
    return pl.DataFrame(columns)


def test_quantity_and_price_move_against_each_other_over_a_split():
    splits = [(7, 3), (1, 10)]
    assert adjust_quantity(30, splits) == 7
    assert adjust_price(70, splits) == 300


def test_a_factor_that_is_not_positive_is_refused():
    with pytest.raises(DataError, match="denominator must be positive"):
        adjust_quantity(1, [(1, 0)])


def test_an_action_between_two_sessions_counts_on_the_later_one():
    splits = actions(ex_date=[date(2020, 1, 4)], numerator=[2], denominator=[1])
    dividends = actions(ex_date=[date(2020, 1, 5)], amount=[Decimal("1")])
    row = total_return(BARS, splits, dividends).row(2, named=True)
    assert (row["split_ratio"], row["dividend"]) == (2, 1)
    assert row["total_return"] == pytest.approx((6 * 2 + 1) / 11 - 1)


def test_an_action_on_or_before_the_first_session_is_left_out():
    dividends = actions(ex_date=[date(2019, 1, 1), date(2020, 1, 1), date(2020, 1, 2)], amount=[5, 5, 1])
    assert total_return(BARS, None, dividends)["dividend"].to_list() == [0, 1, 0]


def test_two_actions_between_the_same_sessions_both_count():
    splits = actions(ex_date=[date(2020, 1, 3), date(2020, 1, 5)], numerator=[2, 3], denominator=[1, 1])
    assert total_return(BARS, splits)["split_ratio"].to_list() == [1, 1, 6]


def test_the_last_close_is_never_adjusted():
    splits = actions(ex_date=[date(2020, 1, 6)], numerator=[2], denominator=[1])
    assert back_adjusted_close(BARS, splits)["adjusted_close"].to_list() == [5, 5.5, 6]


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        (BARS.drop("close"), "a column is missing"),
        (pl.concat([BARS, BARS]), "a session occurs twice"),
        (BARS.with_columns(close=pl.lit(0)), "not positive"),
    ],
)
def test_bars_that_cannot_be_right_are_refused(bars, message):
    with pytest.raises(DataError, match=message):
        total_return(bars)
