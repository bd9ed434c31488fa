"""The files source: which files, how they are named, what a missing one means."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from finks.source.driver import Driver
from finks.source.model import Action, Outcome, Page, Slice
from finks_connectors.files import Files, FilesConfig
from finks_connectors.files.contracts import Transaction
from pydantic import ValidationError

TRADE = {
    "portfolio_id": "p",
    "transaction_id": "1",
    "trade_date": date(2020, 1, 2),
    "kind": "buy",
    "symbol": "AAPL",
    "quantity": Decimal(1),
    "price": Decimal("300.35"),
    "currency": "USD",
}
CASH = {k: TRADE[k] for k in ("portfolio_id", "transaction_id", "trade_date", "currency")}


def read(source: Files, stream: str = "transactions") -> Page:
    async def once() -> list[Page]:
        driver = Driver(source)
        try:
            found = next(s for s in source.streams() if s.name == stream)
            return await driver.fetch(found, Slice(stream, ""))
        finally:
            await driver.aclose()

    [page] = asyncio.run(once())
    return page


def test_only_streams_with_a_path_are_offered():
    source = Files(FilesConfig(transactions=Path("t.csv")))
    assert [stream.name for stream in source.streams()] == ["transactions"]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.ndjson", "t.json", "t.parquet", "my bookings ü#1.csv"])
def test_a_file_is_read_byte_for_byte_relative_to_the_root(tmp_path, name):
    body = b"\x00\xffportfolio_id,transaction_id\r\n"
    (tmp_path / name).write_bytes(body)
    page = read(Files(FilesConfig(root=tmp_path, transactions=Path(name))))
    assert page.response.body == body
    assert page.verdict.outcome is Outcome.OK


def test_an_absolute_path_stays(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"x")
    source = Files(FilesConfig(root=Path("/elsewhere"), transactions=tmp_path / "t.csv"))
    assert read(source).verdict.outcome is Outcome.OK


def test_a_missing_file_stops_its_stream_as_a_setting_to_correct(tmp_path):
    page = read(Files(FilesConfig(root=tmp_path, transactions=Path("absent.csv"))))
    assert (page.verdict.outcome, page.verdict.action) == (Outcome.FAILED, Action.SKIP_STREAM)
    assert page.verdict.error == "ConfigurationError"
    assert "absent.csv" in page.verdict.reason
    assert page.response.attempts == 1


def test_an_empty_file_is_empty(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\n")
    assert read(Files(FilesConfig(root=tmp_path, transactions=Path("t.csv")))).verdict.outcome is Outcome.EMPTY


def test_an_unknown_suffix_is_refused():
    with pytest.raises(ValidationError, match=r"\.parquet"):
        FilesConfig(transactions=Path("t.xlsx"))


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": None},
        {"quantity": None},
        {"price": None},
        {"quantity": Decimal(0)},
        {"quantity": Decimal(-1)},
        {"price": Decimal(-1)},
        {"amount": Decimal(300)},
        {"fee": Decimal(-1)},
        {"kind": "dividend"},
        {"currency": "usd"},
    ],
)
def test_a_trade_that_is_not_whole_breaks_the_contract(change):
    Transaction.model_validate(TRADE)
    with pytest.raises(ValidationError):
        Transaction.model_validate(TRADE | change)


@pytest.mark.parametrize("kind", ["deposit", "withdrawal", "fee"])
@pytest.mark.parametrize("change", [{"amount": None}, {"amount": Decimal(0)}, {"quantity": Decimal(1)}, {"fee": 1}])
def test_a_cash_movement_that_is_not_whole_breaks_the_contract(kind, change):
    whole = CASH | {"kind": kind, "amount": Decimal(100)}
    Transaction.model_validate(whole)
    with pytest.raises(ValidationError):
        Transaction.model_validate(whole | change)
