"""Recorded answers of the real vendor, served byte for byte, through driver and kernel."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from finks.contract import Decoding, enforce_responses
from finks.source.driver import Driver
from finks.source.model import Outcome, Page, Slice, Stream
from finks.testing import FaultServer, replies
from finks_connectors.fmp import Fmp, FmpConfig
from finks_connectors.fmp.streams import streams

SPLIT_WEEK = (date(2020, 8, 27), date(2020, 9, 2))
JANUARY = (date(2023, 1, 1), date(2023, 1, 10))
EVER = (None, None)
FILES = [
    ("adjusted_daily_bars", "AAPL", JANUARY, "eod-full.AAPL.2023-01.json", 6),
    ("adjusted_daily_bars", "AAPL", SPLIT_WEEK, "eod-full.AAPL.2020-split.json", 5),
    ("daily_bars", "AAPL", SPLIT_WEEK, "eod-non-split-adjusted.AAPL.2020-split.json", 5),
    ("forex_daily_bars", "EURUSD", JANUARY, "eod-full.EURUSD.2023-01.json", 7),
    ("dividends", "AAPL", EVER, "dividends.AAPL.limit1.json", 1),
    ("dividends", "AAPL", EVER, "dividends.AAPL.head.json", 5),
    ("splits", "AAPL", EVER, "splits.AAPL.json", 5),
    ("income_statements", "AAPL", EVER, "income-statement.AAPL.annual.json", 1),
]


def stream_named(name: str) -> Stream:
    return next(stream for stream in streams(["AAPL"], ["EURUSD"], date(2000, 1, 1)) if stream.name == name)


def fetched(stream: Stream, slice: Slice, body: bytes) -> Page:
    async def once(source: Fmp) -> list[Page]:
        driver = Driver(source)
        try:
            return await driver.fetch(stream, slice)
        finally:
            await driver.aclose()

    with FaultServer() as server:
        server.route(f"/stable/{stream.path}", replies.json_text(body))
        config = FmpConfig.model_validate({"api_key": "k", "base_url": f"{server.url}/stable"})
        [page] = asyncio.run(once(Fmp(config)))
    return page


def good_rows(stream: Stream, key: str, body: bytes, content_type: str = "application/json") -> list[dict]:
    """The records that the kernel lets in; the test fails when it rejects one."""
    responses = pa.table(
        {
            "response_id": ["0" * 32],
            "key": [key],
            "content_type": [content_type],
            "body": pa.array([body], pa.binary()),
            "fetched_at": pa.array([datetime(2026, 8, 27, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        }
    )
    decoding = Decoding(rename=stream.rename, nulls=stream.nulls, from_key=stream.from_key)
    result = enforce_responses(responses, stream.contract.compiled(), decoding)
    assert result.rejects.num_rows == 0, result.rejects.to_pylist()
    return result.good.to_pylist()


def assert_equal_to_source(stream: Stream, good: list[dict], source: list[dict[str, str | None]]) -> None:
    """Every field equals the vendor's text, numbers as decimals; `good` and `source` are in the same order."""
    theirs = {ours: vendor for vendor, ours in stream.rename.items()}
    fields = stream.contract.compiled().fields
    assert len(good) == len(source)
    for row, record in zip(good, source, strict=True):
        for spec in fields:
            text = record.get(theirs.get(spec.name, spec.name))
            value = row[spec.name]
            if text in {None, *stream.nulls}:
                assert value is None
            elif isinstance(value, Decimal):
                assert value == Decimal(text)
            elif isinstance(value, datetime):
                assert str(value.astimezone(ZoneInfo(spec.zone)).replace(tzinfo=None)) == text
            else:
                assert str(value).lower() == text.lower() if isinstance(value, bool) else str(value) == text


def by_order(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: row["_ordinal"])


@pytest.mark.parametrize(("name", "key", "days", "file", "count"), FILES, ids=[row[3] for row in FILES])
def test_every_number_of_a_recorded_answer_arrives_as_it_was_written(recorded, name, key, days, file, count):
    body = (recorded / "recorded" / file).read_bytes()
    stream = stream_named(name)
    page = fetched(stream, Slice(name, key, *days), body)
    assert (page.verdict.outcome, page.response.body) == (Outcome.OK, body)
    good = by_order(good_rows(stream, key, page.response.body))
    assert len(good) == count
    assert_equal_to_source(stream, good, json.loads(body, parse_float=str, parse_int=str))


def test_a_recorded_calendar_of_splits_keeps_its_contract(recorded):
    body = (recorded / "recorded" / "splits-calendar.2023-01.json").read_bytes()
    stream = stream_named("splits")
    good = by_order(good_rows(stream, "", body))
    assert len(good) == 63
    assert_equal_to_source(stream, good, json.loads(body, parse_float=str, parse_int=str))


def test_recorded_profiles_keep_their_contract(recorded):
    body = (recorded / "recorded" / "profile-bulk.part0.head.csv").read_bytes()
    stream = stream_named("profiles")
    good = by_order(good_rows(stream, "", body, "text/csv"))
    assert_equal_to_source(stream, good, list(csv.DictReader(body.decode().splitlines())))


def test_recorded_income_statements_of_a_us_and_a_foreign_issuer_keep_their_contract(recorded):
    body = (recorded / "recorded" / "income-statement-bulk.head.csv").read_bytes()
    stream = stream_named("quarterly_income_statements")
    good = by_order(good_rows(stream, "", body, "text/csv"))
    assert_equal_to_source(stream, good, list(csv.DictReader(body.decode().splitlines())))


def test_an_answer_about_another_symbol_than_asked_does_not_land(recorded):
    body = (recorded / "recorded" / "splits-calendar.2023-01.json").read_bytes()
    page = fetched(stream_named("splits"), Slice("splits", "AAPL"), body)
    assert page.verdict.outcome is Outcome.FAILED


def test_the_series_around_a_split_agree(recorded):
    """4:1 on 2020-08-31: as traded = 4 x full, volume / 4 before it, equal from it on; fmp.md 1.3."""
    traded, full, paid = (
        {row["date"]: row for row in json.loads((recorded / "recorded" / file).read_bytes(), parse_float=Decimal)}
        for file in (
            "eod-non-split-adjusted.AAPL.2020-split.json",
            "eod-full.AAPL.2020-split.json",
            "eod-dividend-adjusted.AAPL.2020-split.json",
        )
    )
    for day, row in traded.items():
        factor = 4 if day < "2020-08-31" else 1
        for ours, name in (("adjOpen", "open"), ("adjHigh", "high"), ("adjLow", "low"), ("adjClose", "close")):
            assert row[ours] == factor * full[day][name]
        assert row["volume"] * factor == full[day]["volume"] == paid[day]["volume"]
        assert full[day]["change"] == full[day]["close"] - full[day]["open"]
        assert Decimal("0.9690") < paid[day]["adjClose"] / full[day]["close"] < Decimal("0.9693")


def test_the_simulated_vendor_adjusts_by_a_split_as_the_real_one(vendor, ask):
    """A 4:1 split on another history turns as traded into full by the recorded relation."""
    vendor.add_split("IBM", "2013-02-28", 4)
    window = {"symbol": "IBM", "first": "2013-02-26", "last": "2013-03-01"}
    full = json.loads(ask("historical-price-eod/full", **window).body, parse_float=Decimal)
    traded = json.loads(ask("historical-price-eod/non-split-adjusted", **window).body, parse_float=Decimal)
    for adjusted, raw in zip(full, traded, strict=True):
        factor = 4 if raw["date"] < "2013-02-28" else 1
        assert (adjusted["close"] * factor, adjusted["volume"]) == (raw["adjClose"], raw["volume"] * factor)
