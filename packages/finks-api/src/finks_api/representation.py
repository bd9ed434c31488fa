"""One answer in the forms in which it can be sent: as it is, compressed, or as "not modified" (RFC 9110, 8 and 13)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import anyio
import anyio.to_thread

from finks_api.formats.accept import choices

Header = tuple[bytes, bytes]

COMPRESSED_FROM: Final = 1024
"""Bytes: what is shorter fits one packet anyway."""

_LEVEL: Final = 4  # within a tenth of level 6 in size, in half of its time
_REMEMBERED: Final = 256
_TAG: Final = re.compile(rb'(?:W/)?("[^"]*")')
_OF_THE_BODY: Final = (b"content-length", b"content-type", b"content-encoding", b"content-disposition", b"etag")


@dataclass(frozen=True, slots=True)
class Representation:
    """What goes over the wire.

    Attributes:
        headers: All of them, in small letters.
        body: The bytes of the body.
    """

    headers: tuple[Header, ...]
    body: bytes


class Answer:
    """A finished answer of status 200.

    Args:
        headers: As the app sent them, names in small letters.
        body: The whole body.
    """

    def __init__(self, headers: Iterable[Header], body: bytes) -> None:
        sent = [header for header in headers if header[0] != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        self.compressible = len(body) >= COMPRESSED_FROM and not any(name == b"content-encoding" for name, _ in sent)
        if self.compressible:
            sent = varying(sent)
        self.etag = next((value for name, value in sent if name == b"etag"), None)
        self.identity = Representation((*sent, length), body)
        self.compressed: Representation | None = None
        self._compressing = anyio.Lock()

    @property
    def weight(self) -> int:
        """Bytes of what it holds."""
        held = [self.identity] if self.compressed in (None, self.identity) else [self.identity, self.compressed]
        return sum(len(each.body) + sum(len(n) + len(v) for n, v in each.headers) for each in held)

    async def compress(self, limiter: anyio.CapacityLimiter) -> Representation:
        """The compressed form, made once, in a thread; the identity where that is not longer."""
        async with self._compressing:
            if self.compressed is None:
                made = await anyio.to_thread.run_sync(_gzip, self.identity.body, limiter=limiter)
                self.compressed = self._encoded(made) if len(made) < len(self.identity.body) else self.identity
        return self.compressed

    def unmodified(self, tag: bytes) -> Representation:
        """The answer of status 304 to whoever has the body with this tag."""
        return Representation(without_body(self.identity.headers, tag), b"")

    def _encoded(self, body: bytes) -> Representation:
        headers = [(n, compressed_tag(v) if n == b"etag" else v) for n, v in self.identity.headers[:-1]]
        length = (b"content-length", str(len(body)).encode())
        return Representation((*headers, (b"content-encoding", b"gzip"), length), body)


def compressed_tag(tag: bytes) -> bytes:
    """The tag of the compressed body: other bytes, so another strong tag."""
    return tag if tag.startswith(b"W/") else tag[:-1] + b'-gzip"'


def matched(if_none_match: bytes, tag: bytes) -> bytes | None:
    """Which form of an answer the caller has already, compared weakly.

    Args:
        if_none_match: The header: `*`, or a list of tags.
        tag: Of the answer as it is, uncompressed.

    Returns:
        The tag of the form that the caller has; None when it has none, and needs the body.
    """
    if if_none_match.strip() in (b"*", tag):
        return tag
    known = {opaque[1] for opaque in _TAG.finditer(if_none_match)}
    return next((each for each in (tag, compressed_tag(tag)) if each.removeprefix(b"W/") in known), None)


def without_body(headers: Iterable[Header], tag: bytes) -> tuple[Header, ...]:
    """The headers of status 304: those of 200 but what describes a body, and the tag that matched."""
    return (*(header for header in headers if header[0] not in _OF_THE_BODY), (b"etag", tag))


def varying(headers: Iterable[Header]) -> list[Header]:
    """The headers, with `Accept-Encoding` named in `Vary`."""
    rest = [header for header in headers if header[0] != b"vary"]
    names = [value for name, value in headers if name == b"vary"]
    if not any(b"accept-encoding" in value.lower() for value in names):
        names.append(b"Accept-Encoding")
    return [*rest, (b"vary", b", ".join(names))]


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the caller would rather have gzip than the body as it is (RFC 9110, section 12.5.3)."""
    return (_remembered if len(accept_encoding) <= _REMEMBERED else _accepts)(accept_encoding)


def _accepts(accept_encoding: str) -> bool:
    weights = {each.name: each.weight for each in choices(accept_encoding)}
    offered = [weights[name] for name in ("gzip", "x-gzip", "*") if name in weights][:1]
    return bool(offered) and offered[0] > 0 and offered[0] >= weights.get("identity", 0.0)


_remembered = lru_cache(maxsize=1024)(_accepts)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
