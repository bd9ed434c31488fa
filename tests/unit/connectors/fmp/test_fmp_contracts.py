"""What the contracts let in, through the real kernel."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from finks.contract import Decoding, KernelResult, filter
from finks.source.model import Stream
from finks_connectors.fmp.simulator import SimulatedFmp
from finks_connectors.fmp.simulator.currency import reference_rates
from finks_connectors.fmp.simulator.market import load_market
from finks_connectors.fmp.streams import streams

STREAMS = {stream.name: stream for stream in streams(["AAPL"], ["EURUSD"], date(2000, 1, 1))}
BAR = {"symbol": "AAPL", "date": "2024-01-02", "adjOpen": 2, "adjHigh": 3, "adjLow": 1, "adjClose": 2.5, "volume": 7}
DIVIDEND = {"symbol": "AAPL", "date": "2024-02-09", "adjDividend": 0.24, "dividend": 0.24}
PROFILE = {"symbol": "AAPL", "companyName": "Apple Inc.", "currency": "USD"}
STATEMENT = {
    "date": "2023-12-31",
    "symbol": "AAPL",
    "reportedCurrency": "USD",
    "acceptedDate": "2024-02-01 18:08:27",
    "fiscalYear": "2023",
    "period": "FY",
    "revenue": 7,
    "netIncome": 2,
}


@pytest.fixture(scope="module")
def vendor():
    """One vendor for the module: no test here changes its facts."""
    with SimulatedFmp() as running:
        yield running


def enforced(stream: Stream, *records: dict) -> KernelResult:
    body = json.dumps(records).encode()
    return filter(body, stream.contract, decoding=Decoding(rename=stream.rename, nulls=stream.nulls))


def rules(stream: str, *records: dict) -> list[str]:
    return enforced(STREAMS[stream], *records).rejects["rule"].to_pylist()


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "IBM", "GOOG", "FB"])
def test_every_simulated_bar_keeps_its_contract(ask, symbol):
    for name in ("daily_bars", "adjusted_daily_bars"):
        stream = STREAMS[name]
        body = ask(stream.path, symbol=symbol, first="2000-01-01").body
        result = filter(body, stream.contract, decoding=Decoding(rename=stream.rename, nulls=stream.nulls))
        assert (result.good.num_rows, result.rejects.num_rows) == (len(load_market()[symbol].bars), 0)


@pytest.mark.parametrize(
    ("name", "symbol", "count"),
    [
        ("dividends", "MSFT", 37),
        ("dividends", "IBM", 52),
        ("splits", "AAPL", 2),
        ("profiles", "IBM", 1),
        ("income_statements", "AAPL", 13),
        ("quarterly_income_statements", "IBM", 52),
    ],
)
def test_every_other_simulated_record_keeps_its_contract(ask, name, symbol, count):
    stream = STREAMS[name]
    result = filter(
        ask(stream.path, symbol=symbol, **stream.params).body,
        stream.contract,
        decoding=Decoding(rename=stream.rename, nulls=stream.nulls),
    )
    assert (result.good.num_rows, result.rejects.num_rows) == (count, 0)


def test_every_reference_rate_since_1999_keeps_its_contract(ask):
    stream = STREAMS["forex_daily_bars"]
    body = ask(stream.path, symbol="EURUSD", first="1999-01-01").body
    result = filter(body, stream.contract, decoding=Decoding(rename=stream.rename, nulls=stream.nulls))
    served = dict(zip(result.good["session"].to_pylist(), result.good["close"].to_pylist(), strict=True))
    assert served == {day: rate for day, rate in reference_rates()["USD"].items() if day <= date(2013, 3, 1)}


@pytest.mark.parametrize("change", [{"adjOpen": 3.5}, {"adjOpen": 0.5}, {"adjClose": 4}, {"adjLow": 2.6}])
def test_a_bar_outside_its_own_range_is_rejected(change):
    assert rules("daily_bars", BAR, BAR | {"date": "2024-01-03"} | change) == ["check:ohlc"]


@pytest.mark.parametrize("change", [{"adjClose": 0}, {"adjClose": -1}, {"volume": -1}])
def test_a_number_out_of_range_is_rejected(change):
    assert rules("daily_bars", BAR | change) == ["range"]


@pytest.mark.parametrize("absent", [None, "", "N/A", "None", "NULL"])
def test_an_absent_price_is_rejected_and_an_absent_day_is_null(absent):
    assert rules("daily_bars", BAR | {"adjClose": absent}) == ["required"]
    result = enforced(STREAMS["dividends"], DIVIDEND | {"declarationDate": absent, "frequency": absent})
    assert result.good["declaration_date"].to_pylist() == [None]
    assert result.good["frequency"].to_pylist() == [None]


@pytest.mark.parametrize("volume", ["588656.8568699993", "10.492659228892249", "0.1", "4098415617064.9995", "0"])
def test_volumes_need_not_be_whole(volume):
    body = json.dumps([BAR]).replace('"volume": 7', f'"volume": {volume}').encode()
    stream = STREAMS["daily_bars"]
    result = filter(body, stream.contract, decoding=Decoding(rename=stream.rename, nulls=stream.nulls))
    assert result.good["volume"].to_pylist() == [Decimal(volume)]


def test_a_session_twice_with_other_values_is_ambiguous_and_twice_alike_a_duplicate():
    assert rules("daily_bars", BAR, BAR | {"adjClose": 2}) == ["key_conflict", "key_conflict"]
    assert enforced(STREAMS["daily_bars"], BAR, BAR).counts["duplicates"].to_pylist() == [1]


def test_prices_in_pence_are_refused():
    assert rules("profiles", PROFILE | {"currency": "GBp"}) == ["pattern"]
    assert rules("profiles", PROFILE) == []


def test_a_dividend_beyond_three_decimals_after_a_reverse_split_is_kept():
    """TSLY 2023-01-10: dividend 0.999, adjDividend 1.9972."""
    [row] = enforced(STREAMS["dividends"], DIVIDEND | {"dividend": 0.999, "adjDividend": 1.9972}).good.to_pylist()
    assert (row["amount"], row["adjusted_amount"]) == (Decimal("0.999"), Decimal("1.9972"))


@pytest.mark.parametrize(("text", "hour"), [("2024-02-01 18:08:27", 23), ("2024-07-01 18:08:27", 22)])
def test_the_time_of_acceptance_is_new_yorks(text, hour):
    [row] = enforced(STREAMS["income_statements"], STATEMENT | {"acceptedDate": text}).good.to_pylist()
    assert row["accepted_at"] == datetime.fromisoformat(text).replace(hour=hour, tzinfo=UTC)


def test_a_year_and_its_last_quarter_are_two_statements():
    assert enforced(STREAMS["income_statements"], STATEMENT, STATEMENT | {"period": "Q4"}).good.num_rows == 2


def test_two_statements_of_one_period_that_differ_are_ambiguous():
    assert rules("income_statements", STATEMENT, STATEMENT | {"netIncome": 3}) == ["key_conflict", "key_conflict"]


@pytest.mark.parametrize("renamed", ["revenue", "netIncome", "reportedCurrency"])
def test_a_statement_without_what_every_one_has_is_rejected(renamed):
    record = {name: value for name, value in STATEMENT.items() if name != renamed}
    assert rules("income_statements", record | {f"{renamed}New": 7}) == ["required"]


def test_a_field_that_the_vendor_adds_and_a_zero_do_no_harm():
    [row] = enforced(STREAMS["income_statements"], STATEMENT | {"link": "x", "interestIncome": 0}).good.to_pylist()
    assert (row["interest_income"], row["interest_expense"]) == (0, None)
