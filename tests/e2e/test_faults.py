"""Every fault through a whole run: classified, nothing wrong in Silver, memory bounded, and what to do is said."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import date
from decimal import Decimal

import finks
import pytest
from finks.run.report import render
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.testing import replies

CANARY = "canary-5d41402abc4b2a76"
PATH = "/stable/historical-price-eod/non-split-adjusted"
GOOD_ROW = {
    "symbol": "AAPL", "date": "2020-08-31", "adjOpen": 127.58, "adjHigh": 131, "adjLow": 126, "adjClose": 129.04,
    "volume": 225702700,
}  # fmt: skip
GOOD = replies.json_text(json.dumps([GOOD_ROW], indent=2))


def error(text: str, status: int) -> replies.Reply:
    return replies.json_text(json.dumps({"Error Message": text}), status)


INVALID_KEY = "Invalid API KEY. Please retry or visit our documentation to create one FREE"
LIMIT = "Limit Reach . Please upgrade your plan or visit our documentation for more details"
RESTRICTED = "Restricted Endpoint: This endpoint is not available under your current subscription"
SYMBOL = "Premium Query Parameter: 'Special Endpoint : This value set for 'symbol' is not available under your"

FAULTS = {
    # name: (reply, exit code, outcome in the ledger)
    "unknown symbol": (replies.json_text("[]"), 0, "empty"),
    "missing parameter": (
        replies.json_text("Query Error: Invalid or missing query parameter - symbol", 400), 4, "failed"),
    "unknown exchange": (replies.json_text("Invalid Exchange Provided.", 400), 4, "unknown_key"),
    "page over maximum": (
        replies.json_text("Maxmium Query Parameter: The maximum page number for this endpoint is '100'", 400),
        4, "failed"),
    "bad key": (error(INVALID_KEY, 401), 2, "failed"),
    "bad key under 200": (error(INVALID_KEY, 200), 2, "failed"),
    "endpoint not in plan": (replies.json_text(RESTRICTED, 402), 3, "not_entitled"),
    "symbol not in plan": (replies.json_text(SYMBOL, 402), 3, "not_entitled"),
    "limit not in plan": (replies.json_text("Premium Query Parameter: 'limit'", 402), 3, "not_entitled"),
    "legacy path": (error("Legacy Endpoint : Due to Legacy endpoints being no longer supported", 403), 3,
                    "not_entitled"),
    "wrong path": (replies.json_text("[]", 404), 2, "failed"),
    "too many calls": (error(LIMIT, 429), 4, "failed"),
    "bandwidth used up": (error("Bandwidth Limit Reach", 429), 4, "failed"),
    "throttled under 200": (error(LIMIT, 200), 4, "failed"),
    "invalid name": (replies.json_text("Invalid name"), 4, "unknown_key"),
    "no data under 200": (error("No Data for this symbol or invalid API call", 200), 4, "unknown_key"),
    "error with query": (replies.json_text("Error with query"), 4, "failed"),
    "gated in other words": (replies.json_text("Exclusive Endpoint: upgrade", 403), 3, "not_entitled"),
    "truncated": (replies.truncated(GOOD), 4, "failed"),
    "truncated without a length": (replies.truncated_silently(GOOD), 4, "failed"),
    "NaN": (replies.json_text(json.dumps([GOOD_ROW | {"adjClose": float("nan")}])), 5, "failed"),
    "1e400": (replies.json_text(json.dumps([GOOD_ROW]).replace("129.04", "1e400")), 5, "ok"),
    "HTML with status 200": (replies.html(), 4, "failed"),
    "gzip of 200 MB of zeros": (replies.gzip_bomb(), 4, "failed"),
    "one byte a second": (replies.slow(GOOD), 4, "failed"),
    "endless": (replies.endless(), 4, "failed"),
    "reset": (replies.reset(), 4, "failed"),
    "outage": (replies.html(503), 4, "failed"),
}  # fmt: skip


def settings_for(tmp_path, url: str) -> Settings:
    fmp = {
        "base_url": f"{url}/stable", "api_key": CANARY, "plan": "ultimate", "symbols": ["AAPL"],
        "start": date(2020, 8, 27), "select": ["daily_bars"], "deadline": 2.0, "attempts": 2,
    }  # fmt: skip
    return Settings(
        lake=LakeSettings(path=tmp_path / "lake"),
        run=RunSettings(logical_date=date(2020, 8, 31)),
        sources={"fmp": fmp},
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_classified_and_nothing_wrong_lands(server, tmp_path, name, caplog, capfd):
    reply, exit_code, outcome = FAULTS[name]
    server.route(PATH, reply)
    caplog.set_level(logging.DEBUG)
    report = Runner(settings_for(tmp_path, server.url), RunOptions(gold=False)).run()
    text = render(report)
    assert (report.exit_code, list(report.stream("fmp_daily_bars").slices)) == (exit_code, [outcome]), text
    assert ("To do:" in text) == (exit_code != 0)
    lake = finks.open(tmp_path / "lake")
    assert not lake.has_silver("fmp_daily_bars") or lake.history("fmp_daily_bars").polars().is_empty()
    printed = capfd.readouterr()
    assert CANARY not in text + report.model_dump_json() + caplog.text + printed.out + printed.err
    assert [f for f in tmp_path.rglob("*") if f.is_file() and CANARY.encode() in f.read_bytes()] == []
    assert any(request.headers.get("apikey") == CANARY for request in server.requests)


@pytest.mark.parametrize("name", ["truncated", "HTML with status 200", "1e400", "NaN"])
def test_the_next_run_asks_again_and_repairs(server, tmp_path, name):
    settings = settings_for(tmp_path, server.url)
    server.route(PATH, *[FAULTS[name][0]] * 2)
    assert Runner(settings, RunOptions(gold=False)).run().exit_code != 0
    server.route(PATH, GOOD)
    options = RunOptions(gold=False, logical_date=date(2020, 9, 1))
    assert Runner(settings, options).run().exit_code == 0
    closes = finks.open(tmp_path / "lake").latest("fmp_daily_bars").polars()["close"].to_list()
    assert closes == [Decimal("129.04")]


def test_a_body_that_cannot_be_read_never_counts_as_landed(server, tmp_path):
    settings = settings_for(tmp_path, server.url)
    server.route(PATH, replies.json_text('[{"symbol": "AAPL", "date": ]'))
    for _ in range(2):
        report = Runner(settings, RunOptions(gold=False)).run()
        assert (report.exit_code, report.stream("fmp_daily_bars").slices) == (5, {"ok": 1})
    server.route(PATH, GOOD)
    assert Runner(settings, RunOptions(gold=False)).run().exit_code == 0
    assert finks.open(tmp_path / "lake").latest("fmp_daily_bars").polars().height == 1


def peak_memory(settings: Settings) -> int:
    """The peak of one run in a process of its own, in bytes."""
    code = (
        "import resource, sys; from finks.run.runner import Runner, RunOptions;"
        "from finks.run.settings import Settings;"
        "Runner(Settings.model_validate_json(sys.stdin.read()), RunOptions(gold=False)).run();"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=settings.model_dump_json(), capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_gzip_bomb_costs_bounded_memory(server, tmp_path):
    server.route(PATH, GOOD)
    ordinary = peak_memory(settings_for(tmp_path / "ordinary", server.url))
    server.route(PATH, replies.gzip_bomb())
    assert peak_memory(settings_for(tmp_path / "bomb", server.url)) - ordinary < 64 * 2**20


def test_gold_stays_held_back_until_what_was_rejected_comes_right(server, tmp_path):
    settings = settings_for(tmp_path, server.url)
    server.route(PATH, FAULTS["1e400"][0])
    for _ in range(2):
        report = Runner(settings).run()
        assert (report.exit_code, report.gold.status) == (5, "held back")


def test_a_refusal_is_not_forgotten_by_the_second_run_of_the_day(server, tmp_path):
    settings = settings_for(tmp_path, server.url)
    server.route(PATH, FAULTS["symbol not in plan"][0])
    codes = [Runner(settings, RunOptions(gold=False)).run().exit_code for _ in range(2)]
    assert (codes, len(server.requests)) == ([3, 3], 1)


def test_gold_without_its_sources_says_which_are_missing(server, tmp_path):
    server.route(PATH, GOOD)
    report = Runner(settings_for(tmp_path, server.url)).run()
    assert (report.exit_code, report.gold.status) == (2, "failed")
    assert "files_transactions" in render(report)
