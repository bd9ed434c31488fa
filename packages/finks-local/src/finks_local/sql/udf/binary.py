"""Bytes: encodings and digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import zlib
from typing import Final

from finks_local.sql.udf.failure import Functions, argument
from finks_local.sql.xxhash import xxhash64


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text) if not re.search(r"\s", text) else _raise(argument("bad hex"))
    except ValueError:
        raise argument(f"Invalid hex string: {text}") from None


def _raise(error: Exception) -> bytes:
    raise error


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise argument("Illegal base64 text") from None


def _from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise argument(f"Invalid input: {text}") from None


def _from_big_endian(data: bytes, size: int) -> int:
    if len(data) != size:
        raise argument(f"expected {size}-byte input, but got instead: {len(data)}")
    return int.from_bytes(data, "big", signed=True)


def _bytes_pad(data: bytes, size: int, pad: bytes, left: bool) -> bytes:
    if not pad:
        raise argument("Padding bytes must not be empty")
    filling = (pad * (max(0, size - len(data)) // len(pad) + 1))[: max(0, size - len(data))]
    return data[:size] if len(data) >= size else (filling + data if left else data + filling)


def _from_ieee754(data: bytes) -> float:
    if len(data) != 8:
        raise argument("Input floating-point value must be exactly 8 bytes long")
    return struct.unpack(">d", data)[0]


FUNCTIONS: Final[Functions] = {
    "trino_from_hex": (_from_hex, ["VARCHAR"], "BLOB"),
    "trino_from_base64": (_from_base64, ["VARCHAR"], "BLOB"),
    "trino_to_base32": (lambda data: base64.b32encode(data).decode(), ["BLOB"], "VARCHAR"),
    "trino_from_base32": (_from_base32, ["VARCHAR"], "BLOB"),
    "trino_sha512": (lambda data: hashlib.sha512(data).digest(), ["BLOB"], "BLOB"),
    "trino_crc32": (zlib.crc32, ["BLOB"], "BIGINT"),
    "trino_xxhash64": (xxhash64, ["BLOB"], "BLOB"),
    "trino_hmac": (lambda data, key, name: hmac.digest(key, data, name), ["BLOB", "BLOB", "VARCHAR"], "BLOB"),
    "trino_to_big_endian": (lambda value, size: value.to_bytes(size, "big", signed=True), ["BIGINT", "BIGINT"], "BLOB"),
    "trino_from_big_endian": (_from_big_endian, ["BLOB", "BIGINT"], "BIGINT"),
    "trino_to_ieee754": (lambda value: struct.pack(">d", value), ["DOUBLE"], "BLOB"),
    "trino_from_ieee754": (_from_ieee754, ["BLOB"], "DOUBLE"),
    "trino_reverse_pairs": (lambda text: bytes.fromhex(text)[::-1].hex(), ["VARCHAR"], "VARCHAR"),
    "trino_bytes_pad": (_bytes_pad, ["BLOB", "BIGINT", "BLOB", "BOOLEAN"], "BLOB"),
}
