"""The simulated vendor's statements keep the real one's habits, and add up."""

from __future__ import annotations

import json
from datetime import date

import pytest
from finks_connectors.fmp.simulator import SimulatedFmp

PATH = "income-statement"


@pytest.fixture(scope="module")
def vendor():
    """One vendor for the module; a test that goes to another day comes back."""
    with SimulatedFmp(keys={"simulated": "ultimate", "free": "basic"}) as running:
        yield running


@pytest.fixture
def statements(ask):
    def get(symbol: str = "IBM", **params: str) -> list[dict]:
        response = ask(PATH, symbol=symbol, **params)
        assert response.status == 200, response.body
        return json.loads(response.body)

    return get


def test_five_years_come_newest_first_unless_more_is_asked_for(statements):
    assert [row["fiscalYear"] for row in statements()] == ["2012", "2011", "2010", "2009", "2008"]
    assert len(statements(limit="400")) == 13


def test_the_free_plan_refuses_more_than_five(ask):
    refused = ask(PATH, symbol="IBM", limit="6", key="free")
    assert (refused.status, refused.body) == (402, b"Premium Query Parameter: 'limit'")
    assert ask(PATH, symbol="IBM", limit="5", key="free").status == 200


def test_the_free_plan_refuses_quarters(ask):
    refused = ask(PATH, symbol="IBM", period="quarter", limit="5", key="free")
    assert refused.status == 402
    assert b"value set for 'period'" in refused.body


def test_an_unknown_period_is_taken_for_a_year_without_a_word(statements):
    assert statements(period="bogus") == statements(period="annual") == statements()
    assert {row["period"] for row in statements(period="quarter")} == {"Q1", "Q2", "Q3", "Q4"}
    assert {row["period"] for row in statements(period="Q2")} == {"Q2"}


def test_what_has_no_statements_is_an_empty_list(statements):
    assert statements(symbol="EURUSD") == statements(symbol="NOPE") == []


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "IBM", "GOOG", "FB"])
def test_a_year_is_the_sum_of_its_quarters(statements, symbol):
    quarters = statements(symbol, period="quarter", limit="400")
    for year in statements(symbol, limit="400"):
        parts = [row for row in quarters if row["fiscalYear"] == year["fiscalYear"]]
        assert len(parts) == 4
        for name in ("revenue", "costOfRevenue", "operatingIncome", "incomeTaxExpense", "netIncome"):
            assert year[name] == sum(part[name] for part in parts)
        assert year["date"] == max(part["date"] for part in parts)


@pytest.mark.parametrize("period", ["annual", "quarter"])
def test_every_statement_adds_up_and_is_filed_after_its_end(statements, period):
    for row in statements("AAPL", period=period, limit="400"):
        assert row["grossProfit"] == row["revenue"] - row["costOfRevenue"]
        assert row["operatingIncome"] == row["grossProfit"] - row["operatingExpenses"]
        assert row["netIncome"] == row["operatingIncome"] + row["totalOtherIncomeExpensesNet"] - row["incomeTaxExpense"]
        assert row["eps"] == pytest.approx(row["netIncome"] / row["weightedAverageShsOut"], abs=0.005)
        assert row["date"] < row["acceptedDate"][:10] <= row["filingDate"] <= "2013-03-01"


def test_the_restatement_stands_where_the_old_numbers_stood_from_its_day_on(vendor, statements):
    asked = {"period": "quarter", "limit": "400"}
    after = {row["date"]: row for row in statements(**asked)}
    vendor.today = date(2013, 1, 21)
    before = {row["date"]: row for row in statements(**asked)}
    vendor.today = date(2013, 3, 1)
    assert [day for day in before if before[day] != after[day]] == ["2011-12-31"]
    old, new = before["2011-12-31"], after["2011-12-31"]
    assert (old["revenue"] - new["revenue"], old["filingDate"]) == (310_000_000, new["filingDate"])
