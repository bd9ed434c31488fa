"""The published worked examples, each through the marts or through `finks.returns`, in one dbt build."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from finks import returns
from finks.returns import Trade

pytestmark = pytest.mark.slow

LEFT_OUT: Mapping[str, str] = {}
"""Examples that neither the marts nor `finks.returns` can express, with the reason."""

CHECKS: dict[str, Callable[..., None]] = {}

CENT = 0.005
"""The examples state money in cents."""


def oracle(name: str):
    """Registers the check of one example, by its id."""

    def register(check: Callable[..., None]) -> Callable[..., None]:
        CHECKS[name] = check
        return check

    return register


@pytest.fixture(scope="module")
def cases(recorded) -> dict[str, Any]:
    return {case["id"]: case for case in json.loads((recorded / "portfolio_oracles.json").read_text())}


@pytest.fixture(scope="module")
def marts(cases, silver, dbt, tmp_path_factory):
    for build in (
        fund_with_flows,
        fifo_and_currency,
        flows_after_the_close,
        currency_returns,
        splits_on_holdings,
        fees_and_dividends,
        invested_in_another_currency,
    ):
        build(silver, {name: case["inputs"] for name, case in cases.items()})
    built = dbt(silver.write(tmp_path_factory.mktemp("oracles") / "oracles.duckdb"), "build")
    assert built.exit_code == 0, built.output
    return built


# What is bought and what it is worth, as the examples state it.


def fund_with_flows(silver, inputs):
    """A fund whose price makes the portfolio worth what the example says; flows stay in cash."""
    name, case = "pp_ttwror_daily", inputs["pp_ttwror_daily"]
    silver.portfolio(name)
    silver.security("FUND")
    cash = Decimal(0)
    for number, value in enumerate(case["value_end_of_day"]):
        day = str(date(2011, 12, 31) + timedelta(days=number))
        cash += Decimal(str(case["inflow"][number])) - Decimal(str(case["outflow"][number]))
        silver.bars("FUND", {day: (Decimal(str(value)) - cash) / 10000})
        if case["inflow"][number]:
            silver.cash(name, day, "deposit", case["inflow"][number])
        if case["outflow"][number]:
            silver.cash(name, day, "withdrawal", case["outflow"][number])
    silver.cash(name, "2011-12-31", "deposit", 10000)
    silver.trade(name, "2011-12-31", "buy", "FUND", 10000, 1)

    wahed = "wahed_gain_but_negative_twr"
    silver.portfolio(wahed)
    silver.security("WAHED")
    silver.bars("WAHED", {"2020-01-01": 1, "2020-02-01": "0.5", "2020-03-01": "0.55"})
    deposit(silver, wahed, "2020-01-01", "WAHED", 2000, 1)
    deposit(silver, wahed, "2020-02-02", "WAHED", 60000, "0.5")


def deposit(silver, name, day, symbol, quantity, price, **more):
    """Money comes in and buys shares at once."""
    silver.cash(name, day, "deposit", Decimal(str(quantity)) * Decimal(str(price)), **more)
    silver.trade(name, day, "buy", symbol, quantity, price, **more)


def fifo_and_currency(silver, inputs):
    case = inputs["pp_fifo_vs_avg"]
    silver.portfolio("pp_fifo_vs_avg")
    silver.security("FIFO")
    for day, quantity, amount in case["buys"]:
        silver.trade("pp_fifo_vs_avg", day, "buy", "FIFO", quantity, Decimal(str(amount)) / quantity)
    day, quantity, amount = case["sell"]
    silver.trade("pp_fifo_vs_avg", day, "sell", "FIFO", quantity, Decimal(str(amount)) / quantity)
    silver.bars("FIFO", {day: case["price"]})

    silver.security("FXGAIN")
    silver.bars("FXGAIN", {"2024-04-01": 80})
    silver.fx("USDEUR", {"2024-01-01": "0.9", "2024-02-01": "0.85", "2024-03-01": "0.88"})
    silver.fx("EURUSD", {"2024-04-01": "1.1588"})
    for base in ("EUR", "USD"):
        name = f"pp_fx_gains_{base}"
        silver.portfolio(name, base)
        silver.trade(name, "2024-01-01", "buy", "FXGAIN", 100, 50)
        silver.trade(name, "2024-02-01", "buy", "FXGAIN", 50, 60)
        silver.trade(name, "2024-03-01", "sell", "FXGAIN", 50, 70)

    case = inputs["rotki_fifo"]
    silver.portfolio("rotki_fifo")
    silver.security("ROTKI")
    for number, (quantity, price) in enumerate(case["buys"]):
        silver.trade("rotki_fifo", f"2020-01-0{number + 1}", "buy", "ROTKI", quantity, price)
    silver.trade("rotki_fifo", "2020-01-09", "sell", "ROTKI", case["spend"], 1000)


def flows_after_the_close(silver, inputs):
    """These examples value a day before its flow, so the flow is dated the next day."""
    name = "fava_twr_two_assets"
    silver.portfolio(name)
    for symbol in ("CORPA", "CORPB", "PLAN"):
        silver.security(symbol)
    silver.bars("CORPA", {"2020-01-01": 100, "2020-07-01": 105, "2020-12-01": 110})
    silver.bars("CORPB", {"2020-07-01": 200, "2020-12-01": 300})
    deposit(silver, name, "2020-01-01", "CORPA", 1, 100)
    deposit(silver, name, "2020-07-02", "CORPB", 1, 200)

    silver.portfolio("fava_savings_plan")
    for day, price in inputs["fava_savings_plan"]["buys_1_share"]:
        silver.bars("PLAN", {day: price})
        bought = day if price == 10 else day[:-1] + "2"
        deposit(silver, "fava_savings_plan", bought, "PLAN", 1, price)


def currency_returns(silver, inputs):
    case = inputs["fava_fx_twr"]
    silver.security("FAVAFX", "NOK")
    silver.bars("FAVAFX", case["price_base"])
    silver.fx("NOKSEK", case["fx_base_to_target"])
    for base in ("NOK", "SEK"):
        silver.portfolio(f"fava_fx_twr_{base}", base)
        deposit(silver, f"fava_fx_twr_{base}", "2020-01-01", "FAVAFX", 1, 2, currency="NOK")


def splits_on_holdings(silver, inputs):
    quantity, price = inputs["ghostfolio_split_no_double_count"]["buy"][1:]
    silver.portfolio("ghostfolio_split_no_double_count")
    silver.security("GFSPLIT")
    silver.split("GFSPLIT", "2023-07-10", 2, 1)
    silver.trade("ghostfolio_split_no_double_count", "2023-07-09", "buy", "GFSPLIT", quantity, price)
    silver.bars("GFSPLIT", {"2023-07-10": inputs["ghostfolio_split_no_double_count"]["provider_price"]})

    for case, splits in {"reverse": [(1, 10)], "chain": [(2, 1), (1, 3)], "sold": [(2, 1)]}.items():
        held_through_splits(silver, f"ghostfolio_multi_{case}", f"GF{case}".upper(), 10, splits)
    silver.trade("ghostfolio_multi_sold", "2020-06-01", "sell", "GFSOLD", 5, 60)

    for number, (shares, text) in enumerate(inputs["pp_reverse_split_shares"]["cases"]):
        splits = [tuple(map(int, pair.split(":"))) for pair in text.split(" then ")]
        held_through_splits(silver, f"pp_reverse_split_shares_{number}", f"PPSPLIT{number}", shares, splits)


def held_through_splits(silver, name, symbol, shares, splits):
    silver.portfolio(name)
    silver.security(symbol)
    silver.trade(name, "2020-01-01", "buy", symbol, shares, 100)
    for month, (numerator, denominator) in enumerate(splits, start=2):
        silver.split(symbol, f"2020-0{month}-01", numerator, denominator)
    silver.bars(symbol, {"2020-12-31": 60})


def fees_and_dividends(silver, inputs):
    case = inputs["ghostfolio_msft_dividend_fee"]
    silver.portfolio("ghostfolio_msft_dividend_fee")
    silver.security("GFMSFT")
    day, quantity, price = case["buy"]
    silver.trade("ghostfolio_msft_dividend_fee", day, "buy", "GFMSFT", quantity, price, fee=case["fee"])
    silver.dividend("GFMSFT", *case["dividend"])
    silver.bars("GFMSFT", {"2023-07-10": case["price_2023_07_10"]})

    case = inputs["ghostfolio_baln_closed"]
    silver.portfolio("ghostfolio_baln_closed")
    silver.security("BALN")
    for kind in ("buy", "sell"):
        day, quantity, price, fee = case[kind]
        silver.trade("ghostfolio_baln_closed", day, kind, "BALN", quantity, price, fee=fee)


def invested_in_another_currency(silver, inputs):
    case = inputs["hledger_fx_valuation"]
    silver.security("HLEDGER", "RUB")
    silver.bars("HLEDGER", {"2020-12-01": 1, "2021-01-01": "1.1"})
    silver.fx("USDRUB", case["fx"])
    for base in ("USD", "RUB"):
        silver.portfolio(f"hledger_fx_valuation_{base}", base)
        deposit(silver, f"hledger_fx_valuation_{base}", "2020-12-01", "HLEDGER", case["invest_usd"], 1, currency="RUB")


# What is asked of the marts.


def summary(marts, name: str, columns: str) -> list[tuple[Any, ...]]:
    rows = marts.query(
        f"select {columns} from finks.daily_portfolio_summary where portfolio_id = ? order by date", name
    )
    assert rows, name
    return rows


def position(marts, name: str, columns: str) -> tuple[Any, ...]:
    """The last position of a portfolio of one security."""
    return marts.query(
        f"select {columns} from finks.fct_position_daily where portfolio_id = ? order by date desc limit 1", name
    )[0]


def cumulative_on(marts, name: str, day: str) -> float:
    return marts.query(
        "select max_by(cumulative_return, date) from finks.daily_portfolio_summary "
        "where portfolio_id = ? and date <= cast(? as date)",
        name,
        day,
    )[0][0]


@oracle("pp_ttwror_daily")
def _(case, marts):
    rows = summary(marts, "pp_ttwror_daily", "daily_return, cumulative_return, total_value")
    expected, tolerance = case["expected"], case["expected"]["tolerance"]
    assert [float(row[2]) for row in rows] == case["inputs"]["value_end_of_day"]
    assert [row[0] for row in rows] == pytest.approx(expected["daily"], abs=tolerance)
    assert [row[1] for row in rows] == pytest.approx(expected["accumulated"], abs=tolerance)


def xirr(case) -> float:
    flows = [(date.fromisoformat(day), amount) for day, amount in case["inputs"]["flows"]]
    return returns.money_weighted_return(flows)


@oracle("pp_xirr_simple")
def _(case, marts):
    assert xirr(case) == pytest.approx(case["expected"], abs=1e-8)


@oracle("pp_xirr_dividends")
def _(case, marts):
    assert xirr(case) == pytest.approx(case["expected"], abs=1e-4)


@oracle("pp_xirr_near_total_loss")
def _(case, marts):
    assert xirr(case) == pytest.approx(case["expected"], abs=1e-4)


@oracle("pp_fifo_vs_avg")
def _(case, marts):
    inputs, expected = case["inputs"], case["expected"]
    realised, unrealised = summary(marts, "pp_fifo_vs_avg", "realised_pnl, unrealised_pnl")[-1]
    assert float(realised) == pytest.approx(expected["realised_fifo"], abs=CENT)
    assert float(unrealised) == pytest.approx(expected["unrealised_fifo"], abs=CENT)
    trades = [Trade("buy", quantity, amount) for _, quantity, amount in inputs["buys"]]
    trades.append(Trade("sell", *inputs["sell"][1:]))
    fifo = returns.fifo_gains(trades, price=inputs["price"])
    average = returns.average_cost_gains(trades, price=inputs["price"])
    assert float(fifo.realised) == pytest.approx(expected["realised_fifo"], abs=CENT)
    assert float(fifo.unrealised or 0) == pytest.approx(expected["unrealised_fifo"], abs=CENT)
    assert float(average.realised) == pytest.approx(expected["realised_avg"], abs=CENT)
    assert float(average.unrealised or 0) == pytest.approx(expected["unrealised_avg"], abs=CENT)


@oracle("pp_fx_gains")
def _(case, marts):
    expected = case["expected"]
    realised = {
        base: sum(r for (r,) in summary(marts, f"pp_fx_gains_{base}", "realised_pnl")) for base in ("EUR", "USD")
    }
    assert realised == {"EUR": expected["realised_fifo_eur"], "USD": expected["realised_fifo_usd"]}
    assert summary(marts, "pp_fx_gains_USD", "unrealised_pnl")[-1][0] == expected["unrealised_fifo_usd"]
    average = returns.average_cost_gains(
        [
            Trade("buy", 100, 5000, Decimal("0.9")),
            Trade("buy", 50, 3000, Decimal("0.85")),
            Trade("sell", 50, 3500, Decimal("0.88")),
        ],
        price=80,
        fx_rate=1 / Decimal("1.1588"),
    )
    assert float(average.realised) == pytest.approx(expected["realised_avg_eur"], abs=CENT)
    assert float(average.realised_fx) == pytest.approx(expected["realised_avg_fx_part_eur"], abs=CENT)
    assert float(average.unrealised or 0) == pytest.approx(expected["unrealised_avg_eur"], abs=CENT)
    assert float(average.unrealised_fx or 0) == pytest.approx(expected["unrealised_avg_fx_part_eur"], abs=CENT)


@oracle("fava_twr_two_assets")
def _(case, marts):
    found = [cumulative_on(marts, "fava_twr_two_assets", day) for day in ("2020-01-01", "2020-07-01", "2020-12-01")]
    assert found == pytest.approx([0, 0.05, case["expected"]["exact_last"]], abs=1e-12)


@oracle("fava_savings_plan")
def _(case, marts):
    expected = case["expected"]
    days = [day for day, _ in case["inputs"]["buys_1_share"]]
    found = [cumulative_on(marts, "fava_savings_plan", day) for day in days]
    assert found == pytest.approx(expected["twr"], abs=1e-12)
    rows = marts.query(
        "select market_value, cost_basis from finks.daily_portfolio_summary "
        "where portfolio_id = 'fava_savings_plan' and external_inflow > 0 order by date"
    )
    assert rows == list(zip(expected["market"], expected["cost"], strict=True))
    simple = [returns.simple_return(value, cost) for value, cost in rows]
    assert simple == pytest.approx(expected["simple"], abs=1e-4)


@oracle("fava_fx_twr")
def _(case, marts):
    for base, days in (("NOK", case["expected"]["base"]), ("SEK", case["expected"]["target"])):
        found = {day: cumulative_on(marts, f"fava_fx_twr_{base}", day) for day in days}
        assert found == pytest.approx(days, abs=1e-12)


@oracle("fava_mdd")
def _(case, marts):
    prices, expected = case["inputs"]["prices"], case["expected"]
    assert returns.drawdowns(prices) == pytest.approx(expected["drawdown"], abs=1e-3)
    assert returns.max_drawdown(prices) == pytest.approx(expected["max"], abs=1e-3)


@oracle("ghostfolio_split_no_double_count")
def _(case, marts):
    found = position(marts, "ghostfolio_split_no_double_count", "quantity, cost_basis, market_value")
    assert [float(number) for number in found] == list(case["expected"].values())


@oracle("ghostfolio_split_reverse_and_multi")
def _(case, marts):
    wanted = case["expected"]
    for name, numbers in {
        "reverse": wanted["reverse"],
        "chain": wanted["chain"],
        "sold": wanted["buy10_split2_sell5_at60"],
    }.items():
        quantity, cost = position(marts, f"ghostfolio_multi_{name}", "quantity, cost_basis")
        assert float(quantity) == pytest.approx(float(Fraction(numbers["qty"])), abs=1e-9)
        assert cost == numbers["inv"]
        assert float(cost / quantity) == pytest.approx(numbers["avg"], abs=1e-6)


@oracle("ghostfolio_msft_dividend_fee")
def _(case, marts):
    rows = summary(marts, "ghostfolio_msft_dividend_fee", "unrealised_pnl, fees, income, cost_basis")
    expected = case["expected"]
    gross, fees, income, cost = rows[-1][0], sum(r[1] for r in rows), sum(r[2] for r in rows), rows[-1][3]
    assert [float(gross), float(gross - fees), float(income)] == [
        expected["gross"],
        expected["net"],
        expected["dividend"],
    ]
    assert returns.simple_return(gross + cost, cost) == pytest.approx(expected["gross_pct"], abs=1e-12)
    assert returns.simple_return(gross + cost - fees, cost) == pytest.approx(expected["net_pct"], abs=1e-12)


@oracle("ghostfolio_baln_closed")
def _(case, marts):
    rows = summary(marts, "ghostfolio_baln_closed", "realised_pnl, fees, cost_basis")
    expected = case["expected"]
    gross, fees, cost = sum(r[0] for r in rows), sum(r[1] for r in rows), rows[0][2]
    assert [float(gross), float(gross - fees), float(fees)] == [expected["gross"], expected["net"], expected["fees"]]
    assert returns.simple_return(gross + cost, cost) == pytest.approx(expected["gross_pct"], abs=1e-12)
    assert returns.simple_return(gross + cost - fees, cost) == pytest.approx(expected["net_pct"], abs=1e-12)


@oracle("yahoo_adjclose_msft_2003")
def _(case, marts):
    closes = {date.fromisoformat(day): close for day, close in case["inputs"]["close"].items()}
    bars = pl.DataFrame({"session": list(closes), "close": list(closes.values())})
    splits = pl.DataFrame({"ex_date": [date(2003, 2, 18)], "numerator": [2], "denominator": [1]})
    dividends = pl.DataFrame({"ex_date": [date(2003, 2, 19)], "amount": [0.08]})
    adjusted = returns.back_adjusted_close(bars, splits, dividends)["adjusted_close"].to_list()
    assert [round(close, 2) for close in adjusted] == list(case["expected"].values())


@oracle("investopedia_twr")
def _(case, marts):
    inputs, expected = case["inputs"], case["expected"]
    values = [inputs["start"], inputs["before_flow"], inputs["end"]]
    result = returns.time_weighted_return(values, [inputs["start"], 0, inputs["flow"]])
    assert result.daily[1:] == pytest.approx((expected["hpr1"], expected["hpr2"]), abs=5e-5)
    assert result.total == pytest.approx(expected["twr"], abs=5e-5)


@oracle("wahed_gain_but_negative_twr")
def _(case, marts):
    rows = summary(marts, "wahed_gain_but_negative_twr", "pnl, cumulative_return, total_value")
    assert sum(row[0] for row in rows) == case["expected"]["gain"]
    assert rows[-1][1] == pytest.approx(case["expected"]["twr"], abs=1e-12)
    assert rows[-1][2] == case["inputs"]["end"]


@oracle("cindicator_twr")
def _(case, marts):
    assert returns.link_returns(case["inputs"]["r"]) == pytest.approx(case["expected"], abs=1e-12)


@oracle("dietz_fincyclopedia")
def _(case, marts):
    inputs, begin = case["inputs"], date(2020, 1, 1)
    flow = (begin + timedelta(days=inputs["day"]), inputs["flow"])
    end = begin + timedelta(days=inputs["days"])
    found = returns.modified_dietz(inputs["bmv"], inputs["emv"], [flow], begin=begin, end=end)
    assert found == pytest.approx(case["expected"], abs=5e-5)


@oracle("dietz_wikipedia")
def _(case, marts):
    inputs = case["inputs"]
    found = returns.modified_dietz(
        inputs["begin"],
        inputs["end"],
        [(date(2002, 1, 1), inputs["flow"])],
        begin=date(2001, 1, 1),
        end=date(2003, 1, 1),
    )
    assert found == pytest.approx(case["expected"], abs=1e-12)


@oracle("hledger_irr")
def _(case, marts):
    flows = [(date.fromisoformat(day), amount) for day, amount in case["inputs"]["flows"]]
    assert returns.money_weighted_return(flows, days_per_year=365.25) == pytest.approx(case["expected"], abs=5e-5)


@oracle("hledger_fx_valuation")
def _(case, marts):
    expected = case["expected"]
    first, last = summary(marts, "hledger_fx_valuation_USD", "total_value, pnl, cumulative_return")
    assert float(first[0]) == pytest.approx(expected["then_value_begin"], abs=CENT)
    assert float(last[0]) == pytest.approx(expected["end"], abs=CENT)
    assert float(last[1]) == pytest.approx(expected["pnl_then"], abs=CENT)
    assert last[2] == pytest.approx(expected["twr_then"], abs=5e-5)
    pnl, twr = summary(marts, "hledger_fx_valuation_RUB", "pnl, cumulative_return")[-1]
    assert float(pnl) / case["inputs"]["fx"]["2021-01-01"] == pytest.approx(expected["pnl_end"], abs=CENT)
    assert twr == pytest.approx(expected["twr_end"], abs=1e-12)


@oracle("rotki_fifo")
def _(case, marts):
    inputs, expected = case["inputs"], case["expected"]
    matches = marts.query(
        "select cost from finks_intermediate.int_lot_matches where portfolio_id = 'rotki_fifo' order by purchase_id"
    )
    assert [float(cost) for (cost,) in matches] == [expected["cost_first"], expected["cost_second"]]
    buys = [Trade("buy", quantity, Decimal(str(price)) * quantity) for quantity, price in inputs["buys"]]
    gains = returns.fifo_gains([*buys, Trade("sell", inputs["spend"], 8000)])
    assert [float(match.cost) for match in gains.matches] == [expected["cost_first"], expected["cost_second"]]
    assert gains.quantity - inputs["buys"][2][0] == expected["remaining_second"]


@oracle("empyrical_cum")
def _(case, marts):
    periods = [None if percent is None else percent / 100 for percent in case["inputs"]["returns_pct"]]
    expected, cumulative = case["expected"], returns.cumulative_returns(periods)
    assert cumulative == pytest.approx(expected["cum"], abs=1e-5)
    assert returns.max_drawdown(1 + total for total in cumulative) == pytest.approx(expected["max_drawdown"], abs=1e-12)
    assert returns.annualised_return(periods) == pytest.approx(expected["annual_return_252"], rel=1e-12)
    assert returns.annualised_volatility(periods) == pytest.approx(expected["annual_vol_252"], rel=1e-12)


@oracle("pp_drawdown")
def _(case, marts):
    assert returns.max_drawdown(1 + total for total in case["inputs"]["acc"]) == -case["expected"]["mdd"]


@oracle("pp_reverse_split_shares")
def _(case, marts):
    names = [f"pp_reverse_split_shares_{number}" for number in range(len(case["expected"]))]
    assert [position(marts, name, "quantity")[0] for name in names] == case["expected"]
    for (shares, text), expected in zip(case["inputs"]["cases"], case["expected"], strict=True):
        splits = [tuple(map(int, pair.split(":"))) for pair in text.split(" then ")]
        assert returns.adjust_quantity(shares, splits) == expected


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_published_example(name, cases, marts):
    CHECKS[name](cases[name], marts)


def test_every_example_is_checked_or_listed_as_left_out_with_a_reason(cases):
    assert set(CHECKS) | set(LEFT_OUT) == set(cases)
    assert not set(CHECKS) & set(LEFT_OUT)
    assert len(cases) == 26
