from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from finks.lake.athena_rows import read_rows, result_schema

WIDE = "12345678901234567890123456.123456789012"


def rows(text: str, *columns: dict) -> pa.Table:
    return read_rows(pa.BufferReader(text.encode()), result_schema(columns))


def column(kind: str, **more) -> dict:
    return {"Name": "x", "Type": kind, **more}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (column("decimal", Precision=38, Scale=12), WIDE, Decimal(WIDE)),
        (column("bigint"), "-9223372036854775808", -(2**63)),
        (column("date"), "2024-02-29", date(2024, 2, 29)),
        (column("timestamp"), "2024-02-29 01:02:03.456", datetime(2024, 2, 29, 1, 2, 3, 456000)),
        (
            column("timestamp with time zone"),
            "2024-02-29 01:02:03.456789 UTC",
            datetime(2024, 2, 29, 1, 2, 3, 456789, UTC),
        ),
        (
            column("timestamp with time zone"),
            "2024-07-01 12:00:00.000 America/New_York",
            datetime(2024, 7, 1, 16, tzinfo=UTC),
        ),
        (column("double"), "Infinity", float("inf")),
        (column("double"), "1.5E-7", 1.5e-7),
        (column("boolean"), "true", True),
        (column("varbinary"), "de ad be ef", b"\xde\xad\xbe\xef"),
        (column("array"), "[1, 2]", "[1, 2]"),
    ],
)
def test_a_value_has_its_exact_type(kind, text, expected):
    assert rows(f'"x"\n"{text}"\n', kind)["x"].to_pylist() == [expected]


def test_nothing_is_null_and_an_empty_text_is_not():
    assert rows('"x"\n""\n\n"a"\n', column("varchar"))["x"].to_pylist() == ["", None, "a"]


def test_a_text_keeps_its_quotes_and_lines():
    assert rows('"x"\n"a ""b""\nc"\n', column("varchar"))["x"].to_pylist() == ['a "b"\nc']


def test_columns_of_one_name_are_both_there():
    assert rows('"x","x"\n"1","2"\n', column("integer"), column("integer")).num_columns == 2


def test_no_rows_have_types_too():
    assert rows('"x"\n', column("decimal", Precision=10, Scale=2)).schema.field("x").type == pa.decimal128(10, 2)


def test_a_column_without_values_has_its_type():
    moments = rows('"x"\n\n\n', column("timestamp with time zone"))["x"]
    assert (moments.type, moments.to_pylist()) == (pa.timestamp("us", tz="UTC"), [None, None])


def test_what_is_known_of_a_query_may_be_wider_than_what_athena_says():
    wide = pa.schema([("x", pa.decimal128(38, 12))])
    assert read_rows(pa.BufferReader(b'"x"\n"1.50"\n'), wide)["x"].to_pylist() == [Decimal("1.500000000000")]


def test_a_value_of_another_type_is_refused():
    with pytest.raises(pa.ArrowInvalid):
        rows('"x"\n"1.5"\n', column("integer"))
