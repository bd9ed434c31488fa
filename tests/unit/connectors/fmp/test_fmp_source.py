"""The source's settings, its requests and its way past the silent cap."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from finks.errors import ConfigurationError
from finks.plugins import build_source
from finks.source.model import Request, Response, Slice, Stream, Windows
from finks_connectors.fmp import Fmp, FmpConfig
from finks_connectors.fmp.streams import MAX_ROWS, MAX_STATEMENTS
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

KEY = "canary-1234567890"


def source(**settings: object) -> Fmp:
    return Fmp(FmpConfig.model_validate({"api_key": KEY, "symbols": ["AAPL"], "pairs": ["EURUSD"], **settings}))


def stream(name: str) -> Stream:
    return next(stream for stream in source().streams() if stream.name == name)


def bars(newest: date, count: int) -> Response:
    rows = [{"symbol": "AAPL", "date": str(newest - timedelta(days=n))} for n in range(count)]
    return Response(Request(""), 200, json.dumps(rows).encode(), {}, datetime(2024, 1, 1, tzinfo=UTC))


def test_a_share_class_with_a_dot_is_refused_with_the_right_spelling():
    with pytest.raises(ValidationError, match="BRK-B"):
        source(symbols=["BRK.B"])


def test_a_wrong_setting_is_named_where_the_plugin_is_found_by_its_name():
    with pytest.raises(ConfigurationError, match=r"sources\.fmp\.symbols.*\n.*BRK-B"):
        build_source("fmp", {"api_key": KEY, "symbols": ["BRK.B"]})
    with pytest.raises(ConfigurationError, match=r"sources\.fmp\.api_key"):
        build_source("fmp", {"symbols": ["AAPL"]})


@pytest.mark.parametrize("symbol", ["BRK-B", "^GSPC", "VOD.L", "0700.HK", "BTCUSD"])
def test_the_vendors_spellings_are_kept(symbol):
    assert source(symbols=[symbol]).settings.symbols == (symbol,)


@pytest.mark.parametrize("symbol", ["AAPL,MSFT", "", " ", "AA PL", "../x", "A&apikey=1"])
def test_what_is_no_single_symbol_is_refused(symbol):
    with pytest.raises(ValidationError):
        source(symbols=[symbol])


def test_keys_are_upper_case_and_distinct():
    made = source(symbols=["aapl", "AAPL", "msft"], pairs=["eurusd"])
    assert (made.settings.symbols, made.settings.pairs) == (("AAPL", "MSFT"), ("EURUSD",))


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError, match="simbols"):
        source(simbols=["AAPL"])


def test_the_key_travels_in_the_header_only():
    made = source()
    window = Slice("daily_bars", "AAPL", date(2020, 1, 1), date(2020, 2, 1))
    request = made.request(stream("daily_bars"), window)
    assert KEY not in repr((request, made.settings, made.streams()))
    assert made.secret_headers() == {"apikey": KEY}
    assert request.params == {"symbol": "AAPL", "from": "2020-01-01", "to": "2020-02-01"}
    assert request.url.endswith("/stable/historical-price-eod/non-split-adjusted")


def test_the_plan_sets_the_budget():
    assert source().rates()["default"].per_day == 250
    assert source(plan="premium").rates()["default"].calls == 750


def test_a_call_may_take_longer_than_the_vendors_slowest():
    assert source().limits().deadline >= 60


def test_an_answer_below_the_cap_is_whole():
    window = Slice("daily_bars", "AAPL", date(2000, 1, 1), date(2020, 1, 1))
    asking = source().fetch(stream("daily_bars"), window)
    next(asking)
    with pytest.raises(StopIteration):
        asking.send(bars(date(2020, 1, 1), MAX_ROWS - 1))


def test_an_answer_at_the_cap_is_continued_before_its_oldest_row():
    window = Slice("daily_bars", "AAPL", date(2000, 1, 1), date(2020, 1, 1))
    asking = source().fetch(stream("daily_bars"), window)
    next(asking)
    second = asking.send(bars(date(2020, 1, 1), MAX_ROWS))
    oldest = date(2020, 1, 1) - timedelta(days=MAX_ROWS - 1)
    assert second.params == {"symbol": "AAPL", "from": "2000-01-01", "to": str(oldest - timedelta(days=1))}
    with pytest.raises(StopIteration):
        asking.send(bars(oldest - timedelta(days=1), 10))


@given(st.integers(1, 60), st.integers(0, 200), st.integers(1, 9))
def test_paging_back_gets_every_row_whatever_the_cap(cap, held, pause):
    """A vendor with a row every `pause` days, of which it shows the newest `cap`."""
    capped = replace(stream("daily_bars"), max_rows=cap)
    history = [date(2020, 1, 1) - timedelta(days=n * pause) for n in range(held)]
    asking = source().fetch(capped, Slice("daily_bars", "AAPL", date(2000, 1, 1), date(2020, 1, 1)))
    got: list[date] = []
    request = next(asking, None)
    while request is not None:
        shown = [day for day in history if request.params["from"] <= str(day) <= request.params["to"]][:cap]
        got += shown
        rows = [{"symbol": "AAPL", "date": str(day)} for day in shown]
        response = Response(request, 200, json.dumps(rows).encode(), {}, datetime(2024, 1, 1, tzinfo=UTC))
        try:
            request = asking.send(response)
        except StopIteration:
            request = None
    assert got == history


def test_a_vendor_that_repeats_its_page_does_not_hold_us_for_ever():
    window = Slice("daily_bars", "AAPL", date(1980, 1, 1), date(2020, 1, 1))
    asking = source().fetch(stream("daily_bars"), window)
    next(asking)
    asking.send(bars(date(2020, 1, 1), MAX_ROWS))
    with pytest.raises(StopIteration):
        asking.send(bars(date(2020, 1, 1), MAX_ROWS))


def test_a_new_split_makes_the_adjusted_history_wanted_again():
    assert stream("adjusted_daily_bars").invalidated_by == "splits"
    assert stream("daily_bars").invalidated_by is None


def test_no_window_can_reach_the_cap():
    for made in source().streams():
        if isinstance(made.policy, Windows):
            assert made.policy.max_days < made.max_rows


@pytest.mark.parametrize(("plan", "limit"), [("basic", 5), ("starter", MAX_STATEMENTS), ("ultimate", MAX_STATEMENTS)])
def test_the_free_plan_asks_for_no_more_statements_than_it_gets(plan, limit):
    statements = [stream for stream in source(plan=plan).streams() if stream.path == "income-statement"]
    assert [(s.name, s.params["limit"], s.max_rows) for s in statements] == [("income_statements", str(limit), limit)]


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ([], []),
        (["quarter"], ["quarterly_income_statements"]),
        (["annual", "quarter"], ["income_statements", "quarterly_income_statements"]),
    ],
)
def test_only_the_statements_of_the_settings_are_on_offer(wanted, offered):
    streams = source(statements=wanted).streams()
    assert [stream.name for stream in streams if stream.path == "income-statement"] == offered


def test_a_wrong_kind_of_statements_is_refused():
    with pytest.raises(ValidationError, match="statements"):
        source(statements=["monthly"])
