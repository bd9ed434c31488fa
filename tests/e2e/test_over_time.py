"""Runs on several logical dates: what is asked again, what is retracted, what is repaired."""

from __future__ import annotations

from datetime import date, timedelta

import finks
import polars as pl
import pytest
from finks.errors import ConfigurationError
from finks.run.runner import Runner, RunOptions
from finks_connectors.demo.command import LAST_SESSION

BEFORE = date(2013, 2, 14)


@pytest.fixture
def lake(settings):
    return lambda: finks.open(settings.lake.path)


def test_a_removed_transaction_and_a_removed_portfolio_are_retracted(settings, run, lake):
    run(gold=False)
    folder = settings.sources["files"]["root"]
    for name in ("transactions.csv", "portfolios.csv"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join(lines[:-1]) + "\n")
    before = {name: lake().latest(f"files_{name}").polars().height for name in ("transactions", "portfolios")}
    report = run(gold=False)
    assert [report.stream(f"files_{name}").retracted for name in before] == [1, 1]
    after = {name: lake().latest(f"files_{name}").polars().height for name in before}
    assert after == {name: rows - 1 for name, rows in before.items()}


def test_a_withdrawn_split_is_retracted(vendor, run, lake):
    vendor.add_split("AAPL", date(2013, 2, 15), 2)
    run(gold=False)
    assert lake().latest("fmp_splits", keys=["AAPL"]).polars().height == 3
    vendor.remove_split("AAPL", date(2013, 2, 15))
    assert run(gold=False, refetch=frozenset({"splits"})).stream("fmp_splits").retracted == 1
    assert lake().latest("fmp_splits", keys=["AAPL"]).polars().height == 2


def test_the_newest_bar_can_be_retracted(vendor, run, lake):
    run(gold=False)
    vendor.remove("IBM", LAST_SESSION.isoformat())
    report = run(gold=False, refetch=frozenset({"daily_bars/IBM"}))
    assert report.stream("fmp_daily_bars").retracted == 1
    assert lake().latest("fmp_daily_bars", keys=["IBM"]).polars()["session"].max() < LAST_SESSION


def test_no_day_is_lost_between_runs_that_are_far_apart(vendor, run, lake):
    vendor.today = BEFORE - timedelta(days=1)
    run(gold=False, logical_date=BEFORE)
    vendor.today = LAST_SESSION
    assert run(gold=False).exit_code == 0
    sessions = lake().latest("fmp_daily_bars", keys=["AAPL"]).polars()["session"]
    assert sessions.is_in([BEFORE]).any()
    assert sessions.len() == 3270


def test_a_late_restatement_after_a_split_is_fetched(vendor, run, lake):
    vendor.today = BEFORE
    run(gold=False, logical_date=BEFORE)
    vendor.add_split("IBM", BEFORE + timedelta(days=1), 2)
    vendor.today = LAST_SESSION
    report = run(gold=False)
    assert report.stream("fmp_adjusted_daily_bars").changed > 3000
    closes = lake().latest("fmp_adjusted_daily_bars", keys=["IBM"]).polars().sort("session")["close"].cast(pl.Float64)
    moves = (closes / closes.shift(1)).drop_nulls()
    assert (~moves.is_between(0.8, 1.25)).sum() == 1, "on the ex-date only: one basis before it, one after"


def test_a_restated_income_statement_is_a_version_of_its_year(settings, vendor, lake):
    fmp = {**settings.sources["fmp"], "symbols": ["IBM"], "select": ["income_statements"]}
    small = settings.model_copy(update={"sources": {"fmp": fmp}})
    for day in (date(2013, 1, 21), date(2013, 2, 1)):
        vendor.today = day
        report = Runner(small, RunOptions(logical_date=day, gold=False)).run()
    assert report.stream("fmp_income_statements").changed == 1
    old, new = (
        lake()
        .history("fmp_income_statements")
        .polars()
        .filter(pl.col("fiscal_year") == 2011)
        .sort("_known_at")
        .to_dicts()
    )
    assert old["revenue"] - new["revenue"] == 310_000_000
    assert old["filing_date"] == new["filing_date"] == date(2012, 2, 24)


def test_a_logical_date_in_the_future_is_refused(run):
    with pytest.raises(ConfigurationError, match="future"):
        run(logical_date=date(2999, 1, 1))


def test_an_unknown_name_to_fetch_again_is_refused_with_the_known_ones(run):
    with pytest.raises(ConfigurationError, match="daily_bars, adjusted_daily_bars"):
        run(refetch=frozenset({"daily_barz"}))


def test_an_unknown_symbol_is_named_in_the_report(settings, run):
    settings.sources["fmp"]["symbols"] = ["AAPL", "APPL"]
    report = run(gold=False)
    assert report.stream("fmp_daily_bars").empty == ["APPL"]
