"""The source under the real driver, against the simulated vendor."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import date
from itertools import pairwise

import pytest
from finks.source.driver import Driver
from finks.source.model import Outcome, Page, Slice, Verdict
from finks_connectors.fmp import Fmp, FmpConfig
from finks_connectors.fmp.simulator import SimulatedFmp

KEY = "canary-1234567890"
FIRST, LAST = date(2000, 3, 1), date(2013, 3, 1)


class FastTime:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def fetch(
    vendor: SimulatedFmp, stream: str, key: str, days: tuple[date, date] | None = None, time: FastTime | None = None
) -> tuple[list[Page], Verdict | None]:
    """The pages of one slice, and what stopped the stream, if anything did."""
    config = {"api_key": KEY, "symbols": ["AAPL", "MSFT"], "pairs": ["EURUSD"], "base_url": vendor.url}
    source = Fmp(FmpConfig.model_validate(config))

    async def once() -> tuple[list[Page], Verdict | None]:
        clock = time or FastTime()
        driver = Driver(source, sleep=clock.sleep, monotonic=clock.monotonic)
        try:
            found = next(s for s in source.streams() if s.name == stream)
            pages = await driver.fetch(found, Slice(stream, key, *(days or (None, None))))
            return pages, driver.stopped(stream)
        finally:
            await driver.aclose()

    return asyncio.run(once())


@pytest.fixture
def vendor():
    with SimulatedFmp(keys={KEY: "ultimate"}) as running:
        yield running


def dates(pages: list[Page]) -> list[str]:
    return [row["date"] for page in pages for row in json.loads(page.response.body)]


@pytest.mark.parametrize("stream", ["daily_bars", "adjusted_daily_bars", "forex_daily_bars"])
def test_a_window_of_bars_comes_whole(vendor, stream):
    key = "EURUSD" if stream.startswith("forex") else "AAPL"
    pages, _ = fetch(vendor, stream, key, (FIRST, LAST))
    assert [page.verdict.outcome for page in pages] == [Outcome.OK]
    assert (min(dates(pages)), max(dates(pages))) == ("2000-03-01", "2013-03-01")


@pytest.mark.parametrize("stream", ["dividends", "splits", "profiles", "income_statements"])
def test_a_snapshot_comes_in_one_answer(vendor, stream):
    pages, _ = fetch(vendor, stream, "MSFT")
    assert [page.verdict.outcome for page in pages] == [Outcome.OK]


def test_a_history_beyond_the_cap_is_paged_back_without_gap_or_overlap(vendor):
    vendor.today = date(2026, 10, 30)
    pages, _ = fetch(vendor, "forex_daily_bars", "EURUSD", (date(1999, 1, 4), date(2026, 10, 30)))
    found = [date.fromisoformat(day) for day in dates(pages)]
    assert [page.verdict.outcome for page in pages] == [Outcome.OK, Outcome.OK]
    assert (found[0], found[-1]) == (date(2026, 10, 30), date(1999, 1, 4))
    # The longest pause of the reference rates is Easter.
    assert all(0 < (newer - older).days <= 5 for newer, older in pairwise(found))


def test_an_outage_that_passes_is_waited_out(vendor):
    vendor.fail("bad_gateway", 2)
    pages, _ = fetch(vendor, "splits", "AAPL")
    assert [(page.verdict.outcome, page.response.attempts) for page in pages] == [(Outcome.OK, 3)]


def test_a_limit_per_minute_is_waited_out(vendor):
    vendor.fail("limit_reach", 4)
    time = FastTime()
    pages, stopped = fetch(vendor, "splits", "AAPL", time=time)
    assert pages[0].verdict.outcome is Outcome.OK
    assert stopped is None
    assert time.seconds > 60


def test_a_limit_that_outlasts_the_waiting_stops_the_source(vendor):
    vendor.fail("limit_reach", 5)
    _, stopped = fetch(vendor, "splits", "AAPL")
    assert stopped is not None
    assert stopped.error == "QuotaExhaustedError"


def test_a_refused_key_stops_the_source_at_the_first_call(vendor):
    vendor.fail("bad_key")
    _, stopped = fetch(vendor, "splits", "AAPL")
    assert stopped is not None
    assert stopped.error == "CredentialsError"
    assert vendor.count() == 1


def test_a_refused_symbol_concerns_its_slice_only(vendor):
    vendor.restrict("AAPL")
    pages, stopped = fetch(vendor, "splits", "AAPL")
    assert pages[0].verdict.outcome is Outcome.NOT_ENTITLED
    assert stopped is None


def test_a_refused_endpoint_stops_its_stream(vendor):
    vendor.restrict("splits")
    _, stopped = fetch(vendor, "splits", "AAPL")
    assert stopped is not None
    assert stopped.outcome is Outcome.NOT_ENTITLED


def test_the_key_is_in_no_page_and_no_log(vendor, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.fail("bad_gateway")
    pages, _ = fetch(vendor, "daily_bars", "AAPL", (date(2013, 1, 1), LAST))
    assert KEY not in repr(pages)
    assert KEY not in caplog.text
    assert vendor.calls[-1].params == {"symbol": "AAPL", "from": "2013-01-01", "to": "2013-03-01"}
