"""The companion file of a result."""

from __future__ import annotations

from finks_local.athena.result_metadata import encode
from hypothesis import given
from hypothesis import strategies as st

COLUMN = {
    "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": "ary", "Label": "ary", "Type": "array",
    "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False,
}  # fmt: skip


def decode(data: bytes) -> list[tuple[int, int | bytes]]:
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        found.append((key >> 3, value))
    return found


def test_a_column_is_written_as_athena_was_seen_to_write_it():
    fields = dict(decode(encode("20190423_125128_00001_ehtur", [COLUMN])))
    assert fields[1] == b"20190423_125128_00001_ehtur"
    assert fields[4] == bytes.fromhex("0a04686976652203 6172792a03617279 320561727261794803".replace(" ", ""))


@given(st.text(max_size=300), st.integers(0, 2**63), st.integers(0, 1000), st.booleans())
def test_any_column_can_be_read_again(name, count, precision, case):
    column = {**COLUMN, "Name": name, "Label": name, "Precision": precision, "CaseSensitive": case}
    fields = decode(encode("q", [column, column], "INSERT", count))
    assert fields[:3] == [(1, b"q"), (2, b"INSERT"), (3, count)]
    first = dict(decode(fields[3][1]))
    assert first[4].decode() == name
    assert (first.get(7, 0), first.get(10, 0)) == (precision, int(case))
