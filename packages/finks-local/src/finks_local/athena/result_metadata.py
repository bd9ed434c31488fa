"""The companion file of a result, `<result>.metadata`: its columns, as a protocol buffer.

AWS documents that the file exists, not what is in it (Athena User Guide, "Find query output files in Amazon S3"); the
field numbers are those that the JDBC driver of burtcorp (AthenaMetaDataParser) reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_NULLABLE: Final = {"NOT_NULL": 1, "NULLABLE": 2, "UNKNOWN": 3}


def encode(query_id: str, columns: Sequence[Mapping[str, Any]], change: str = "", update_count: int = 0) -> bytes:
    """The file's bytes.

    Args:
        query_id: The query execution's id.
        columns: `ColumnInfo` entries.
        change: What the statement did, for example `INSERT`; empty for a query.
        update_count: How many rows it changed.
    """
    head = _text(1, query_id) + _text(2, change) + _number(3, update_count)
    return head + b"".join(_bytes(4, _column(column)) for column in columns)


def _column(column: Mapping[str, Any]) -> bytes:
    texts = ((1, "CatalogName"), (4, "Name"), (5, "Label"), (6, "Type"))
    numbers = (
        (7, column["Precision"]),
        (8, column["Scale"]),
        (9, _NULLABLE[column["Nullable"]]),
        (10, int(column["CaseSensitive"])),
    )
    body = b"".join(_text(field, column[name]) for field, name in texts)
    return body + b"".join(_number(field, value) for field, value in numbers if value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
