"""A stream of prices with a narrow contract and a corrected one, and the responses that carry them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
from finks.contract import Contract, Symbol, key, price
from finks.lake import BRONZE_SCHEMA, Lake
from finks.run.care.replay import TableReplay, replay_stream
from finks.run.events import Observer, ignore
from finks.run.refine import refine_stream
from finks.run.report import StreamReport
from finks.source.model import Snapshot, Stream

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
FIRST_DAY = date(2025, 12, 1)
SOURCE, TABLE = "acme", "acme_prices"


class Narrow(Contract, version="1.0"):
    """A price that may not pass 5, which was a mistake."""

    symbol: Symbol = key()
    session: date = key(event_time=True)
    close: Decimal = price(le=5)


class Wide(Contract, version="1.1"):
    """The same, corrected."""

    symbol: Symbol = key()
    session: date = key(event_time=True)
    close: Decimal = price(le=9)


NARROW = Stream(name="prices", contract=Narrow, path="prices", policy=Snapshot(every_days=1))
WIDE = replace(NARROW, contract=Wide)


def body(closes: dict[int, object], symbol: str = "A") -> bytes:
    """One record per day."""
    records = [
        {"symbol": symbol, "session": (FIRST_DAY + timedelta(days=day)).isoformat(), "close": close}
        for day, close in closes.items()
    ]
    return json.dumps(records).encode()


def response(minute: int, content: bytes, symbol: str = "A") -> dict[str, object]:
    """One row of Bronze."""
    at = START + timedelta(minutes=minute)
    return {
        "response_id": f"r{minute:03}", "slice": f"prices/{symbol}/all", "key": symbol, "window_start": None,
        "window_end": None, "logical_date": at.date(), "page": 0, "request": "GET https://acme.test", "status": 200,
        "outcome": "ok", "reason": "", "attempts": 1, "content_type": "application/json", "body": content,
        "body_sha256": hashlib.sha256(content).hexdigest(), "wire_bytes": len(content), "fetched_at": at,
        "run_id": "ingest", "connector": "acme", "connector_version": "1",
    }  # fmt: skip


def land(lake: Lake, rows: Iterable[dict[str, object]]) -> None:
    lake.bronze(TABLE).append(pa.Table.from_pylist(list(rows), schema=BRONZE_SCHEMA), {})


def refine(lake: Lake, stream: Stream) -> StreamReport:
    report = StreamReport(table=TABLE)
    refine_stream(lake, SOURCE, stream, TABLE, "refine", report, ignore)
    return report


def replay(lake: Lake, stream: Stream, rule: str | None = None, observer: Observer = ignore) -> TableReplay:
    return replay_stream(lake, SOURCE, stream, TABLE, "replay", lambda: NOW, rule=rule, observer=observer)


def latest(lake: Lake) -> dict[tuple[str, int], int]:
    """The close of each symbol and day."""
    rows = lake.latest(TABLE).polars().iter_rows(named=True)
    return {(row["symbol"], (row["session"] - FIRST_DAY).days): int(row["close"]) for row in rows}


def history(lake: Lake) -> list[tuple]:
    """Every version, whichever run wrote it. A retraction carries the values of its time, which is not a version."""
    close = pl.when(~pl.col("_retracted")).then("close")
    rows = lake.history(TABLE).polars().drop("_run_id").with_columns(close=close)
    return rows.sort(pl.all()).rows()
