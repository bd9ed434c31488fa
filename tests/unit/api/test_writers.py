"""The bytes of a page against a slow and obvious reference, and read back."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
import pytest
from finks.errors import InvariantError
from finks_api.formats import FORMATS, Envelope, instant_text
from finks_api.formats.columns import plain, texts
from hypothesis import given
from hypothesis import strategies as st

JSON, CSV, NDJSON, ARROW = (each.write for each in FORMATS)
KEY_AND_TEXT = pa.schema([("key", pa.string()), ("text", pa.string())])
ENVELOPE = Envelope(3, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
INSTANT = pa.timestamp("us", "UTC")
INT64 = {"min_value": -(2**63), "max_value": 2**63 - 1}
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('",\r\n\\\x00=+-@\u2028')), max_size=9
)


def decimals(scale: int):
    unscaled = st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-2000, 2000), st.just(0))
    return unscaled.map(lambda n: Decimal((n < 0, tuple(map(int, str(abs(n)))), -scale)))


def kinds():
    return st.one_of(
        st.just((pa.string(), TEXT)),
        st.integers(0, 38).map(lambda scale: (pa.decimal128(38, scale), decimals(scale))),
        st.just((INSTANT, st.datetimes(timezones=st.just(UTC)))),
        st.just((pa.date32(), st.dates())),
        st.just((pa.float64(), st.floats())),
        st.just((pa.int64(), st.integers(**INT64))),
        st.just((pa.bool_(), st.booleans())),
    )


@st.composite
def tables(draw, max_rows: int = 8):
    rows = draw(st.integers(0, max_rows))
    names = draw(st.lists(TEXT, min_size=2, max_size=6, unique=True))
    columns = []
    for kind, values in draw(st.lists(kinds(), min_size=len(names), max_size=len(names))):
        columns.append(pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind))
    return pa.table(columns, names=names)


def said(value) -> str:
    """A value as text, one at a time."""
    match value:
        case Decimal():
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bool():
            return str(value).lower()
    return str(value)


def json_value(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | bool | int | float) else said(value)


def csv_field(value) -> str:
    if not isinstance(value, str):
        return "" if value is None else said(value)
    return '"' + value.replace('"', '""') + '"' if value == "" or set(value) & set('",\r\n') else value


def without_doubles(table: pa.Table) -> pa.Table:
    return table.select([i for i, field in enumerate(table.schema) if field.type != pa.float64()])


def page(body: bytes):
    return json.loads(body)


@given(st.data(), st.integers(0, 38))
def test_a_decimal_is_written_as_it_is_without_zeros_and_exponent(data, scale):
    values = data.draw(st.lists(st.none() | decimals(scale), max_size=8))
    assert texts(pa.array(values, pa.decimal128(38, scale))).to_pylist() == [
        v if v is None else said(v) for v in values
    ]


@pytest.mark.parametrize(
    "text", ["0", "-0.000000000000000001", "100", "129.04", "99999999999999999999.999999999999999999"]
)
def test_a_decimal_of_a_large_scale_is_written_like(text):
    assert texts(pa.array([Decimal(text)], pa.decimal128(38, 18))).to_pylist() == [text]


def test_a_decimal_of_negative_scale_is_written_out():
    column = pa.array([Decimal("12E3"), Decimal(0), None], pa.decimal128(5, -3))
    assert texts(column).to_pylist() == ["12000", "0", None]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_its_shortest_text_that_reads_back(value):
    [text] = texts(pa.array([value])).to_pylist()
    digits = [each.lower().partition("e")[0].replace(".", "").strip("-0") for each in (text, repr(value))]
    assert float(text) == value
    assert len(digits[0]) == len(digits[1])


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_rfc_3339_with_a_z(moment):
    assert texts(pa.array([moment], INSTANT)).to_pylist() == [said(moment)] == [instant_text(moment)]


@given(tables())
def test_json_holds_every_value_of_the_table(table):
    assert page(JSON(table, ENVELOPE))["data"] == [
        {k: json_value(v) for k, v in row.items()} for row in table.to_pylist()
    ]


def test_json_escapes_each_character_that_needs_it():
    characters = [chr(i) for i in (*range(0x300), 0x2028, 0xFEFF, 0xFFFF, 0x1F600)]
    assert page(JSON(pa.table({"a": characters}), ENVELOPE))["data"] == [{"a": each} for each in characters]


@given(tables())
def test_ndjson_is_the_rows_of_json_a_line_each(table):
    lines = NDJSON(table, ENVELOPE).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == page(JSON(table, ENVELOPE))["data"]


@given(tables().map(without_doubles))
def test_csv_is_what_the_rules_say_byte_for_byte(table):
    names = [[csv_field(name) for name in table.column_names]]
    lines = names + [[csv_field(v) for v in row.values()] for row in table.to_pylist()]
    if table.num_columns:
        assert CSV(table, ENVELOPE).decode() == "".join(",".join(line) + "\r\n" for line in lines)


@given(st.lists(st.tuples(st.integers(), st.none() | TEXT.filter(lambda t: "\0" not in t)), max_size=8))
def test_csv_tells_null_from_empty_text(rows):
    table = pa.table([[str(k) for k, _ in rows], [t for _, t in rows]], schema=KEY_AND_TEXT)
    read = pyarrow.csv.read_csv(
        io.BytesIO(CSV(table, ENVELOPE)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"key": pa.string(), "text": pa.string()},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    assert read.to_pylist() == table.to_pylist()


@given(tables())
def test_the_arrow_stream_holds_the_same_values_and_types(table):
    read = pa.ipc.open_stream(ARROW(table, ENVELOPE)).read_all()
    assert read.schema.types == table.schema.types
    assert [[json_value(v) for v in row.values()] for row in read.to_pylist()] == [
        [json_value(v) for v in row.values()] for row in table.to_pylist()
    ]


def test_the_arrow_schema_says_what_the_envelope_says():
    known = datetime(2026, 1, 1, 1, tzinfo=UTC)
    metadata = pa.ipc.open_stream(
        ARROW(pa.table({"a": [1]}), Envelope(3, ENVELOPE.published_at, known))
    ).schema.metadata
    assert metadata == {
        b"finks.release": b"3",
        b"finks.published_at": b"2026-01-02T03:04:05Z",
        b"finks.as_of": b"2026-01-01T01:00:00Z",
    }


def test_json_has_the_envelope_around_the_rows():
    known = datetime(2026, 1, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert JSON(pa.table({"a": [1]}), Envelope(3, ENVELOPE.published_at, known, 'a"b')) == (
        b'{"release":3,"published_at":"2026-01-02T03:04:05Z","as_of":"2026-01-01T01:00:00.000001Z",'
        b'"data":[{"a":1}],"next":"a\\"b"}'
    )


def test_a_page_without_rows_is_a_page():
    empty = pa.schema([("a", pa.string()), ("b", pa.decimal128(38, 18)), ("c", INSTANT)]).empty_table()
    assert page(JSON(empty, ENVELOPE))["data"] == []
    assert (CSV(empty, ENVELOPE), NDJSON(empty, ENVELOPE)) == (b"a,b,c\r\n", b"")
    assert pa.ipc.open_stream(ARROW(empty, ENVELOPE)).read_all().num_rows == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null_in_every_format(value):
    table = pa.table({"a": [value], "b": [1]})
    assert page(JSON(table, ENVELOPE))["data"] == [{"a": None, "b": 1}]
    assert CSV(table, ENVELOPE) == b"a,b\r\n,1\r\n"
    assert pa.ipc.open_stream(ARROW(table, ENVELOPE)).read_all().to_pylist() == [{"a": None, "b": 1}]


@given(tables(), st.integers(0, 8))
def test_the_bytes_do_not_tell_how_the_table_was_cut(table, at):
    cut = pa.concat_tables([table.slice(0, at), table.slice(at)])
    for write in (JSON, CSV, NDJSON, ARROW):
        assert write(cut, ENVELOPE) == write(table, ENVELOPE)


def test_the_bytes_do_not_tell_the_engine_s_types():
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    ours = pa.table({"t": pa.array([moment], INSTANT), "s": ["x"], "n": pa.array([1], pa.int64())})
    theirs = pa.table(
        {
            "t": pa.array([moment], pa.timestamp("us", "Europe/Berlin")),
            "s": pa.array(["x"], pa.large_string()),
            "n": pa.array([1], pa.int32()),
        }
    )
    assert [f.write(ours, ENVELOPE) for f in FORMATS] == [f.write(theirs, ENVELOPE) for f in FORMATS]


def test_a_formula_is_written_as_the_text_that_it_is():
    assert CSV(pa.table({"a": ["=1+1", "@x", "-1"]}), ENVELOPE) == b"a\r\n=1+1\r\n@x\r\n-1\r\n"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [1, 2, 3]),
        (pa.float64(), [1.5, 2.5, 3.5]),
        (pa.decimal128(38, 2), [Decimal("1.25"), Decimal("2.5"), Decimal(3)]),
        (pa.date32(), [date(2020, 1, 1)] * 3),
        (pa.timestamp("us", "UTC"), [datetime(2020, 1, 1, tzinfo=UTC)] * 3),
        (pa.bool_(), [True, True, True]),
        (pa.string(), ["a", "left behind", "c"]),
    ],
    ids=str,
)
def test_arrow_has_nothing_in_the_places_of_nulls(kind, values):
    whole = pa.array(values, kind)
    holed = pa.Array.from_buffers(kind, 3, [pa.py_buffer(b"\xfd"), *whole.buffers()[1:]])
    clean = pa.array([values[0], None, values[2]], kind)
    assert holed.to_pylist() == clean.to_pylist()
    assert ARROW(pa.table({"a": holed}), ENVELOPE) == ARROW(pa.table({"a": clean}), ENVELOPE)


def test_a_column_that_may_not_be_null_says_so_in_arrow():
    table = pa.table({"a": ["x"]}, schema=pa.schema([pa.field("a", pa.string(), nullable=False)]))
    assert pa.ipc.open_stream(ARROW(table, ENVELOPE)).schema == table.schema


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1]]),
        pa.array([b"x"]),
        pa.array([timedelta(1)]),
        pa.array([datetime(2026, 1, 1)], pa.timestamp("us")),
        pa.array([1], pa.timestamp("ns", "UTC")),
        pa.array([2**63], pa.uint64()),
    ],
)
def test_what_no_format_can_write_is_a_defect_that_names_the_column(column):
    with pytest.raises(InvariantError) as caught:
        plain(pa.table({"a": column}))
    assert caught.value.where == "a"
