"""The simulated answers have the form of the recorded ones: names, their order, indents, kinds of values."""

from __future__ import annotations

import csv
import json

import pytest
from finks_connectors.fmp.simulator import SimulatedFmp

SERIES = "historical-price-eod"
PAIRS = [
    (f"{SERIES}/full", "eod-full.AAPL.2020-split.json", "AAPL"),
    (f"{SERIES}/full", "eod-full.AAPL.2023-01.json", "AAPL"),
    (f"{SERIES}/full", "eod-full.EURUSD.2023-01.json", "EURUSD"),
    (f"{SERIES}/non-split-adjusted", "eod-non-split-adjusted.AAPL.2020-split.json", "AAPL"),
    (f"{SERIES}/dividend-adjusted", "eod-dividend-adjusted.AAPL.2020-split.json", "AAPL"),
    ("dividends", "dividends.AAPL.limit1.json", "AAPL"),
    ("dividends", "dividends.AAPL.head.json", "AAPL"),
    ("splits", "splits.AAPL.json", "AAPL"),
    ("income-statement", "income-statement.AAPL.annual.json", "AAPL"),
]


@pytest.fixture(scope="module")
def vendor():
    """One vendor for the module: no test here changes its facts."""
    with SimulatedFmp() as running:
        yield running


@pytest.mark.parametrize(("path", "file", "symbol"), PAIRS)
def test_names_and_their_order_equal_the_recorded(ask, recorded, path, file, symbol):
    real = json.loads((recorded / "recorded" / file).read_bytes())
    simulated = json.loads(ask(path, symbol=symbol).body)
    assert {tuple(row) for row in simulated} == {tuple(row) for row in real}
    assert [row["date"] for row in simulated] == sorted((row["date"] for row in simulated), reverse=True)


def test_the_profiles_names_and_their_order_equal_the_recorded(ask, recorded):
    with (recorded / "recorded" / "profile-bulk.part0.head.csv").open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    [row] = json.loads(ask("profile", symbol="AAPL").body)
    assert list(row) == header


def test_the_text_is_indented_and_broken_as_the_recorded(ask, recorded):
    real = (recorded / "recorded" / "eod-full.AAPL.2023-01.json").read_text()
    simulated = ask(f"{SERIES}/full", symbol="AAPL").body.decode()
    assert _frame(simulated) == _frame(real)


def test_numbers_are_printed_as_the_vendor_prints_them(ask):
    """A JavaScript server prints 126 for 126.0 and never an exponent in this range."""
    body = ask(f"{SERIES}/non-split-adjusted", symbol="AAPL", first="2000-03-01").body
    assert b": 126,\n" in body
    assert b".0,\n" not in body
    assert b"E" not in body.replace(b"AAPL", b"")


def _frame(text: str) -> list[str]:
    """The first record's lines without values."""
    lines = text.splitlines()
    return [line.split(":")[0] for line in lines[: lines.index("  },") + 2]]
