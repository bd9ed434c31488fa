"""The 64-bit xxHash of bytes with seed 0, by its published algorithm."""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(lane: int, word: int) -> int:
    return (_rotate((lane + word * _P2) & _MASK, 31) * _P1) & _MASK


def _stripes(data: bytes) -> tuple[int, int]:
    lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
    position = 0
    while position + 32 <= len(data):
        for i in range(4):
            word = int.from_bytes(data[position + 8 * i : position + 8 * i + 8], "little")
            lanes[i] = _round(lanes[i], word)
        position += 32
    result = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        result = ((result ^ _round(0, lane)) * _P1 + _P4) & _MASK
    return result, position


def xxhash64(data: bytes) -> bytes:
    """The digest, most significant byte first."""
    result, position = _stripes(data) if len(data) >= 32 else (_P5, 0)
    result = (result + len(data)) & _MASK
    while position + 8 <= len(data):
        word = int.from_bytes(data[position : position + 8], "little")
        result = (_rotate(result ^ _round(0, word), 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= len(data):
        word = int.from_bytes(data[position : position + 4], "little")
        result = (_rotate(result ^ (word * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in data[position:]:
        result = (_rotate(result ^ (byte * _P5 & _MASK), 11) * _P1) & _MASK
    result = ((result ^ (result >> 33)) * _P2) & _MASK
    result = ((result ^ (result >> 29)) * _P3) & _MASK
    return (result ^ (result >> 32)).to_bytes(8, "big")
