"""The SELECT of a read gives what the lake's own reads give, and never has a value in its text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from finks_api.query import Filter, Query, Totals, between, render
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = pa.schema([("symbol", pa.string()), ("session", pa.date32()), ("close", pa.int64())])
KEY = ("symbol", "session")
START = datetime(2026, 1, 1, tzinfo=UTC)


def version(symbol: str, day: int, close: int, minute: int, seq: int, retracted: bool) -> dict:
    return {
        "symbol": symbol, "session": date(2020, 1, 1) + timedelta(days=day), "close": close,
        "_known_at": START + timedelta(minutes=minute), "_seq": seq, "_retracted": retracted, "_row_hash": close,
    }  # fmt: skip


VERSIONS = st.lists(
    st.builds(
        version, st.sampled_from("AB"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 3), st.integers(0, 1),
        st.booleans(),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


def run(read, rows) -> list[tuple]:
    statement = render(read, lambda table: "versions_of_it")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("versions_of_it", pl.DataFrame(rows).to_arrow())
        return connection.sql(statement.sql, params=list(statement.parameters)).fetchall()


def newest(rows, known_at) -> list[tuple]:
    """Per key the last version that was known, as `finks.lake.reads` has it."""
    found = {}
    for row in sorted(rows, key=lambda row: (row["_known_at"], row["_seq"], row["_retracted"], row["_row_hash"])):
        if known_at is None or row["_known_at"] <= known_at:
            found[row["symbol"], row["session"]] = row
    return [(*key, row["close"]) for key, row in sorted(found.items()) if not row["_retracted"]]


@given(VERSIONS, st.none() | st.integers(0, 3))
def test_silver_is_read_as_it_was_known(rows, minute):
    known_at = None if minute is None else START + timedelta(minutes=minute)
    assert run(Query("silver.t", SCHEMA, KEY, known_at=known_at), rows) == newest(rows, known_at)


@given(VERSIONS, st.integers(1, 3))
def test_pages_one_after_the_other_are_the_whole(rows, limit):
    found, after = [], None
    while page := run(Query("silver.t", SCHEMA, KEY, after=after, limit=limit), rows):
        found += page
        after = page[-1][:2]
    assert found == newest(rows, None)


@given(VERSIONS, st.dates(date(2019, 12, 31), date(2020, 1, 5)), st.dates(date(2019, 12, 31), date(2020, 1, 5)))
def test_filters_choose_records_not_versions(rows, start, end):
    filters = (Filter("symbol", "in", ("A",)), *between("session", start, end))
    kept = [row for row in newest(rows, None) if row[0] == "A" and start <= row[1] <= end]
    assert run(Query("silver.t", SCHEMA, KEY, filters), rows) == kept


@given(VERSIONS)
def test_totals_count_records(rows):
    records, first, last, _ = run(Totals("silver.t", KEY, ("session", pa.date32())), rows)[0]
    kept = newest(rows, None)
    days = [row[1] for row in kept]
    assert (records, first, last) == (len(kept), min(days, default=None), max(days, default=None))


@given(st.text())
def test_no_value_is_in_the_text(value):
    plain = render(Query("gold.t", SCHEMA, KEY, (Filter("symbol", "=", "x"),)), lambda table: table)
    mine = render(
        Query("gold.t", SCHEMA, KEY, (Filter("symbol", "=", value),), after=(value, value)), lambda table: table
    )
    assert mine.sql.startswith(plain.sql.partition(" order by")[0])
    assert mine.parameters[0] == value


def test_a_name_cannot_end_its_quotes():
    with pytest.raises(duckdb.Error):
        run(
            Query("gold.t", pa.schema([('a" from versions_of_it; --', pa.string())]), KEY),
            [version("A", 0, 1, 0, 0, False)],
        )
