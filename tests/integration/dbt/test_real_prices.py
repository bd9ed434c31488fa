"""Thirteen years of real prices, splits and dividends through the marts."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from importlib.resources import files

import polars as pl
import pytest
from finks import returns

pytestmark = pytest.mark.slow

TOTAL_RETURN = {"AAPL": 12.40861582, "MSFT": -0.18333291, "IBM": 1.37921285}
PRICE_RETURN = {"AAPL": 12.21372113, "MSFT": -0.38442903, "IBM": 1.02403990}
FIRST, LAST = "2000-03-01", "2013-03-01"


@pytest.fixture(scope="module")
def closes() -> dict[str, dict[str, str]]:
    path = files("bokeh_sampledata") / "_data" / "stocks.csv.gz"
    by_symbol: dict[str, dict[str, str]] = defaultdict(dict)
    with path.open("rb") as raw, gzip.open(raw, "rt") as text:
        for row in csv.DictReader(text):
            if row["Ticker"] in TOTAL_RETURN:
                by_symbol[row["Ticker"]][row["Date"]] = row["Close"]
    return by_symbol


@pytest.fixture(scope="module")
def actions(recorded) -> list[dict[str, str]]:
    with (recorded / "wiki_corporate_actions.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def marts(silver, closes, actions, dbt, tmp_path_factory):
    silver.portfolio("buy-and-hold")
    silver.cash("buy-and-hold", FIRST, "deposit", 40000)
    for symbol, sessions in closes.items():
        silver.security(symbol)
        silver.bars(symbol, sessions)
        silver.trade("buy-and-hold", FIRST, "buy", symbol, 100, sessions[FIRST])
    for action in actions:
        if action["type"] == "split":
            silver.split(action["symbol"], action["date"], *action["value"].split(":"))
        else:
            silver.dividend(action["symbol"], action["date"], action["value"])
    # The knowledge time is before the newest version in dbt's own unit tests: those must not depend on variables.
    variables = json.dumps({"logical_date": LAST, "as_of": "2026-01-01T12:00:00+00:00"})
    database = silver.write(tmp_path_factory.mktemp("real") / "real.duckdb")
    built = dbt(database, "build", "--exclude-resource-type", "test", "--vars", variables)
    assert built.exit_code == 0, built.output
    return built


@pytest.mark.parametrize("symbol", sorted(TOTAL_RETURN))
def test_buy_and_hold_with_dividends_reinvested_gives_the_known_return(marts, symbol):
    total, price = marts.query(
        "select cumulative_total_return, cumulative_price_return from finks.fct_security_return_daily "
        "where symbol = ? and date = cast(? as date)",
        symbol,
        LAST,
    )[0]
    assert total == pytest.approx(TOTAL_RETURN[symbol], abs=5e-9)
    assert price == pytest.approx(PRICE_RETURN[symbol], abs=5e-9)


@pytest.mark.parametrize("symbol", sorted(TOTAL_RETURN))
def test_the_function_for_notebooks_gives_what_the_mart_gives(marts, closes, actions, symbol):
    own = [action for action in actions if action["symbol"] == symbol]
    splits = [(a["date"], *map(int, a["value"].split(":"))) for a in own if a["type"] == "split"]
    dividends = [(a["date"], float(a["value"])) for a in own if a["type"] == "cash_dividend"]
    frame = returns.total_return(
        dated(list(closes[symbol].items()), ["session", "close"]).with_columns(pl.col("close").cast(pl.Float64)),
        dated(splits, ["ex_date", "numerator", "denominator"]),
        dated(dividends, ["ex_date", "amount"]),
    )
    mart = marts.query(
        "select total_return from finks.fct_security_return_daily where symbol = ? order by date", symbol
    )
    assert frame["total_return"].to_list()[1:] == pytest.approx([row[0] for row in mart][1:], abs=1e-12)


def dated(rows: list[tuple], columns: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.with_columns(pl.col(columns[0]).cast(pl.String).str.to_date())


def test_market_value_is_continuous_over_every_split(marts, actions):
    for action in actions:
        if action["type"] == "split":
            before, after = marts.query(
                "select market_value from finks.fct_position_daily where symbol = ? and date <= cast(? as date) "
                "order by date desc limit 2",
                action["symbol"],
                action["date"],
            )[::-1]
            assert abs(after[0] / before[0] - 1) < 0.12, action


def test_holdings_have_grown_by_every_split(marts):
    rows = marts.query(
        "select symbol, quantity from finks.fct_position_daily where date = cast(? as date) order by symbol", LAST
    )
    assert rows == [("AAPL", 400), ("IBM", 100), ("MSFT", 200)]


def test_every_gain_is_accounted_for(marts):
    gain, income, unrealised, pnl = marts.query(
        "select max_by(total_value, date) - sum(external_inflow), sum(income), max_by(unrealised_pnl, date), sum(pnl) "
        "from finks.daily_portfolio_summary"
    )[0]
    assert gain == income + unrealised == pnl


def test_every_column_of_every_model_is_documented_and_every_documented_one_exists(marts):
    manifest = json.loads((marts.target / "manifest.json").read_text())
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            documented = {name for name, column in node["columns"].items() if column["description"]}
            rows = marts.query(f"describe {node['schema']}.{node['name']}")
            assert documented == {row[0] for row in rows}, node["name"]
            assert node["description"]
