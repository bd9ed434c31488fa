"""What the build refuses, and what it does not build on top of it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def refused(silver, dbt, tmp_path_factory):
    for portfolio in ("oversold", "unknown-currency", "no-profile"):
        silver.portfolio(portfolio)
    silver.security("A")
    silver.security("X", "XXX")
    for symbol in ("A", "X", "NOPROFILE"):
        silver.bars(symbol, {"2020-01-02": 10, "2020-01-03": 11})
    silver.trade("oversold", "2020-01-02", "buy", "A", 1, 10)
    silver.trade("oversold", "2020-01-03", "sell", "A", 2, 10)
    silver.trade("unknown-currency", "2020-01-02", "buy", "X", 1, 10)
    silver.trade("no-profile", "2020-01-02", "buy", "NOPROFILE", 1, 10)
    silver.cash("nobody", "2020-01-02", "deposit", 1)
    database = silver.write(tmp_path_factory.mktemp("refused") / "refused.duckdb")
    # Each refusal is looked at apart, so a model is built although a test above it failed.
    built = dbt(database, "run", "--select", "+intermediate")
    assert built.exit_code == 0, built.output
    return dbt(database, "test", "--select", "staging", "intermediate", "--exclude", "test_type:unit")


def test_the_build_fails(refused):
    assert refused.exit_code != 0


def test_a_sale_of_more_than_is_held_is_refused(refused):
    assert refused.failures["accepted_range_int_holdings_quantity__0"] == 1


def test_an_unknown_currency_is_refused_on_every_day_without_a_rate(refused):
    assert refused.failures["not_null_int_fx_rates_filled_fx_rate"] == 2


def test_a_held_security_without_a_profile_is_refused(refused):
    assert refused.failures["not_null_int_positions_currency"] == 2
    assert sum(name.startswith("relationships_int_positions_symbol") for name in refused.failures) == 1


def test_a_transaction_of_an_unknown_portfolio_is_refused(refused):
    assert sum(name.startswith("relationships_stg_files__transactions_portfolio_id") for name in refused.failures) == 1


def test_nothing_else_is_refused(refused):
    assert len(refused.failures) == 5


def test_the_offending_rows_are_kept(refused):
    rows = refused.query(
        "select portfolio_id, symbol from finks_dbt_test__audit.accepted_range_int_holdings_quantity__0"
    )
    assert rows == [("oversold", "A")]
