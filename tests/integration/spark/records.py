"""A stream of bars and responses that carry them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from finks.contract import Contract, Symbol, check, key, price, quantity
from finks.contract import field as plain
from finks.lake import BRONZE_SCHEMA
from finks.source.model import Snapshot, Stream, Windows

START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_DAY = date(2025, 12, 20)


class Bar(Contract, version="1.0"):
    """One session of one security."""

    symbol: Symbol = key()
    session: date = key(event_time=True)
    low: Decimal = price()
    high: Decimal = price()
    volume: Decimal | None = quantity(ge=0)
    note: str | None = plain(default=None, max_length=8)
    _range = check("low <= high")


class BarBefore(Contract, version="0.9"):
    """The same before it had a note."""

    symbol: Symbol = key()
    session: date = key(event_time=True)
    low: Decimal = price()
    high: Decimal = price()
    volume: Decimal | None = quantity(ge=0)


class Tick(Contract, version="1.0"):
    """One price at an instant."""

    symbol: Symbol = key()
    at: datetime = key(event_time=True)
    low: Decimal = price()


class Security(Contract, version="1.0"):
    """What is known of one security; no event time."""

    symbol: Symbol = key()
    name: str = plain(max_length=40)
    shares: int | None = plain(default=None)


BARS = Stream(
    name="bars",
    contract=Bar,
    path="bars",
    policy=Windows(max_days=400),
    keys=("A", "B", "C"),
    rename={"date": "session"},
    max_rows=50,
)
TICKS = Stream(name="ticks", contract=Tick, path="ticks", policy=Windows(max_days=400))
SECURITIES = Stream(name="securities", contract=Security, path="securities", policy=Snapshot(every_days=1), keys=("",))
BELIEVED = Stream(
    name="believed", contract=Security, path="securities", policy=Snapshot(every_days=1), keys=("",), authoritative=True
)


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def bar(symbol: str, number: int, close: object = 10, **more: object) -> dict[str, object]:
    return {"symbol": symbol, "date": day(number).isoformat(), "low": close, "high": close, "volume": 1, **more}


def response(
    name: str,
    minutes: float,
    records: Iterable[dict[str, object]] | bytes,
    key: str = "A",
    window: tuple[int, int] | None = (0, 9),
    **more: object,
) -> dict[str, object]:
    """One row of Bronze; `records` may be a whole body."""
    body = records if isinstance(records, bytes) else json.dumps(list(records)).encode()
    at = START + timedelta(minutes=minutes)
    return {
        "response_id": name,
        "slice": f"bars/{key}/{window}",
        "key": key,
        "window_start": day(window[0]) if window else None,
        "window_end": day(window[1]) if window else None,
        "logical_date": at.date(),
        "page": 0,
        "request": "GET https://vendor.test/bars",
        "status": 200,
        "outcome": "ok",
        "reason": "",
        "attempts": 1,
        "content_type": "application/json",
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "wire_bytes": len(body),
        "fetched_at": at,
        "run_id": "ingest",
        "connector": "acme",
        "connector_version": "1",
        **more,
    }


def responses(rows: Iterable[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=BRONZE_SCHEMA)
