"""Splits and dividends on quantities and prices."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import prod

import polars as pl

from finks.errors import DataError
from finks.returns.number import Number, exact, require_positive

BAR_COLUMNS = ("session", "close")
SPLIT_COLUMNS = ("ex_date", "numerator", "denominator")
DIVIDEND_COLUMNS = ("ex_date", "amount")


def adjust_quantity(quantity: Number, splits: Iterable[tuple[Number, Number]]) -> Decimal:
    """Shares after splits: quantity * product of numerators / product of denominators, in this order.

    So 357 shares at 1:3 are exactly 119.

    Args:
        quantity: Shares before all of the splits.
        splits: Numerator (new shares) and denominator (old shares) of each.
    """
    numerator, denominator = _factors(splits)
    return exact(quantity) * numerator / denominator


def adjust_price(price: Number, splits: Iterable[tuple[Number, Number]]) -> Decimal:
    """A price on the basis after splits: what one new share would have cost. Arguments as in `adjust_quantity`."""
    numerator, denominator = _factors(splits)
    return exact(price) * denominator / numerator


def total_return(
    bars: pl.DataFrame, splits: pl.DataFrame | None = None, dividends: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Returns of one security between sessions, dividends reinvested at the close of their ex-date.

    r = (close * split ratio + dividend) / previous close - 1. An action between two sessions counts on the later
    one; those up to the first session are left out.

    Args:
        bars: `session` and `close`, as traded (not adjusted), one row per session.
        splits: `ex_date`, `numerator`, `denominator`.
        dividends: `ex_date` and `amount` as paid per share held before the ex-date.

    Returns:
        One row per session in order of time: `session`, `close` (Float64), `split_ratio`, `dividend`,
        `price_return`, `total_return` (null on the first session), `cumulative_price_return`,
        `cumulative_total_return`.

    Raises:
        DataError: A column is missing, a close is not positive, or a session occurs twice.
    """
    close, previous = pl.col("close"), pl.col("close").shift(1)
    return (
        _sessions(bars, splits, dividends)
        .with_columns(
            price_return=close * pl.col("split_ratio") / previous - 1,
            total_return=(close * pl.col("split_ratio") + pl.col("dividend")) / previous - 1,
        )
        .with_columns(
            cumulative_price_return=(pl.col("price_return").fill_null(0.0) + 1).cum_prod() - 1,
            cumulative_total_return=(pl.col("total_return").fill_null(0.0) + 1).cum_prod() - 1,
        )
    )


def back_adjusted_close(
    bars: pl.DataFrame, splits: pl.DataFrame | None = None, dividends: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Closes restated for all later splits and dividends, as Yahoo does (help article SLN28256).

    Each earlier close is multiplied by 1 / split ratio and by 1 - dividend / close of the session before the ex-date.
    Good for charts; a total return from it differs in the second order from `total_return`.

    Args:
        bars: As in `total_return`.
        splits: As in `total_return`.
        dividends: As in `total_return`.

    Returns:
        `session`, `close` and `adjusted_close` (Float64), in order of time.

    Raises:
        DataError: As in `total_return`.
    """
    factor = (1 - pl.col("dividend") / pl.col("close").shift(1)) / pl.col("split_ratio")
    later = factor.shift(-1).fill_null(1.0).cum_prod(reverse=True)
    sessions = _sessions(bars, splits, dividends)
    return sessions.select("session", "close", adjusted_close=pl.col("close") * later)


def _factors(splits: Iterable[tuple[Number, Number]]) -> tuple[Decimal, Decimal]:
    pairs = list(splits)
    for numerator, denominator in pairs:
        require_positive(numerator, "numerator")
        require_positive(denominator, "denominator")
    return prod((exact(n) for n, _ in pairs), start=Decimal(1)), prod((exact(d) for _, d in pairs), start=Decimal(1))


def _sessions(bars: pl.DataFrame, splits: pl.DataFrame | None, dividends: pl.DataFrame | None) -> pl.DataFrame:
    """One row per session with the split ratio and the dividend since the session before."""
    _require(bars, BAR_COLUMNS, "bars")
    sessions = bars.select(pl.col("session"), pl.col("close").cast(pl.Float64)).sort("session")
    if sessions["session"].is_duplicated().any():
        raise DataError("a session occurs twice", where="bars", hint="pass the bars of one security")
    if not (sessions["close"] > 0).all():
        raise DataError("a close is not positive", where="bars", expected="closes greater than 0")
    ratio = pl.col("numerator").cast(pl.Float64).product() / pl.col("denominator").cast(pl.Float64).product()
    amount = pl.col("amount").cast(pl.Float64).sum()
    for name, actions, columns, value in (
        ("split_ratio", splits, SPLIT_COLUMNS, ratio),
        ("dividend", dividends, DIVIDEND_COLUMNS, amount),
    ):
        neutral = 1.0 if name == "split_ratio" else 0.0
        if actions is None:
            sessions = sessions.with_columns(pl.lit(neutral).alias(name))
            continue
        _require(actions, columns, name)
        grouped = _by_session(actions, sessions).group_by("session").agg(value.alias(name))
        sessions = sessions.join(grouped, on="session", how="left").with_columns(pl.col(name).fill_null(neutral))
    return sessions.sort("session")


def _by_session(actions: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Every action with the first session on or after its ex-date; none at or before the first session."""
    after_first = actions.filter(pl.col("ex_date") > sessions["session"].min()).sort("ex_date")
    days = sessions.select("session", ex_date="session")
    return after_first.join_asof(days, on="ex_date", strategy="forward").drop_nulls("session")


def _require(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise DataError(
            "a column is missing", where=name, expected=", ".join(missing), got=", ".join(frame.columns) or "no column"
        )
