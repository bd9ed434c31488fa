"""The whole path from the simulated vendor to Gold, and what a second run does."""

from __future__ import annotations

from decimal import Decimal

import finks
import polars as pl
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def twice(run):
    return run(), run()


def test_the_first_run_publishes_and_the_second_adds_nothing(settings, twice):
    first, second = twice
    assert (first.exit_code, first.gold.status) == (0, "published")
    assert {name for name, stream in second.streams.items() if stream.calls} == {
        "files_transactions",
        "files_portfolios",
    }
    assert all(stream.slices in ({}, {"unchanged": 1}) for stream in second.streams.values())
    assert second.total("new") + second.total("changed") + second.total("retracted") == 0
    assert (second.gold.status, second.gold.release) == ("unchanged", first.gold.release)
    for stream in first.streams.values():
        assert stream.read == stream.good + stream.rejected + stream.duplicates


def test_gold_holds_both_portfolios_and_is_continuous_over_every_split(settings, run):
    assert run().exit_code == 0
    lake = finks.open(settings.lake.path)
    summary = lake.gold("daily_portfolio_summary").polars()
    assert summary["portfolio_id"].n_unique() >= 2
    positions = lake.gold("fct_position_daily").polars().sort("portfolio_id", "symbol", "date")
    traded = set(lake.latest("files_transactions").polars().select("portfolio_id", "symbol", "trade_date").iter_rows())
    splits = lake.latest("fmp_splits").polars()
    assert splits.height >= 3
    for symbol, ex_date, ratio in splits.select(
        "symbol", "ex_date", pl.col("numerator") / pl.col("denominator")
    ).rows():
        held = positions.filter(pl.col("symbol") == symbol)
        before = held.filter(pl.col("date") < ex_date).group_by("portfolio_id").last()
        on = held.filter(pl.col("date") == ex_date)
        for row in before.join(on, on="portfolio_id", suffix="_on").iter_rows(named=True):
            if (row["portfolio_id"], symbol, ex_date) not in traded:
                assert row["quantity_on"] == row["quantity"] * ratio
                assert 0.9 < row["market_value_local_on"] / row["market_value_local"] < 1.1


def test_buy_and_hold_with_dividends_reinvested_equals_the_published_values(settings, run):
    assert run(gold=False).exit_code == 0
    lake = finks.open(settings.lake.path)
    expected = {"AAPL": "12.40861582", "MSFT": "-0.18333291", "IBM": "1.37921285"}
    for symbol, value in expected.items():
        returns = finks.returns.total_return(
            *(
                lake.latest(table, keys={"symbol": [symbol]}).polars()
                for table in ("fmp_daily_bars", "fmp_splits", "fmp_dividends")
            )
        )
        assert f"{returns['cumulative_total_return'][-1]:.8f}" == value


def test_a_restated_price_is_two_versions_and_corrects_the_summary(settings, vendor, run):
    first = run()
    between = first.finished_at
    vendor.restate("AAPL", "2013-02-28", "close", "431.00")
    second = run(refetch=frozenset({"daily_bars/AAPL"}))
    assert second.stream("fmp_daily_bars").changed == 1
    assert any("2013-02-28" in change and "431" in change for change in second.stream("fmp_daily_bars").changes)
    lake = finks.open(settings.lake.path)

    def close(dataset):
        bars = dataset.polars().filter((pl.col("symbol") == "AAPL") & (pl.col("session") == pl.date(2013, 2, 28)))
        return bars["close"].to_list()

    assert close(lake.history("fmp_daily_bars")) == [Decimal("441.4"), Decimal("431")]
    assert close(lake.as_of("fmp_daily_bars", between)) == [Decimal("441.4")]
    assert close(lake.latest("fmp_daily_bars")) == [Decimal("431")]
    assert second.gold.status == "published"
    prices = lake.sql(
        "select distinct price from gold.fct_position_daily where symbol = 'AAPL' and date = date '2013-02-28'"
    ).polars()
    assert [Decimal(str(p)) for p in prices["price"].to_list()] == [Decimal("431")]


def test_a_failing_dbt_test_leaves_the_served_gold_and_says_so(settings, vendor, run):
    first = run()
    served = finks.open(settings.lake.path).gold("daily_portfolio_summary").arrow()
    path = settings.sources["files"]["root"] / "transactions.csv"
    lines = path.read_text().splitlines()
    header = lines[0].split(",")
    sell = {"portfolio_id": lines[1].split(",")[header.index("portfolio_id")], "transaction_id": "oversold",
            "trade_date": "2013-02-28", "kind": "sell", "symbol": "IBM", "quantity": "1000000", "price": "200",
            "currency": "USD"}  # fmt: skip
    path.write_text("\n".join([*lines, ",".join(sell.get(name, "") for name in header)]) + "\n")
    second = run(refetch=frozenset({"transactions"}))
    assert (second.gold.status, second.exit_code) == ("failed", 5)
    assert second.gold.failures
    assert second.gold.release == first.gold.release
    assert finks.open(settings.lake.path).gold("daily_portfolio_summary").arrow().equals(served)


def test_ingesting_only_leaves_silver_to_the_next_run_which_fetches_nothing(run, settings):
    first = run(refine=False)
    tables = finks.open(settings.lake.path).tables()
    assert (first.exit_code, first.total("calls") > 2, tables["silver"]) == (0, True, [])
    second = run(gold=False)
    assert second.exit_code == 0
    assert second.streams["fmp_daily_bars"].calls == 0
    assert second.streams["fmp_daily_bars"].new > 1000
