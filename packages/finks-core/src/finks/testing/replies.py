"""What the fault server can answer: good answers, and every way an answer goes wrong on the wire."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

MEBIBYTE = 1 << 20


class Framing(StrEnum):
    """How the client learns where a body ends."""

    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        body: The bytes, compressed already if `headers` say so.
        status: The HTTP status.
        headers: Further headers; the framing's own are added.
        framing: How the end of the body is marked.
        delay: Seconds before the status line.
        seconds_per_byte: Sends the body a byte at a time.
        cut: Closes the connection after so many bytes of the body.
        stream: Makes the body piece by piece instead of `body`; never with `Framing.LENGTH`.
        reset: Resets the connection instead of answering.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = Framing.LENGTH
    delay: float = 0.0
    seconds_per_byte: float = 0.0
    cut: int | None = None
    stream: Callable[[], Iterable[bytes]] | None = None
    reset: bool = False

    def pieces(self) -> Iterator[bytes]:
        """The body as it is written."""
        if self.stream is not None:
            yield from self.stream()
        elif self.seconds_per_byte:
            yield from (self.body[i : i + 1] for i in range(len(self.body)))
        else:
            yield self.body


def json_text(body: bytes | str, status: int = 200, **headers: str) -> Reply:
    """A body declared as JSON, sent as it is; `retry_after="1"` becomes the header `retry-after`."""
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(raw, status, {"content-type": "application/json", **named})


def json_value(value: object, status: int = 200, **headers: str) -> Reply:
    """A Python value as JSON."""
    return json_text(json.dumps(value), status, **headers)


def html(status: int = 200) -> Reply:
    """A maintenance page."""
    return Reply(b"<!doctype html><html><body>Maintenance</body></html>", status, {"content-type": "text/html"})


def gzipped(reply: Reply) -> Reply:
    """The same answer, compressed."""
    return replace(reply, body=gzip.compress(reply.body, 6, mtime=0), headers={**reply.headers, **_GZIP})


def corrupt_gzip(reply: Reply) -> Reply:
    """Compressed, with a byte of the stream changed, so that its checksum fails."""
    body = bytearray(gzipped(reply).body)
    body[-6] ^= 0xFF
    return replace(reply, body=bytes(body), headers={**reply.headers, **_GZIP})


def cut_gzip(reply: Reply) -> Reply:
    """Compressed and cut, with a length that agrees with the part that is sent."""
    body = gzipped(reply).body
    return replace(reply, body=body[: len(body) // 2], headers={**reply.headers, **_GZIP})


def chunked(reply: Reply) -> Reply:
    """The same answer in chunks, without a length."""
    return replace(reply, framing=Framing.CHUNKED)


def until_close(reply: Reply) -> Reply:
    """The same answer without a length: its end is the end of the connection."""
    return replace(reply, framing=Framing.CLOSE)


def truncated(reply: Reply) -> Reply:
    """Declares the whole answer in its framing and closes half-way."""
    return replace(reply, cut=len(reply.body) // 2)


def truncated_silently(reply: Reply) -> Reply:
    """Half an answer without a length: nothing in HTTP shows that it was cut."""
    return truncated(until_close(reply))


def slow(reply: Reply, seconds_per_byte: float = 1.0) -> Reply:
    """A byte at a time: always progress, never an end."""
    return replace(reply, seconds_per_byte=seconds_per_byte)


def delayed(reply: Reply, seconds: float) -> Reply:
    """The same answer, later."""
    return replace(reply, delay=seconds)


def reset() -> Reply:
    """The connection is reset before an answer."""
    return Reply(reset=True)


def gzip_bomb(size: int = 200 * MEBIBYTE) -> Reply:
    """`size` zeros in a thousandth of the bytes."""

    def stream() -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        zeros = bytes(MEBIBYTE)
        for _ in range(size // MEBIBYTE):
            yield packer.compress(zeros)
        yield packer.compress(bytes(size % MEBIBYTE)) + packer.flush()

    return Reply(headers={"content-type": "application/json", **_GZIP}, framing=Framing.CHUNKED, stream=stream)


def endless(piece: bytes = b" " * 65536) -> Reply:
    """A body without an end."""

    def stream() -> Iterator[bytes]:
        while True:
            yield piece

    return Reply(headers={"content-type": "application/json"}, framing=Framing.CHUNKED, stream=stream)


NOT_A_NUMBER = json_text('[{"symbol": "AAPL", "close": NaN}]')
TOO_LARGE_A_NUMBER = json_text('[{"symbol": "AAPL", "close": 1e400}]')

_GZIP = {"content-encoding": "gzip"}
