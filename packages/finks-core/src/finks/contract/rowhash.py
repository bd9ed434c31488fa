"""A 64-bit hash of a record, the same on every platform and in every release.

Each value is brought to 64-bit words, each word is mixed with a seed of its field's name (the finaliser
of SplitMix64, Steele, Lea and Flood 2014), and the words are added up modulo 2^64. So the order of the
fields does not matter, and an absent value adds nothing: a contract may gain a nullable field without
changing the hash of a single record. Texts enter as BLAKE2b digests. The steps use Arrow's integer
kernels, whose wrap-around is documented.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as arrow_compute

pc: Any = arrow_compute  # its functions are generated at run time
_CHUNK = 32_768  # rows whose words stay in a core's cache
_U64 = pa.uint64()


def row_hash(table: pa.Table) -> pa.Array:
    """Hash each row.

    Args:
        table: Columns of string, decimal128, int64, float64, bool, date32 or timestamp[us].

    Returns:
        One int64 per row, never null.
    """
    parts = [_hash_batch(batch) for batch in table.to_batches(max_chunksize=_CHUNK)]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.int64())


def _hash_batch(batch: pa.RecordBatch) -> pa.Array:
    total = pa.repeat(pa.scalar(0, _U64), batch.num_rows)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        mixed = _mix(pc.add(_words(column), _seed(name)))
        if column.null_count:
            mixed = pc.if_else(column.is_valid(), mixed, pa.scalar(0, _U64))
        total = pc.add(total, mixed)
    return cast("pa.Array", _mix(total).view(pa.int64()))


def _mix(words: Any) -> Any:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = pc.bit_wise_xor(words, pc.shift_right(words, pa.scalar(shift, _U64)))
        words = pc.multiply(words, pa.scalar(factor, _U64))
    return pc.bit_wise_xor(words, pc.shift_right(words, pa.scalar(31, _U64)))


@lru_cache(maxsize=4096)
def _seed(name: str) -> pa.Scalar:
    return pa.scalar(_digest(name), _U64)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _words(column: pa.Array) -> Any:
    """One 64-bit word per value; what stands where a value is absent does not matter."""
    kind = column.type
    if pa.types.is_decimal128(kind):
        return _decimal_words(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        encoded = cast("pa.DictionaryArray", column.cast(pa.large_string()).dictionary_encode())
        digests = pa.array([_digest(text) for text in encoded.dictionary.to_pylist()], _U64)
        return pc.take(digests, encoded.indices)
    if pa.types.is_floating(kind):
        return pc.add(column, pa.scalar(0.0)).view(_U64)  # minus zero becomes zero
    if pa.types.is_timestamp(kind):
        return column.view(pa.int64()).view(_U64)
    if pa.types.is_date32(kind):
        column = column.view(pa.int32())
    return column.cast(pa.int64()).view(_U64)


def _decimal_words(column: pa.Array) -> Any:
    """The low word of the unscaled integer, plus the high one spread over all bits."""
    size = len(column)
    data = column.buffers()[1]
    if data is None or size == 0:
        return pa.repeat(pa.scalar(0, _U64), size)
    words = pa.Array.from_buffers(_U64, 2 * size, [None, data.slice(column.offset * 16, size * 16)])
    low, high = (pc.take(words, positions) for positions in _halves(size))
    return pc.add(low, pc.multiply(high, pa.scalar(0x9E3779B97F4A7C15, _U64)))


@lru_cache(maxsize=2)
def _halves(size: int) -> tuple[pa.Array, pa.Array]:
    return pa.array(range(0, 2 * size, 2), pa.int32()), pa.array(range(1, 2 * size, 2), pa.int32())
