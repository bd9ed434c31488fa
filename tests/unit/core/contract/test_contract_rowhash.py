"""The row hash: pinned, blind to column order and to new absent fields, sensitive to every value."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
from finks.contract.rowhash import row_hash

TABLE = pa.table(
    {
        "s": pa.array(["AAPL", None, "é"], pa.string()),
        "p": pa.array([Decimal("1.5"), Decimal("-99999999999999999999"), None], pa.decimal128(38, 12)),
        "n": pa.array([1, -1, None], pa.int64()),
        "f": pa.array([0.0, -0.0, 1e-300], pa.float64()),
        "b": pa.array([True, False, None], pa.bool_()),
        "d": pa.array([date(2020, 1, 1), date(1969, 12, 31), None], pa.date32()),
        "t": pa.array([datetime(2020, 1, 1, tzinfo=UTC), None, None], pa.timestamp("us", tz="UTC")),
    }
)


GOLDEN = [655490201172852614, -4698200858757046092, 2960276719875956062]


def test_the_values_never_change() -> None:
    assert row_hash(TABLE).to_pylist() == GOLDEN


def splitmix(word: int) -> int:
    word &= 2**64 - 1
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ word >> shift) * factor % 2**64
    return word ^ word >> 31


def test_whole_numbers_hash_as_the_published_mixer_says() -> None:
    seed = int.from_bytes(hashlib.blake2b(b"n", digest_size=8).digest(), "little")
    numbers = [0, 1, -1, 2**63 - 1, -(2**63)]
    expected = [splitmix(splitmix(number + seed)) for number in numbers]
    hashes = row_hash(pa.table({"n": pa.array(numbers, pa.int64())})).to_pylist()
    assert [value % 2**64 for value in hashes] == expected


def test_column_order_and_absent_new_fields_do_not_matter() -> None:
    moved = TABLE.select(TABLE.column_names[::-1]).append_column("new", pa.nulls(3, pa.string()))
    assert row_hash(moved) == row_hash(TABLE)


def test_chunks_offsets_and_string_types_do_not_matter() -> None:
    again = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 2)])
    large = again.set_column(0, "s", again["s"].cast(pa.large_string()))
    assert row_hash(large).to_pylist() == row_hash(TABLE).to_pylist()
    assert row_hash(TABLE.slice(2)).to_pylist() == row_hash(TABLE).to_pylist()[2:]


def test_swapped_values_and_the_last_digit_matter() -> None:
    def hashed(a: str, b: str) -> int:
        cells = {name: pa.array([Decimal(text)], pa.decimal128(38, 12)) for name, text in (("a", a), ("b", b))}
        return row_hash(pa.table(cells)).to_pylist()[0]

    variants = [("1", "2"), ("2", "1"), ("1", "2.000000000001"), ("-1", "2"), ("1", "-2"), ("0", "3")]
    assert len({hashed(*pair) for pair in variants}) == len(variants)


def test_a_hundred_thousand_near_values_have_no_collision() -> None:
    numbers = pa.table({"n": pa.array(range(100_000), pa.int64())})
    assert len(set(row_hash(numbers).to_pylist())) == 100_000


def test_no_rows_give_no_hashes() -> None:
    assert row_hash(TABLE.slice(0, 0)).to_pylist() == []
