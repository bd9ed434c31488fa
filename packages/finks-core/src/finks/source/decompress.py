"""Incremental decompression whose output is capped, so that a bomb never unfolds in memory."""

from __future__ import annotations

import zlib

STEP = 1 << 20
"""The most bytes that one step of decompression may produce."""


class CorruptStreamError(Exception):
    """The compressed bytes are not what their encoding says. Never leaves `finks.source`."""


class Decompressor:
    """Decodes `gzip` and `deflate` piece by piece. No other encoding is asked for, so no other is understood.

    Args:
        encoding: `gzip`, `x-gzip` or `deflate`.
    """

    ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})

    def __init__(self, encoding: str) -> None:
        # `deflate` is zlib's format by RFC 9110, section 8.4.1.2.
        self._bits = zlib.MAX_WBITS if encoding == "deflate" else zlib.MAX_WBITS | 16
        self._member = zlib.decompressobj(self._bits)
        self._started = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode a piece.

        Args:
            data: The next bytes from the wire.
            room: Stop soon after this many bytes came out; the caller refuses an answer that exceeds it.

        Raises:
            CorruptStreamError: The bytes are not of the encoding, or fail their checksum.
        """
        self._started = self._started or bool(data)
        out: list[bytes] = []
        size = 0
        while data and size <= room:
            if self._member.eof:
                self._member = zlib.decompressobj(self._bits)
            try:
                piece = self._member.decompress(data, STEP)
            except zlib.error:
                raise CorruptStreamError from None
            out.append(piece)
            size += len(piece)
            data = self._member.unconsumed_tail or self._member.unused_data
        return out[0] if len(out) == 1 else b"".join(out)

    @property
    def finished(self) -> bool:
        """Whether the stream ended where its format says, checksum included."""
        return self._member.eof or not self._started
