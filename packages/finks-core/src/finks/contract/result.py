"""What the kernel gives: good rows, rejects and counts, and their Arrow schemas."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from finks.contract.schemas import arrow_schema
from finks.contract.spec import CompiledContract

MICROSECONDS = pa.timestamp("us", tz="UTC")
REJECT_SCHEMA = pa.schema(
    [
        pa.field("bronze_ref", pa.string(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("key_text", pa.string()),
        pa.field("field", pa.string()),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("contract", pa.string(), nullable=False),
        pa.field("contract_version", pa.string(), nullable=False),
        pa.field("known_at", MICROSECONDS, nullable=False),
    ]
)
"""A rejected record, or a whole body: ordinal -1 and the body's first 4,096 bytes."""

COUNT_SCHEMA = pa.schema(
    [
        pa.field("response_id", pa.string(), nullable=False),
        pa.field("read", pa.int64(), nullable=False),
        pa.field("good", pa.int64(), nullable=False),
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("duplicates", pa.int64(), nullable=False),
    ]
)
_SYSTEM_FIELDS = (
    pa.field("_row_hash", pa.int64(), nullable=False),
    pa.field("_known_at", MICROSECONDS, nullable=False),
    pa.field("_bronze_ref", pa.string(), nullable=False),
    pa.field("_ordinal", pa.int32(), nullable=False),
)


@dataclass(frozen=True, slots=True)
class KernelResult:
    """What became of every record.

    Attributes:
        good: The contract's columns, `_row_hash`, `_known_at` (when the response came), `_bronze_ref` (its
            id) and `_ordinal` (the record's position in it), in the order of the responses.
        rejects: `REJECT_SCHEMA`.
        counts: `COUNT_SCHEMA`, one row per response; read = good + rejected + duplicates.
    """

    good: pa.Table
    rejects: pa.Table
    counts: pa.Table


def good_schema(contract: CompiledContract) -> pa.Schema:
    """The Arrow schema of `KernelResult.good`."""
    schema = arrow_schema(contract)
    for field in _SYSTEM_FIELDS:
        schema = schema.append(field)
    return schema
