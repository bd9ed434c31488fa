"""The kernel as a whole: nothing is lost, conflicts are told, good stays good."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from finks.contract import Contract, Decoding, Symbol, check, enforce_responses, filter, key, price, text, validate
from finks.contract.result import COUNT_SCHEMA, REJECT_SCHEMA, good_schema
from finks.errors import ContractViolationError, MalformedBodyError
from hypothesis import given, settings
from hypothesis import strategies as st


class Bar(Contract, version="1.3"):
    symbol: Symbol = key()
    session: date = key(event_time=True)
    low: Decimal = price(ge=0)
    high: Decimal = price(ge=0)
    note: str | None = text(pattern="[a-z]*")
    _range = check("low <= high")


def bar(day: int, low: object = 1, high: object = 2, **more: object) -> dict[str, Any]:
    return {"symbol": "A", "session": f"2020-01-{day:02d}", "low": low, "high": high, **more}


def body(*records: object) -> bytes:
    return json.dumps(records).encode()


def counts(result: Any) -> tuple[int, int, int, int]:
    (row,) = result.counts.to_pylist()
    return row["read"], row["good"], row["rejected"], row["duplicates"]


def responses(*bodies: bytes, content_type: str = "application/json") -> pa.Table:
    size = len(bodies)
    at = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(size)]
    return pa.table(
        {
            "response_id": pa.array([f"{number:032x}" for number in range(size)], pa.large_string()),
            "key": ["A"] * size,
            "content_type": [content_type] * size,
            "body": pa.array(list(bodies), pa.large_binary()),
            "fetched_at": pa.array(at, pa.timestamp("us", tz="UTC")),
        }
    )


def test_tables_have_the_promised_schemas_even_when_empty() -> None:
    for result in (filter(b"[]", Bar), filter(body(bar(1), bar(2, low="x")), Bar), filter(b"", Bar)):
        assert result.good.schema == good_schema(Bar.compiled())
        assert result.rejects.schema == REJECT_SCHEMA
        assert result.counts.schema == COUNT_SCHEMA
    assert enforce_responses(responses(), Bar.compiled(), Decoding()).counts.num_rows == 0


def test_identical_copies_count_as_duplicates() -> None:
    result = filter(body(bar(1), bar(1, low=1.0), bar(2)), Bar)
    assert counts(result) == (3, 2, 0, 1)
    assert result.good["_ordinal"].to_pylist() == [0, 2]


def test_one_key_with_two_values_rejects_all_of_them() -> None:
    result = filter(body(bar(1), bar(2), bar(1, high=3), bar(1)), Bar)
    assert counts(result) == (4, 1, 3, 0)
    assert set(result.rejects["rule"].to_pylist()) == {"key_conflict"}
    assert result.rejects["ordinal"].to_pylist() == [0, 2, 3]


def test_a_record_that_broke_a_rule_does_not_compete_for_its_key() -> None:
    result = filter(body(bar(1), bar(1, low=-1)), Bar)
    assert counts(result) == (2, 1, 1, 0)


def test_the_same_key_in_two_responses_is_no_conflict() -> None:
    result = enforce_responses(responses(body(bar(1)), body(bar(1, high=9))), Bar.compiled(), Decoding())
    assert result.good["high"].to_pylist() == [2, 9]
    assert result.good["_known_at"].to_pylist() == [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]
    assert result.good["_bronze_ref"].to_pylist() == ["0" * 32, "0" * 31 + "1"]


def test_the_order_of_responses_survives_different_formats_and_ways_of_reading() -> None:
    mixed = [body(bar(1, low="1")), body(bar(2)), body(bar(3, note="a", x=[1])), body(bar(4))]
    result = enforce_responses(responses(*mixed), Bar.compiled(), Decoding())
    assert [day.day for day in result.good["session"].to_pylist()] == [1, 2, 3, 4]


def test_rows_of_one_value_hash_alike_however_they_were_written() -> None:
    first = filter(b'[{"symbol":"A","session":"2020-01-01","low":1,"high":2.50}]', Bar).good
    second = filter(b'[{"symbol":"A","session":"2020-01-01","low":"1.0","high":"25e-1","note":null}]', Bar).good
    assert first["_row_hash"] == second["_row_hash"]


def test_a_failed_check_is_named() -> None:
    (reject,) = filter(body(bar(1, low=3)), Bar).rejects.to_pylist()
    assert reject["rule"] == "check:range"
    assert (reject["contract"], reject["contract_version"]) == ("bar", "1.3")


def test_a_reject_carries_its_exact_source_text_and_key() -> None:
    source = '{ "symbol" : "A",\n "session":"2020-01-02", "low": 1.500, "high" : 0.10e1, "note": "\\u0041}" }'
    text_of_body = f"[{json.dumps(bar(1))} ,\n\t{source}\n]"
    (reject,) = filter(text_of_body.encode(), Bar).rejects.to_pylist()
    assert reject["record"] == source
    assert reject["key_text"] == "A|2020-01-02"


def test_a_record_without_its_whole_key_has_no_key_text() -> None:
    (reject,) = filter(b'[{"symbol": "A", "low": 1, "high": 2}]', Bar).rejects.to_pylist()
    assert (reject["key_text"], reject["rule"], reject["field"]) == (None, "required", "session")


def test_ndjson_rejects_keep_their_line() -> None:
    lines = [json.dumps(bar(1)), "", json.dumps(bar(2, low="x")) + "\r", "7"]
    result = filter("\n".join(lines).encode(), Bar, content_type="application/x-ndjson")
    assert result.rejects["record"].to_pylist() == [lines[2].rstrip("\r"), "7"]
    assert result.rejects["ordinal"].to_pylist() == [1, 2]


def test_validate_returns_good_rows_or_says_what_is_wrong() -> None:
    assert validate(body(bar(1), bar(2)), Bar).num_rows == 2
    with pytest.raises(ContractViolationError, match="2 of 3 records") as caught:
        validate(body(bar(1), bar(2, low="x"), bar(3, low="y")), Bar)
    assert "decimal 2" in (caught.value.got or "")
    assert 'record 1: low "x"' in (caught.value.got or "")
    with pytest.raises(MalformedBodyError):
        validate(b"{", Bar)


RECORDS = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B", "", None, 7]),
        "session": st.sampled_from(["2020-01-01", "2020-01-02", "2020-02-30", None]),
        "low": st.sampled_from([1, "1.0", 1.5, -1, "x", None, [1], 3]),
        "high": st.sampled_from([2, "2.00", 2.25, 1e40, True]),
    },
    optional={"note": st.sampled_from(["ok", "NO", None, "a:b"]), "extra": st.just({"a": [1]})},
)
ANYTHING = st.one_of(RECORDS, RECORDS, RECORDS, st.sampled_from([None, 1, "x", [], {}]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(ANYTHING, max_size=8), max_size=4))
def test_read_equals_good_and_rejected_and_duplicates(lists: list[list[object]]) -> None:
    table = responses(*(body(*records) for records in lists))
    result = enforce_responses(table, Bar.compiled(), Decoding())
    assert result.counts["read"].to_pylist() == [len(records) for records in lists]
    for row in result.counts.to_pylist():
        assert row["read"] == row["good"] + row["rejected"] + row["duplicates"]
    assert result.good.num_rows == sum(result.counts["good"].to_pylist())
    assert result.rejects.num_rows == sum(result.counts["rejected"].to_pylist())
    for reject in result.rejects.to_pylist():
        original = lists[int(reject["bronze_ref"], 16)][reject["ordinal"]]
        assert json.loads(reject["record"]) == original


@settings(max_examples=100, deadline=None)
@given(st.lists(ANYTHING, max_size=8))
def test_good_rows_pass_validate_and_the_model(records: list[object]) -> None:
    good = filter(body(*records), Bar).good
    rows = good.select(["symbol", "session", "low", "high", "note"]).to_pylist()
    again = validate(json.dumps(rows, default=str).encode(), Bar)
    assert again.drop(["_ordinal"]) == good.drop(["_ordinal"])
    for row in rows:
        Bar.model_validate(row)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=30) | st.text('[]{}",:0aA\n-.e\\', max_size=30).map(str.encode), min_size=50, max_size=60
    ),
    st.sampled_from(["application/json", "text/csv", "application/x-ndjson", "", "text/html"]),
)
def test_random_bodies_give_results_not_crashes(contents: list[bytes], content_type: str) -> None:
    result = enforce_responses(responses(*contents, content_type=content_type), Bar.compiled(), Decoding())
    assert result.counts.num_rows == len(contents)


def test_batches_do_not_change_the_result() -> None:
    padding = " " * 9_000_000
    bodies = [f"[{json.dumps(bar(day))}{padding}]".encode() for day in (1, 2, 3)]
    result = enforce_responses(responses(*bodies), Bar.compiled(), Decoding())
    assert [day.day for day in result.good["session"].to_pylist()] == [1, 2, 3]
