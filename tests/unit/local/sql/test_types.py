"""Trino's types and their other spellings."""

from __future__ import annotations

import pyarrow as pa
import pytest
from finks_local.sql import QueryError, from_arrow, parse_hive, parse_trino
from finks_local.sql.coercion import common_type, converts
from finks_local.sql.types import array, decimal, map_of, row, timestamp, timestamp_tz, varchar
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.one_of(
    st.sampled_from(["boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "varbinary", "date"]).map(
        parse_trino
    ),
    st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: decimal(p, s))),
    st.one_of(st.none(), st.integers(1, 1000)).map(varchar),
    st.integers(0, 6).map(timestamp),
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
TYPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        inner.map(array),
        st.tuples(SCALARS, inner).map(lambda pair: map_of(*pair)),
        st.dictionaries(NAMES, inner, min_size=1, max_size=4).map(lambda fields: row(list(fields.items()))),
    ),
    max_leaves=5,
)


@given(TYPES)
def test_trinos_spelling_is_read_back(kind):
    assert parse_trino(kind.trino) == kind


@given(TYPES)
def test_hives_spelling_is_read_back_but_for_the_digits_of_timestamps(kind):
    assert parse_hive(kind.hive).hive == kind.hive


@given(TYPES)
def test_duckdb_gives_the_arrow_type(athena, kind):
    assert athena.runtime.sql(f"SELECT CAST(NULL AS {kind.duckdb}) AS x").to_arrow_table().schema.types == [kind.arrow]


@given(TYPES, TYPES)
def test_the_common_type_is_one_to_which_both_convert(left, right):
    common = common_type(left, right)
    assert common == common_type(right, left)
    assert common is None or (converts(left, common) and converts(right, common))


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        ("integer", "decimal(5,2)", "decimal(12,2)"),
        ("bigint", "decimal(38,10)", "decimal(38,10)"),
        ("decimal(5,2)", "double", "double"),
        ("bigint", "real", "real"),
        ("varchar(2)", "varchar(5)", "varchar(5)"),
        ("varchar(2)", "varchar", "varchar"),
        ("date", "timestamp(3)", "timestamp(3)"),
        ("timestamp(0)", "timestamp(6) with time zone", "timestamp(6) with time zone"),
        ("array(integer)", "array(decimal(3,1))", "array(decimal(11,1))"),
        ("varchar(1)", "integer", None),
        ("boolean", "integer", None),
    ],
)
def test_common_types(left, right, common):
    found = common_type(parse_trino(left), parse_trino(right))
    assert (found.trino if found else None) == common


def test_two_zones_have_a_zone_for_each_value():
    assert common_type(timestamp_tz(3, "UTC"), timestamp_tz(3, "Asia/Tokyo")) == timestamp_tz(3, None)


@pytest.mark.parametrize(
    "text", ["nonsense", "decimal(39,0)", "decimal(5,6)", "array(", "map(integer)", "row(a b c)", ""]
)
def test_what_is_no_type_is_refused(text):
    with pytest.raises(QueryError):
        parse_trino(text)


def test_arrows_types_have_one_in_trino():
    assert from_arrow(pa.struct([("A", pa.list_(pa.large_string()))])).trino == "row(a array(varchar))"
    assert from_arrow(pa.timestamp("us", tz="UTC")).trino == "timestamp(6) with time zone"
    with pytest.raises(QueryError, match="NOT_SUPPORTED"):
        from_arrow(pa.uint64())
