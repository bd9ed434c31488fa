"""Strict JSON for small bodies, and the glance at large ones."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from finks.errors import MalformedBodyError
from finks.source.strict_json import Shape, loads_strict, peek
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_valid_json_is_read_as_it_is(value):
    assert loads_strict(json.dumps(value).encode()) == value


def test_fractions_keep_every_digit():
    assert loads_strict(b"[0.1000000000000000055511151231257827, 1e400]") == [
        Decimal("0.1000000000000000055511151231257827"),
        Decimal("1e400"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NaN",
        b'{"a": Infinity}',
        b"[-Infinity]",
        b"[1] [2]",
        b"[1,]",
        b"[01]",
        b"'a'",
        b'["\xff"]',
        b'["\\ud800"]',
        b'{"a": 1, "a": 2}',
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b"[" + b"9" * 5000 + b"]",
        b"[1e99999999999999999999]",
        b'["line\nbreak"]',
        b"<html></html>",
    ],
)
def test_what_is_not_json_is_malformed(body: bytes):
    with pytest.raises(MalformedBodyError):
        loads_strict(body)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", Shape.NOTHING),
        (b" \r\n\t ", Shape.NOTHING),
        (b"[]", Shape.EMPTY_ARRAY),
        (b"\xef\xbb\xbf [ \n ] ", Shape.EMPTY_ARRAY),
        (b"[ 1 ]", Shape.ARRAY),
        (b"[[]]", Shape.ARRAY),
        (b'{"Error Message": "no"}', Shape.OBJECT),
        (b"[1, 2", Shape.OTHER),
        (b"[", Shape.OTHER),
        (b"symbol,close\n", Shape.OTHER),
        (b"  <!doctype html>", Shape.MARKUP),
    ],
)
def test_a_glance_tells_the_shape(body: bytes, shape: Shape):
    assert peek(body) is shape
