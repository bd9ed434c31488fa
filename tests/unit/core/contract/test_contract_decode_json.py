"""JSON bodies: the fast way and Python's strict parser give the same records, digit by digit."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from finks.contract import Contract, Decoding, KernelResult, field, filter, key, price
from hypothesis import given, settings
from hypothesis import strategies as st


class Quote(Contract):
    """Nothing is required but the key, so that only the values decide."""

    s: str = key()
    p: Decimal | None = price()
    q: Decimal | None = price(precision=18, scale=4)
    n: int | None = field()
    t: str | None = field()


INTEGERS = st.integers(-(10**19), 10**19).map(str)
DECIMALS = st.builds(
    "{}{}.{}".format, st.sampled_from(["", "-"]), st.integers(0, 10**12), st.text("0123456789", min_size=1, max_size=14)
)
EXPONENTS = st.builds("{}e{}".format, DECIMALS, st.integers(-14, 14))
NUMBERS = st.one_of(INTEGERS, DECIMALS, EXPONENTS, st.sampled_from(["-0", "0.0", "1.10", "9007199254740993", "1e400"]))
SCALARS = st.one_of(NUMBERS, NUMBERS, st.sampled_from(["null", "true", '"1.50"', '""', '"a:b"', '"\\u00e9"', '"{"']))


@st.composite
def bodies(draw: st.DrawFn) -> str:
    columns = draw(st.lists(st.sampled_from("pqnt"), unique=True, max_size=4))
    records: list[str] = []
    for number in range(draw(st.integers(0, 5))):
        values = {name: draw(SCALARS) for name in columns}
        records.append(", ".join([f'"s": "k{number}"', *(f'"{name}": {value}' for name, value in values.items())]))
    return "[" + ",\n".join("{" + record + "}" for record in records) + "]"


def expected_decimal(text: str | None, whole: int, scale: int) -> Decimal | None:
    """The value that the grammar promises, or a KeyError's cousin when the cell must be rejected."""
    if text in (None, ""):
        return None
    if text == "true" or not set(text) <= set("0123456789.eE+-") or "e400" in text:
        raise ValueError
    value = Decimal(text)
    if value != value.quantize(Decimal(1).scaleb(-scale), context=_WIDE) or abs(value) >= Decimal(10) ** whole:
        raise ValueError
    return value


_WIDE = Context(prec=120)


def expected(record: dict[str, Any]) -> dict[str, Any]:
    """One record as the contract reads it, from the source text alone. Raises ValueError for a reject."""
    number = record.get("n")
    if number not in (None, "") and (not number.lstrip("-").isdigit() or not -(2**63) <= int(number) < 2**63):
        raise ValueError
    return {
        "s": record["s"],
        "p": expected_decimal(record.get("p"), 26, 12),
        "q": expected_decimal(record.get("q"), 14, 4),
        "n": int(number) if number else None,
        "t": record.get("t") or None,
    }


def oracle(body: str) -> list[dict[str, Any]]:
    good: list[dict[str, Any]] = []
    for record in json.loads(body, parse_float=str, parse_int=str):
        texts = {name: "true" if value is True else value for name, value in record.items()}
        try:
            good.append(expected(texts))
        except ValueError:
            continue
    return good


def values(result: KernelResult) -> list[dict[str, Any]]:
    return result.good.select(["s", "p", "q", "n", "t"]).to_pylist()


@settings(max_examples=300, deadline=None)
@given(bodies())
def test_every_value_equals_its_source_text_and_the_rest_is_rejected(body: str) -> None:
    result = filter(body.encode(), Quote)
    assert values(result) == oracle(body)
    assert result.good.num_rows + result.rejects.num_rows == len(json.loads(body))


@settings(max_examples=150, deadline=None)
@given(bodies().filter(lambda body: body != "[]"))
def test_ndjson_gives_what_the_list_gives(body: str) -> None:
    lines = "\n".join(line.removesuffix(",") for line in body[1:-1].split("\n"))
    assert values(filter(lines.encode(), Quote, content_type="application/x-ndjson")) == oracle(body)


def strict(body: bytes) -> bool:
    """Whether Python's strict parser takes the body as a list or an object."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(body.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list | dict)


@settings(max_examples=400, deadline=None)
@given(
    bodies(), st.integers(0, 10_000), st.sampled_from(list('{}[],:"\\019.eE+-truefalsnu \n\t\x00\xa0')), st.booleans()
)
def test_a_changed_byte_makes_the_body_malformed_exactly_when_it_is_no_json(
    body: str, place: int, character: str, insert: bool
) -> None:
    place %= len(body)
    changed = (body[:place] + character + body[place + (not insert) :]).encode()
    result = filter(changed, Quote)
    malformed = "malformed_body" in result.rejects["rule"].to_pylist()
    assert malformed is not strict(changed)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"7", b'"text"', b"[1,]", b"[,]", b'[{"s":"a"},]', b'{"s":"a",}', b'[{"s":NaN}]',
        b'[{"s":Infinity}]', b'[{"s":-Infinity}]', b'[{"s":01}]', b'[{"s":1.}]', b'[{"s":.5}]', b'[{"s":+1}]',
        b'[{"s":"a"}] x', b'[{"s":"a"}][]', b'[{"s":"a"}', b'[{"s":"a"', b'[{"s":"a\tb"}]', b'[{"s":"\xff"}]',
        b"[{'s':1}]", b'[{"s":"a"} {"s":"b"}]', b'{"s":"a"},{"s":"b"}', b'{"s":"a"}\n{"s":"b"}', b'[{"s":"\\x"}]',
        b"[" * 100_000, b"<html>busy</html>", b'[{"s":"a"}]\x00', b'[{"s":"a"}]//', b"\xff\xfe[\x00]\x00",
    ],
)  # fmt: skip
def test_what_is_no_json_is_one_malformed_body(body: bytes) -> None:
    result = filter(body, Quote)
    assert result.rejects.select(["ordinal", "rule"]).to_pylist() == [{"ordinal": -1, "rule": "malformed_body"}]
    assert result.counts.drop(["response_id"]).to_pylist() == [{"read": 1, "good": 0, "rejected": 1, "duplicates": 0}]


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ("1", "not_an_object"),
        ("null", "not_an_object"),
        ('"s"', "not_an_object"),
        ('[{"s": "x"}]', "not_an_object"),
        ('{"s": ["x"]}', "type"),
        ('{"s": "x", "p": {"v": 1}}', "type"),
        ('{"s": "x", "p": [1]}', "type"),
        ('{"s": "x", "p": 1, "p": 2}', "type"),
        ('{"s": "x", "t": "\\ud800"}', "type"),
        ('{"s": "x", "p": 1e400}', "decimal"),
        ('{"s": "x", "p": "NaN"}', "decimal"),
        ('{"s": "x", "p": true}', "decimal"),
        ('{"s": "x", "n": 5.0}', "integer"),
        ('{"s": "x", "n": 1e3}', "integer"),
        ('{"s": "x", "n": 9223372036854775808}', "range"),
        ("{}", "required"),
        ('{"s": null}', "required"),
        ('{"S": "x"}', "required"),
    ],
)
def test_a_bad_record_is_rejected_alone(record: str, rule: str) -> None:
    body = f'[{{"s": "first", "p": 0.10}}, {record}, {{"s": "last"}}]'
    result = filter(body.encode(), Quote)
    assert result.good["s"].to_pylist() == ["first", "last"]
    assert result.rejects.select(["ordinal", "record", "rule"]).to_pylist() == [
        {"ordinal": 1, "record": record, "rule": rule}
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"s": "a"}',
        b'  [ {"s" : "a"} ]\r\n',
        b'\xef\xbb\xbf[{"s": "a"}]',
        b'[{"s": "a", "unknown": {"deep": [1, {"s": "b"}]}}]',
        b'[{"\\u0073": "a"}]',
        b'[{"s": "\\u0061"}]',
    ],
)
def test_other_spellings_of_one_record_read_the_same(body: bytes) -> None:
    assert filter(body, Quote).good["s"].to_pylist() == ["a"]


def test_a_bad_body_does_not_spoil_its_neighbours() -> None:
    from finks.contract import enforce_responses

    contents = [b'[{"s": "a"}]', b'[{"s": "b"}', b'[{"s": "\xff"}]', b'[{"s": "d", "p": "1.0"}]', b"[]"]
    responses = pa.table(
        {
            "response_id": [str(number) for number in range(5)],
            "key": [""] * 5,
            "content_type": ["application/json"] * 5,
            "body": pa.array(contents, pa.binary()),
            "fetched_at": pa.array([0] * 5, pa.timestamp("us", tz="UTC")),
        }
    )
    result = enforce_responses(responses, Quote.compiled(), Decoding())
    assert result.good.select(["s", "_bronze_ref"]).to_pylist() == [
        {"s": "a", "_bronze_ref": "0"},
        {"s": "d", "_bronze_ref": "3"},
    ]
    assert result.counts["read"].to_pylist() == [1, 1, 1, 1, 0]
    assert result.counts["rejected"].to_pylist() == [0, 1, 1, 0, 0]


def test_vendor_names_of_any_spelling_are_found_and_scanned() -> None:
    names = ["größe in stück", 'q"uote', "a.b*c#", "tab\tname"]
    rename = dict(zip(names, "pqnt", strict=True))
    record = '{"s": "x", "größe in stück": 0.12345678901234567890, "q\\"uote": 1.5, "a.b*c#": 1, "tab\\tname": "y"}'
    rejected = filter(f"[{record}]".encode(), Quote, decoding=Decoding(rename=rename)).rejects
    assert rejected["rule"].to_pylist() == ["scale"]
    short = record.replace("0.12345678901234567890", "0.123")
    assert values(filter(f"[{short}]".encode(), Quote, decoding=Decoding(rename=rename))) == [
        {"s": "x", "p": Decimal("0.123"), "q": Decimal("1.5"), "n": 1, "t": "y"}
    ]


@pytest.mark.parametrize(
    "records",
    [
        ['{"s":"a","p":1,"x":0}', '{"s":"b","p":2,"p":3}'],
        ['{"s":"a","p":1,"t":"u:v"}', '{"s":"b","p":2,"p":3,"t":"w"}'],
        ['{"s":"a","p":1,"q":null}', '{"s":"b","p":2,"p":3}'],
        ['{"s":"a","p":1,"q":null,"x":null}', '{"s":"b","p":2,"p":3,"x":null}'],
        ['{"s":"a","p":1}', '{"s":"b","p":2,"p":3}', '{"s":"c"}'],
        ['{"s":"a","p":1,"p":1}', '{"s":"b","p":2,"p":2}'],
    ],
)
def test_a_repeated_name_is_found_whatever_else_is_missing(records: list[str]) -> None:
    result = filter(f"[{','.join(records)}]".encode(), Quote)
    repeated = [record for record in records if record.count('"p"') == 2]
    assert result.rejects.select(["record", "rule"]).to_pylist() == [{"record": r, "rule": "type"} for r in repeated]
