"""Grammars: what becomes a value, and which rule the rest breaks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

import pytest
from finks.contract import Contract, Decoding, field, filter, key, price
from hypothesis import given, settings
from hypothesis import strategies as st


class Cells(Contract):
    k: str = key()
    dec: Decimal | None = price(precision=20, scale=8)
    whole: Decimal | None = field(precision=5, scale=0)
    part: Decimal | None = field(precision=3, scale=3)
    n: int | None = field()
    f: float | None = field()
    b: bool | None = field()
    d: date | None = field()
    t: datetime | None = field()
    ny: datetime | None = field(zone="America/New_York")
    bound: Decimal | None = field(precision=10, scale=2, gt=0, le=100)
    ranged: int | None = field(ge=-5, lt=5)
    measure: float | None = field(ge=0.1)
    day: date | None = field(ge=date(2000, 1, 1))
    code: str | None = field(pattern="[A-Z]{2}|x+", min_length=2, max_length=3)
    side: Literal["buy", "sell"] | None


def cell(name: str, text: str) -> object:
    """The value that a text becomes, or the rule that it breaks; as JSON text and as CSV text alike."""
    outcomes: list[object] = []
    bodies = [
        (json.dumps([{"k": "x", name: text}]).encode(), "application/json"),
        (f'k,{name}\nx,"{text}"\n'.encode(), "text/csv"),
    ]
    for body, content_type in bodies:
        result = filter(body, Cells, content_type=content_type, decoding=Decoding(nulls=()))
        if result.good.num_rows:
            outcomes.append(result.good[name][0].as_py())
        else:
            (reject,) = result.rejects.to_pylist()
            assert reject["field"] == name
            outcomes.append("rule " + reject["rule"])
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("dec", "1", Decimal(1)),
        ("dec", "+1.50", Decimal("1.5")),
        ("dec", "-0", Decimal(0)),
        ("dec", ".5", Decimal("0.5")),
        ("dec", "5.", Decimal(5)),
        ("dec", "007", Decimal(7)),
        ("dec", "1e3", Decimal(1000)),
        ("dec", "1.5E-7", Decimal("0.00000015")),
        ("dec", "9.377582044223232e2", "rule scale"),
        ("dec", "123456789012.12345678", Decimal("123456789012.12345678")),
        ("dec", "1.123456780000000000000", Decimal("1.12345678")),
        ("dec", "0.000000000000000000000000000", Decimal(0)),
        ("dec", "0e99", Decimal(0)),
        ("dec", "1.123456789", "rule scale"),
        ("dec", "1e-9", "rule scale"),
        ("dec", "1234567890123", "rule precision"),
        ("dec", "1e12", "rule precision"),
        ("dec", "1e400", "rule decimal"),
        ("dec", " 1.5 ", "rule decimal"),
        ("dec", "1_000", "rule decimal"),
        ("dec", "1,000", "rule decimal"),
        ("dec", "NaN", "rule decimal"),
        ("dec", "Infinity", "rule decimal"),
        ("dec", "0x10", "rule decimal"),
        ("dec", "\u0661", "rule decimal"),
        ("dec", "--1", "rule decimal"),
        ("dec", "", "rule decimal"),
        ("dec", "97.52%", "rule decimal"),
        ("whole", "99999", Decimal(99999)),
        ("whole", "100000", "rule precision"),
        ("whole", "1.0", Decimal(1)),
        ("whole", "1.5", "rule scale"),
        ("part", "0.125", Decimal("0.125")),
        ("part", "-.5", Decimal("-0.5")),
        ("part", "1.0", "rule precision"),
        ("n", "42", 42),
        ("n", "-9223372036854775808", -(2**63)),
        ("n", "9223372036854775807", 2**63 - 1),
        ("n", "9223372036854775808", "rule range"),
        ("n", "+7", 7),
        ("n", "007", 7),
        ("n", "1.5", "rule integer"),
        ("n", "100.0", "rule integer"),
        ("n", "1e3", "rule integer"),
        ("n", " 1", "rule integer"),
        ("f", "0.1", 0.1),
        ("f", "1e-300", 1e-300),
        ("f", "179769313486231570000", 1.7976931348623157e20),
        ("f", "1e400", "rule float"),
        ("f", "inf", "rule float"),
        ("b", "true", True),
        ("b", "false", False),
        ("b", "True", "rule boolean"),
        ("b", "1", "rule boolean"),
        ("d", "2024-02-29", date(2024, 2, 29)),
        ("d", "2023-02-29", "rule date"),
        ("d", "2024/02/03", "rule date"),
        ("d", "2024-2-3", "rule date"),
        ("d", "0000-01-01", "rule date"),
        ("d", "2024-02-03T10:00:00Z", "rule date"),
        ("t", "2024-02-03T10:00:00Z", datetime(2024, 2, 3, 10, tzinfo=UTC)),
        ("t", "2024-02-03 10:00:00.123456+02:00", datetime(2024, 2, 3, 8, 0, 0, 123456, tzinfo=UTC)),
        ("t", "2024-02-03T10:00:00", "rule timestamp"),
        ("t", "2024-02-03", "rule timestamp"),
        ("t", "2024-02-03T24:00:00Z", "rule timestamp"),
        ("t", "2024-02-03T23:59:60Z", "rule timestamp"),
        ("t", "2024-02-30T10:00:00Z", "rule timestamp"),
        ("t", "2024-02-03T10:00:00.1234567Z", "rule timestamp"),
        ("ny", "2024-07-01 16:00:00", datetime(2024, 7, 1, 20, tzinfo=UTC)),
        ("ny", "2024-07-01T16:00:00Z", datetime(2024, 7, 1, 16, tzinfo=UTC)),
        ("ny", "2024-03-10 02:30:00", "rule timestamp"),
        ("ny", "2024-11-03 01:30:00", "rule timestamp"),
        ("ny", "2024-11-03 01:30:00-05:00", datetime(2024, 11, 3, 6, 30, tzinfo=UTC)),
        ("bound", "0.01", Decimal("0.01")),
        ("bound", "100.00", Decimal(100)),
        ("bound", "0", "rule range"),
        ("bound", "100.01", "rule range"),
        ("ranged", "-5", -5),
        ("ranged", "5", "rule range"),
        ("measure", "0.1", 0.1),
        ("measure", "0.09", "rule range"),
        ("day", "2000-01-01", date(2000, 1, 1)),
        ("day", "1999-12-31", "rule range"),
        ("code", "AB", "AB"),
        ("code", "xxx", "xxx"),
        ("code", "ABC", "rule pattern"),
        ("code", "xAB", "rule pattern"),
        ("code", "x", "rule length"),
        ("code", "xxxx", "rule length"),
        ("side", "buy", "buy"),
        ("side", "Buy", "rule enum"),
    ],
)
def test_a_text_becomes_its_value_or_breaks_its_rule(name: str, text: str, value: object) -> None:
    found = cell(name, text)
    assert found == value
    assert type(found) is type(value)


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.decimals(-(10**11), 10**11, places=8).map(str))
def test_a_decimal_cell_is_its_text_or_is_rejected(text: str) -> None:
    result = filter(f'[{{"k": "x", "dec": {text}}}]'.encode(), Cells)
    value = Decimal(text)
    fits = value == round(value, 8) and abs(value) < 10**12 if abs(value) < 10**15 else False
    assert result.good["dec"].to_pylist() == ([value] if fits else [])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.decimals(-(10**7), 10**7, places=3) | st.integers(-(10**15), 10**15), min_size=1, max_size=30))
def test_columns_of_bare_numbers_stay_exact_together(numbers: list[Decimal | int]) -> None:
    class Wide(Contract):
        k: int = key()
        v: Decimal = price()

    body = "[" + ",".join(f'{{"k": {k}, "v": {v}}}' for k, v in enumerate(numbers)) + "]"
    assert filter(body.encode(), Wide).good["v"].to_pylist() == numbers


def test_all_reasons_of_one_record_are_told_and_the_first_names_the_rule() -> None:
    result = filter(b'[{"k": "x", "dec": "a", "n": "b", "side": "c"}]', Cells)
    (reject,) = result.rejects.to_pylist()
    assert (reject["field"], reject["rule"]) == ("dec", "decimal")
    assert [part.split()[0] for part in reject["reason"].split("; ")] == ["dec", "n", "side"]


def test_wide_scales_hold_zeros_and_small_numbers() -> None:
    class Fine(Contract):
        k: int = key()
        a: Decimal = field(precision=38, scale=25)
        b: Decimal = field(precision=38, scale=38)

    body = b'[{"k": 1, "a": 0, "b": 0}, {"k": 2, "a": 0, "b": 0}]'
    assert filter(body, Fine).good["a"].to_pylist() == [0, 0]
    body = b'[{"k": 1, "a": 123456789012.125, "b": 0}, {"k": 2, "a": 0.000000001, "b": 0.25}]'
    good = filter(body, Fine).good
    assert good["a"].to_pylist() == [Decimal("123456789012.125"), Decimal("1e-9")]
    assert good["b"].to_pylist() == [0, Decimal("0.25")]
