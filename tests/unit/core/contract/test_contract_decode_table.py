"""CSV and Parquet bodies."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from finks.contract import Contract, Decoding, KernelResult, field, filter, key, price
from finks.errors import ConfigurationError


class Row(Contract):
    symbol: str = key()
    session: date | None = field()
    close: Decimal | None = price()
    name: str | None = field()
    at: datetime | None = field()
    n: int | None = field()
    ok: bool | None = field()


DATE_IS_SESSION = Decoding(rename={"date": "session"})


def csv(body: bytes, decoding: Decoding = DATE_IS_SESSION) -> KernelResult:
    return filter(body, Row, content_type="text/csv", decoding=decoding)


def test_csv_cells_keep_their_text() -> None:
    body = b'"symbol","date","close","name","extra"\r\n"A","2026-08-25",9.377582e-11,"Say ""hi"", you",1\r\nB,,,"",2'
    assert csv(body).rejects["rule"].to_pylist() == ["scale"]
    good = csv(body.replace(b"9.377582e-11", b"6.50e-10")).good.select(["symbol", "session", "close", "name"])
    assert good.to_pylist() == [
        {"symbol": "A", "session": date(2026, 8, 25), "close": Decimal("6.5E-10"), "name": 'Say "hi", you'},
        {"symbol": "B", "session": None, "close": None, "name": None},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Limit Reach. Please upgrade your plan",
        b"symbol,close,close\nA,1,2\n",
        b"date,close\n2020-01-01,1\n",
        b"symbol,close\nA\n",
        b"symbol,close\nA,1,2\n",
        b'symbol,name\nA,"cut sho',
        b"symbol,name\nA,\xff\n",
    ],
)
def test_a_broken_table_is_one_malformed_body(body: bytes) -> None:
    assert csv(body).rejects["rule"].to_pylist() == ["malformed_body"]


def test_json_is_recognised_under_a_csv_label_and_text_under_a_json_label_is_no_csv() -> None:
    assert csv(b'[{"symbol": "A"}]').good["symbol"].to_pylist() == ["A"]
    labelled_json = filter(b"symbol,close\nA,1\n", Row, content_type="application/json; charset=utf-8")
    assert labelled_json.rejects["rule"].to_pylist() == ["malformed_body"]


def test_a_rejected_csv_record_keeps_its_source_text() -> None:
    body = b'symbol,name,close\nA,"two\nlines",1\n\n"B","x, ""y""\nz",oops\r\nC,c\xe2\x80\xa8c,bad\n'
    result = csv(body)
    assert result.good["symbol"].to_pylist() == ["A"]
    assert result.rejects.select(["ordinal", "record", "key_text"]).to_pylist() == [
        {"ordinal": 1, "record": '"B","x, ""y""\nz",oops', "key_text": "B"},
        {"ordinal": 2, "record": "C,c\u2028c,bad", "key_text": "C"},
    ]


def test_a_header_alone_is_no_record() -> None:
    assert csv(b"symbol,close").counts["read"].to_pylist() == [0]


def test_the_key_of_the_slice_fills_an_absent_field() -> None:
    decoding = Decoding(from_key="symbol")
    body = b"close\n1\n"
    result = filter(body, Row, content_type="text/csv", decoding=decoding, key="AAPL")
    assert result.good["symbol"].to_pylist() == ["AAPL"]
    both = filter(b'[{"symbol": "B"}, {"symbol": null}]', Row, decoding=decoding, key="AAPL")
    assert both.good["symbol"].to_pylist() == ["B", "AAPL"]


def test_null_texts_match_exactly() -> None:
    body = b'[{"symbol": "A", "name": "N/A", "close": "None"}, {"symbol": "B", "name": "n/a"}, {"symbol": "N/A"}]'
    result = filter(body, Row, decoding=Decoding(nulls=("N/A", "None")))
    assert result.good.select(["symbol", "name", "close"]).to_pylist() == [
        {"symbol": "A", "name": None, "close": None},
        {"symbol": "B", "name": "n/a", "close": None},
    ]
    assert result.rejects["rule"].to_pylist() == ["required"]


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def test_parquet_values_arrive_exactly() -> None:
    frame = pl.DataFrame(
        {
            "symbol": ["A", "B"],
            "date": [date(2020, 1, 1), None],
            "close": pl.Series([Decimal("0.000000000001"), Decimal(-5)], dtype=pl.Decimal(38, 12)),
            "at": [datetime(2020, 1, 1, 12, 0, 0, 5, tzinfo=UTC), None],
            "n": [2**62, None],
            "ok": [True, False],
        }
    )
    result = filter(parquet(frame), Row, content_type="application/octet-stream", decoding=DATE_IS_SESSION)
    assert result.good.select(["symbol", "session", "close", "at", "n", "ok"]).to_pylist() == [
        dict(zip(["symbol", "session", "close", "at", "n", "ok"], row, strict=True)) for row in frame.iter_rows()
    ]


def test_parquet_that_is_cut_or_nested_is_refused() -> None:
    whole = parquet(pl.DataFrame({"symbol": ["A"], "close": [[1]]}))
    assert filter(whole, Row).rejects.select(["rule", "field"]).to_pylist() == [{"rule": "type", "field": "close"}]
    assert filter(whole[:-9], Row).rejects["rule"].to_pylist() == ["malformed_body"]
    assert filter(parquet(pl.DataFrame({"close": [1]})), Row).rejects["rule"].to_pylist() == ["malformed_body"]


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(rename={"x": "unknown"}),
        Decoding(rename={"x": "close", "y": "close"}),
        Decoding(from_key="unknown"),
    ],
)
def test_a_decoding_that_does_not_fit_the_contract_is_refused(decoding: Decoding) -> None:
    with pytest.raises(ConfigurationError):
        filter(b"[]", Row, decoding=decoding)
