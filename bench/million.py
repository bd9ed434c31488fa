"""A million Bronze records: daily bars in 800 responses, with re-reads, restatements, copies and rejects among them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from finks.contract import Contract, Symbol, check, key, price, quantity
from finks.lake import BRONZE_SCHEMA, Lake
from finks.source.model import Stream, Windows

RESPONSES = 800
RECORDS = 1250
WINDOWS = 8
COMMITS = 8
FIRST = date(1999, 1, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Bar(Contract, version="1.0"):
    """One session of one security."""

    symbol: Symbol = key()
    session: date = key(event_time=True)
    open: Decimal = price()
    high: Decimal = price()
    low: Decimal = price()
    close: Decimal = price()
    volume: Decimal = quantity(ge=0)
    _range = check("low <= open and low <= close and high >= open and high >= close")


STREAM = Stream("bars", Bar, "bars", Windows(max_days=4900), rename={"date": "session"}, max_rows=5000)


def fill(lake: Lake, responses: int = RESPONSES) -> None:
    """Land the responses in a few commits, as ingestion does."""
    rows = list(_responses(responses))
    size = -(-len(rows) // COMMITS)
    for start in range(0, len(rows), size):
        lake.bronze(STREAM.name).append(pa.Table.from_pylist(rows[start : start + size], schema=BRONZE_SCHEMA), {})


def _responses(count: int) -> Iterator[dict[str, object]]:
    """Nine of ten are windows of their own; every tenth reads an earlier one again, with a few other values."""
    dice = random.Random(7)
    for number in range(count):
        window, again = (dice.randrange(number), True) if number % 10 == 9 else (number, False)
        yield _response(number, window, again, dice)


def _response(number: int, window: int, again: bool, dice: random.Random) -> dict[str, object]:
    symbol = f"S{window // WINDOWS:03}"
    first = FIRST + timedelta(days=(window % WINDOWS) * RECORDS)
    records = [_record(symbol, first + timedelta(days=day), window * RECORDS + day) for day in range(RECORDS)]
    if again:
        for place in dice.sample(range(RECORDS), 5):
            records[place]["close"] = records[place]["low"]
        del records[dice.randrange(RECORDS)]
        records.append(records[0])
    elif number % 3 == 0:
        for place in dice.sample(range(RECORDS), 50):
            records[place] |= dice.choice([{"close": "1_000"}, {"high": 0.5}, {"date": "2024/02/03"}, {"volume": -1}])
    body = json.dumps(records, separators=(",", ":")).encode()
    body = body[:-2] if number % 400 == 399 else body
    at = START + timedelta(seconds=number)
    last = first + timedelta(days=RECORDS - 1)
    return {
        "response_id": f"r{number:05}", "slice": f"bars/{symbol}/{first}..{last}", "key": symbol,
        "window_start": first, "window_end": last, "logical_date": at.date(), "page": 0,
        "request": "GET https://vendor.test/bars", "status": 200, "outcome": "ok", "reason": "", "attempts": 1,
        "content_type": "application/json", "body": body, "body_sha256": hashlib.sha256(body).hexdigest(),
        "wire_bytes": len(body), "fetched_at": at, "run_id": "fill", "connector": "bench", "connector_version": "1",
    }  # fmt: skip


def _record(symbol: str, session: date, number: int) -> dict[str, object]:
    low = 20 + number % 977 / 100
    return {
        "symbol": symbol, "date": session.isoformat(), "open": round(low + 0.11, 2), "high": round(low + 1.37, 2),
        "low": round(low, 2), "close": round(low + 0.73, 2), "volume": 1_000_000 + number,
    }  # fmt: skip
