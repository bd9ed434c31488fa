from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from finks.contract.spec import CompiledContract, FieldSpec, Kind
from finks.lake import BRONZE_SCHEMA, Lake

START = datetime(2026, 1, 1, tzinfo=UTC)

BAR = CompiledContract(
    name="daily_bar",
    version="1.0",
    description="One session of one security.",
    fields=(
        FieldSpec("symbol", Kind.STRING),
        FieldSpec("session", Kind.DATE),
        FieldSpec("close", Kind.DECIMAL, precision=38, scale=12),
        FieldSpec("note", Kind.STRING, nullable=True),
    ),
    key=("symbol", "session"),
    event_time="session",
)

GOOD = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("session", pa.date32(), nullable=False),
        pa.field("close", pa.decimal128(38, 12), nullable=False),
        pa.field("note", pa.string()),
        pa.field("_row_hash", pa.int64()),
        pa.field("_known_at", pa.timestamp("us", tz="UTC")),
        pa.field("_bronze_ref", pa.string()),
        pa.field("_ordinal", pa.int32()),
    ]
)


class Builder:
    """Builds what the kernel and the ingestion hand to the lake."""

    contract = BAR
    schema = GOOD

    @staticmethod
    def at(minutes: int) -> datetime:
        return START + timedelta(minutes=minutes)

    @staticmethod
    def day(number: int) -> date:
        return date(2025, 12, 1) + timedelta(days=number)

    def good(self, response: str, minutes: int, rows: list[tuple]) -> pa.Table:
        """Rows are (symbol, day number, close[, note])."""
        records = []
        for ordinal, (symbol, day, close, *note) in enumerate(rows):
            text = f"{symbol}|{day}|{close}|{note}"
            records.append(
                {
                    "symbol": symbol,
                    "session": self.day(day),
                    "close": Decimal(str(close)),
                    "note": note[0] if note else None,
                    "_row_hash": int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True),
                    "_known_at": self.at(minutes),
                    "_bronze_ref": response,
                    "_ordinal": ordinal,
                }
            )
        return pa.Table.from_pylist(records, schema=GOOD)

    def spans(self, *spans: tuple[str, int, str | None, int, int]) -> pa.Table:
        """Spans are (response, minutes, key, first day, last day)."""
        return pa.table(
            {
                "response_id": pa.array([s[0] for s in spans], pa.string()),
                "known_at": pa.array([self.at(s[1]) for s in spans], pa.timestamp("us", tz="UTC")),
                "key": pa.array([s[2] for s in spans], pa.string()),
                "min_event": pa.array([self.day(s[3]) for s in spans], pa.date32()),
                "max_event": pa.array([self.day(s[4]) for s in spans], pa.date32()),
            }
        )

    def response(self, name: str, minutes: int, **values) -> dict:
        body = values.get("body", f"body of {name}".encode())
        row = {
            "response_id": name,
            "slice": f"daily_bars/{values.get('key', 'AAPL')}/all",
            "key": "AAPL",
            "window_start": None,
            "window_end": None,
            "logical_date": self.at(minutes).date(),
            "page": 0,
            "request": "GET https://vendor.test/bars?symbol=AAPL",
            "status": 200,
            "outcome": "ok",
            "reason": "",
            "attempts": 1,
            "content_type": "application/json",
            "body": body,
            "body_sha256": hashlib.sha256(body).hexdigest() if body else None,
            "wire_bytes": len(body or b""),
            "fetched_at": self.at(minutes),
            "run_id": "run-1",
            "connector": "fmp",
            "connector_version": "1",
        }
        return {**row, **values}

    def responses(self, *rows: dict) -> pa.Table:
        return pa.Table.from_pylist(list(rows), schema=BRONZE_SCHEMA)


@pytest.fixture(scope="session")
def build() -> Builder:
    return Builder()


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.open(tmp_path / "lake", create=True, clock=lambda: START)
