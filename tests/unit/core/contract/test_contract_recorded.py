"""Answers of a live vendor: every number equals its source text."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from finks.contract import Contract, Decoding, key, price, quantity, ratio, validate


class FullBar(Contract):
    symbol: str = key()
    session: date = key(event_time=True)
    open: Decimal = price()
    high: Decimal = price()
    low: Decimal = price()
    close: Decimal = price()
    volume: Decimal = quantity()
    change: Decimal = price()
    change_percent: Decimal = ratio()
    vwap: Decimal = price()


RENAME = {"date": "session", "changePercent": "change_percent"}


def test_every_number_of_the_recorded_bars_equals_its_source_text(recorded: Path) -> None:
    files = sorted((recorded / "recorded").glob("eod-full*.json"))
    assert files
    for file in files:
        source = json.loads(file.read_text(), parse_float=str, parse_int=str)
        rows = validate(file.read_bytes(), FullBar, decoding=Decoding(rename=RENAME)).to_pylist()
        assert len(rows) == len(source)
        for row, texts in zip(rows, source, strict=True):
            for theirs, text in texts.items():
                value = row[RENAME.get(theirs, theirs)]
                assert value == Decimal(text) if isinstance(value, Decimal) else str(value) == text
