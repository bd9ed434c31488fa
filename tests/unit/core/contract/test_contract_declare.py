"""Declaring a contract: what it compiles to, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal

import pytest
from finks.contract import Contract, Currency, Symbol, check, field, key, money, price, quantity, ratio, text
from finks.contract.spec import CheckSpec, Kind
from finks.errors import ConfigurationError
from pydantic import ValidationError


class Side(Enum):
    BUY = "buy"
    SELL = "sell"


class SimpleTrade(Contract, version="2.1", licence="CC0-1.0"):
    """One trade."""

    symbol: Symbol = key()
    at: datetime = key(event_time=True, zone="America/New_York")
    paid: Decimal = price(gt=0, unit="USD", description="per share")
    size: Decimal = quantity(ge=0)
    fee: Decimal | None = money()
    share: Decimal | None = ratio(precision=20)
    currency: Currency
    side: Side
    venue: Literal["N", "Q"] | None
    note: str | None = text(pattern="[a-z]+", max_length=5)
    flags: int | None = field(ge=0)
    _cheap = check("fee is None or fee <= paid * size")


GOOD = {"symbol": "A", "at": "2024-01-02T10:00:00", "paid": "2.50", "size": "3", "currency": "USD", "side": "buy"}


def test_the_class_statement_becomes_name_version_licence_key_and_event_time() -> None:
    compiled = SimpleTrade.compiled()
    assert (compiled.name, compiled.version, compiled.licence) == ("simple_trade", "2.1", "CC0-1.0")
    assert (compiled.key, compiled.event_time) == (("symbol", "at"), "at")
    assert compiled.checks == (CheckSpec("cheap", "fee is None or fee <= paid * size"),)
    assert compiled is SimpleTrade.compiled()


def test_fields_keep_their_kind_bounds_and_meaning() -> None:
    compiled = SimpleTrade.compiled()
    paid = compiled.field("paid")
    assert (paid.kind, paid.precision, paid.scale, paid.gt, paid.unit, paid.description) == (
        Kind.DECIMAL, 38, 12, 0, "USD", "per share",
    )  # fmt: skip
    scales = {spec.name: (spec.precision, spec.scale) for spec in compiled.fields if spec.kind is Kind.DECIMAL}
    assert scales == {"paid": (38, 12), "size": (38, 10), "fee": (38, 10), "share": (20, 18)}
    assert compiled.field("symbol").max_length == 64
    assert compiled.field("side").values == ("buy", "sell")
    assert compiled.field("venue").values == ("N", "Q")
    assert compiled.field("venue").nullable
    assert compiled.field("currency").pattern == "[A-Z]{3}"
    assert compiled.field("note").pattern == "[a-z]+"
    assert compiled.field("at").zone == "America/New_York"


def test_the_model_validates_one_record_by_the_same_rules() -> None:
    trade = SimpleTrade.model_validate(GOOD)
    assert trade.paid == Decimal("2.50")
    assert trade.fee is None
    assert trade.at.astimezone(UTC) == datetime(2024, 1, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"paid": "0"},
        {"paid": "1.1234567890123"},
        {"size": "-1"},
        {"currency": "usd"},
        {"side": "hold"},
        {"venue": "X"},
        {"note": "ABC"},
        {"note": "abcabc"},
        {"flags": -1},
        {"fee": "7.51"},
        {"at": "2024-03-10T02:30:00"},
        {"at": "2024-11-03T01:30:00"},
        {"symbol": ""},
        {"unknown": 1},
    ],
    ids=str,
)
def test_the_model_refuses(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SimpleTrade.model_validate({**GOOD, **change})


def nullable_key() -> type[Contract]:
    class Wrong(Contract):
        a: str | None = key()

    return Wrong


def no_key() -> type[Contract]:
    class Wrong(Contract):
        a: str

    return Wrong


def decimal_without_scale() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        b: Decimal

    return Wrong


def float_for_money() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        b: float = money()

    return Wrong


def unknown_name_in_check() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        _rule = check("b > 1")

    return Wrong


def call_in_check() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        _rule = check("__import__('os') is None")

    return Wrong


def unlike_kinds_in_check() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        _rule = check("a > 1")

    return Wrong


def nested_type() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        b: list[str]

    return Wrong


def two_event_times() -> type[Contract]:
    class Wrong(Contract):
        a: date = key(event_time=True)
        b: date = key(event_time=True)

    return Wrong


def event_time_that_is_text() -> type[Contract]:
    class Wrong(Contract):
        a: str = key(event_time=True)

    return Wrong


def bad_version() -> type[Contract]:
    class Wrong(Contract, version="one"):
        a: str = key()

    return Wrong


def unknown_zone() -> type[Contract]:
    class Wrong(Contract):
        a: datetime = key(zone="Mars/Olympus")

    return Wrong


def look_ahead_in_pattern() -> type[Contract]:
    class Wrong(Contract):
        a: str = key(pattern="(?=x)")

    return Wrong


def upper_case_name() -> type[Contract]:
    class Wrong(Contract):
        adjClose: str = key()  # noqa: N815

    return Wrong


def too_many_digits() -> type[Contract]:
    class Wrong(Contract):
        a: str = key()
        b: Decimal = price(precision=39)

    return Wrong


@pytest.mark.parametrize(
    "declare",
    [
        nullable_key, no_key, decimal_without_scale, float_for_money, unknown_name_in_check, call_in_check,
        unlike_kinds_in_check, nested_type, two_event_times, event_time_that_is_text, bad_version, unknown_zone,
        look_ahead_in_pattern, upper_case_name, too_many_digits,
    ],
)  # fmt: skip
def test_a_wrong_declaration_fails_where_it_is_written(declare: Callable[[], type[Contract]]) -> None:
    with pytest.raises(ConfigurationError):
        declare()
