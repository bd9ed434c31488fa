"""The simulated vendor keeps the real one's habits."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from base64 import b64encode
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import prod

import httpx
import pytest
from finks.errors import ConfigurationError, MissingExtraError
from finks_connectors.fmp.simulator.extras import package_file
from finks_connectors.fmp.simulator.market import load_market
from finks_connectors.fmp.simulator.plans import Allowance

FULL = "historical-price-eod/full"
AS_TRADED = "historical-price-eod/non-split-adjusted"


def rows(response) -> list[dict]:
    assert response.status == 200, response.body
    return json.loads(response.body, parse_float=Decimal, parse_int=Decimal)


def test_as_traded_prices_are_those_of_the_data(ask):
    served = rows(ask(AS_TRADED, symbol="AAPL", first="2000-03-01", last="2013-03-01"))
    facts = load_market()["AAPL"].bars
    assert [row["date"] for row in served] == [str(bar.session) for bar in reversed(facts)]
    assert [row["adjClose"] for row in served] == [bar.close for bar in reversed(facts)]
    assert [row["volume"] for row in served] == [bar.volume for bar in reversed(facts)]


def test_full_prices_are_divided_and_volumes_multiplied_by_later_splits(ask):
    window = {"symbol": "AAPL", "first": "2005-02-25", "last": "2005-02-28"}
    new, old = rows(ask(FULL, **window))
    new_traded, old_traded = rows(ask(AS_TRADED, **window))
    assert new["close"] == new_traded["adjClose"]
    assert old["close"] * 2 == old_traded["adjClose"]
    assert old["volume"] == old_traded["volume"] * 2


def test_change_is_close_less_open_and_vwap_the_mean_of_four(ask):
    for row in rows(ask(FULL, symbol="IBM", first="2013-01-01")):
        assert row["change"] == row["close"] - row["open"]
        mean = (row["open"] + row["high"] + row["low"] + row["close"]) / 4
        assert abs(row["vwap"] - mean) <= Decimal("0.00005")


@pytest.mark.parametrize(("symbol", "expected"), [("AAPL", "13.213721"), ("MSFT", "0.615571"), ("IBM", "2.024040")])
def test_the_split_adjusted_price_grows_by_the_published_factor(ask, symbol, expected):
    series = rows(ask(FULL, symbol=symbol, first="2000-03-01"))
    assert round(series[0]["close"] / series[-1]["close"], 6) == Decimal(expected)


@pytest.mark.parametrize(("symbol", "expected"), [("AAPL", 12.40861582), ("MSFT", -0.18333291), ("IBM", 1.37921285)])
def test_prices_splits_and_dividends_give_the_published_total_return(ask, symbol, expected):
    closes = {row["date"]: float(row["adjClose"]) for row in rows(ask(AS_TRADED, symbol=symbol, first="2000-03-01"))}
    paid = {row["date"]: float(row["dividend"]) for row in rows(ask("dividends", symbol=symbol))}
    splits = {row["date"]: float(row["numerator"] / row["denominator"]) for row in rows(ask("splits", symbol=symbol))}
    days = sorted(closes)
    growth = prod(
        (closes[day] * splits.get(day, 1) + paid.get(day, 0)) / closes[before] for before, day in pairwise(days)
    )
    assert growth - 1 == pytest.approx(expected, abs=5e-9)


def test_dividend_adjusted_prices_reproduce_the_published_example(vendor, ask):
    """Yahoo's help page (SLN28256) adjusts MSFT's closes so as of 2003-02-19."""
    vendor.today = date(2003, 2, 19)
    served = rows(ask("historical-price-eod/dividend-adjusted", symbol="MSFT", first="2003-02-13"))
    assert [str(row["adjClose"]) for row in reversed(served)] == ["23.42", "24.07", "24.88", "24.53"]


def test_no_dates_mean_the_last_five_years(ask):
    days = [row["date"] for row in rows(ask(FULL, symbol="IBM"))]
    assert (days[0], days[-1]) == ("2013-03-01", "2008-03-03")


def test_a_reversed_range_is_empty(ask):
    assert ask(FULL, symbol="IBM", first="2013-02-01", last="2013-01-01").body == b"[]"


@pytest.mark.parametrize("symbol", ["AAPL,MSFT", "NOPE", "aapl", "BRK.B"])
def test_an_unknown_symbol_is_an_empty_list(ask, symbol):
    assert ask(FULL, symbol=symbol).body == b"[]"


def test_an_unknown_parameter_is_ignored(ask):
    assert ask("splits", symbol="AAPL", form="2001-01-01").body == ask("splits", symbol="AAPL").body


def test_a_limit_keeps_the_newest(ask):
    assert [row["date"] for row in rows(ask("dividends", symbol="AAPL", limit="1"))] == ["2013-02-07"]


def test_nothing_after_the_vendors_day_is_known(vendor, ask):
    vendor.today = date(2003, 2, 14)
    assert rows(ask("splits", symbol="MSFT")) == []
    assert rows(ask(FULL, symbol="MSFT", first="2003-02-14"))[0]["close"] == Decimal("48.3")


def test_more_than_five_thousand_rows_lose_the_oldest_silently(vendor, ask):
    vendor.today = date(2026, 10, 30)
    days = [row["date"] for row in rows(ask(FULL, symbol="EURUSD", first="1999-01-04"))]
    assert (len(days), days[0]) == (5000, "2026-10-30")
    assert days[-1] > "2006-01-01"


def test_a_pair_shows_the_reference_rates(ask):
    served = rows(ask(FULL, symbol="EURUSD", first="1999-01-04", last="1999-01-05"))
    assert [(row["date"], row["close"]) for row in served] == [
        ("1999-01-05", Decimal("1.179")),
        ("1999-01-04", Decimal("1.1789")),
    ]
    assert rows(ask(FULL, symbol="USDEUR", first="1999-01-04", last="1999-01-04"))[0]["close"] == Decimal("0.848248")
    assert ask(FULL, symbol="EURXXX").body == b"[]"


def test_a_wrong_key_a_missing_symbol_a_wrong_and_a_legacy_path_are_refused(vendor, ask):
    assert ask("splits", symbol="AAPL", key="wrong").status == 401
    assert ask("splits").status == 400
    assert (ask("historical-chart/1day", symbol="AAPL").status, ask("nothing").body) == (404, b"[]")
    assert ask("../api/v3/profile/AAPL").status == 403


def test_the_free_plan_lacks_endpoints_and_foreign_symbols(ask):
    assert b"Restricted Endpoint" in ask("stock-list", key="free").body
    assert b"value set for 'symbol'" in ask("splits", symbol="VOD.L", key="free").body
    assert ask("splits", symbol="AAPL", key="free").status == 200


def test_the_free_plan_goes_back_five_years(ask):
    oldest = [rows(ask(FULL, symbol="IBM", first="2000-03-01", key=key))[-1]["date"] for key in ("free", "simulated")]
    assert oldest == ["2008-03-03", "2000-03-01"]


def test_a_missing_data_package_is_named_with_the_install_command():
    with pytest.raises(MissingExtraError, match=r"finks-connectors\[simulator\]"):
        package_file("no_such_package", "prices.csv")


def test_the_free_plans_day_ends_after_its_calls_and_starts_anew_tomorrow():
    allowance = Allowance("basic", now=iter(range(0, 10**6, 60)).__next__)
    today = date(2024, 1, 1)
    assert sum(allowance.take(today) for _ in range(260)) == 250
    assert allowance.take(today + timedelta(days=1))


def test_a_minutes_calls_are_refused_until_the_minute_is_over():
    seconds = 0.0
    allowance = Allowance("premium", now=lambda: seconds)
    assert sum(allowance.take(date(2024, 1, 1)) for _ in range(800)) == 750
    seconds = 60.0
    assert allowance.take(date(2024, 1, 1))


def test_a_restated_close_is_served_from_now_on(vendor, ask):
    day = {"symbol": "AAPL", "first": "2013-02-28", "last": "2013-02-28"}
    assert rows(ask(AS_TRADED, **day))[0]["adjClose"] == Decimal("441.4")
    vendor.restate("AAPL", "2013-02-28", "close", "431.00")
    [row] = rows(ask(AS_TRADED, **day))
    assert (row["adjClose"], row["adjLow"]) == (431, 431)


def test_a_new_split_restates_the_adjusted_history_only(vendor, ask):
    day = {"symbol": "IBM", "first": "2013-02-28", "last": "2013-02-28"}
    before = rows(ask(AS_TRADED, **day))
    vendor.add_split("IBM", "2013-03-01", 2)
    assert rows(ask(AS_TRADED, **day)) == before
    assert rows(ask(FULL, **day))[0]["close"] * 2 == before[0]["adjClose"]
    assert rows(ask("dividends", symbol="IBM", limit="1"))[0]["adjDividend"] == Decimal("0.425")


def test_a_removed_session_and_a_new_dividend_show(vendor, ask):
    vendor.remove("IBM", "2013-02-28")
    vendor.add_dividend("IBM", "2013-03-01", "1.25")
    assert "2013-02-28" not in [row["date"] for row in rows(ask(FULL, symbol="IBM", first="2013-02-01"))]
    assert rows(ask("dividends", symbol="IBM", limit="1"))[0]["dividend"] == Decimal("1.25")
    with pytest.raises(ConfigurationError):
        vendor.remove("IBM", "2013-02-28")


def test_a_fault_hits_as_often_as_ordered_and_only_what_it_names(vendor, ask):
    vendor.fail("bad_gateway", 2, path="splits", symbol="AAPL")
    assert [ask("splits", symbol=symbol).status for symbol in ("AAPL", "MSFT", "AAPL", "AAPL")] == [502, 200, 502, 200]


def test_a_restricted_symbol_can_be_allowed_again(vendor, ask):
    vendor.restrict("IBM", "profile")
    assert [ask("splits", symbol="IBM").status, ask("profile", symbol="AAPL").status] == [402, 402]
    vendor.allow("IBM", "profile")
    assert [ask("splits", symbol="IBM").status, ask("profile", symbol="AAPL").status] == [200, 200]


def test_requests_are_counted_and_the_key_is_not_kept(vendor, ask):
    ask("splits", symbol="AAPL", apikey="simulated")
    ask("dividends", symbol="AAPL")
    assert (vendor.count(), vendor.count("splits"), vendor.count(symbol="MSFT")) == (2, 1, 0)
    assert "simulated" not in repr(vendor.calls)


def test_the_entity_tag_is_made_of_length_and_digest(ask):
    response = ask("splits", symbol="AAPL")
    digest = b64encode(hashlib.sha1(response.body).digest()).decode()[:27]
    assert response.headers["etag"] == f'W/"{len(response.body):x}-{digest}"'
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_a_long_answer_is_compressed_where_that_is_accepted(ask):
    response = ask(FULL, symbol="AAPL")
    assert response.headers["content-encoding"] == "gzip"
    assert response.wire_bytes * 3 < len(response.body)


def test_it_starts_without_the_contracts_and_their_engine():
    code = "import sys, finks_connectors.fmp.simulator; print({'polars', 'pyarrow', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_it_runs_as_a_command():
    command = [sys.executable, "-m", "finks_connectors.fmp.simulator", "--api-key", "k", "--today", "2001-01-01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            response = httpx.get(f"{url}/splits", params={"symbol": "AAPL"}, headers={"apikey": "k"})
        finally:
            process.terminate()
    assert [row["date"] for row in response.json()] == ["2000-06-21"]
