"""HTTP: one pooled client for a whole run, raw bytes counted, decompression capped, every failure named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from finks.errors import ConfigurationError
from finks.source.decompress import CorruptStreamError, Decompressor
from finks.source.model import Limits, Request, Response
from finks.source.transport import Clock

CONNECT_SECONDS = 20.0
SILENCE_SECONDS = 120.0
"""The longest pause within an answer; a slow vendor was measured at 37 s before its first byte."""

BOMB_FLOOR = 16 * 2**20
"""Below this many decoded bytes no ratio of expansion is suspicious."""


class HttpTransport:
    """HTTP/1.1 over httpx. Redirects are not followed: the key must not travel to another place.

    No cookie is kept, so a call does not depend on the calls before it.

    Args:
        clock: The time, aware, in UTC.
        connections: The most connections open at once; they are kept and used again.
    """

    def __init__(self, clock: Clock, *, connections: int = 64) -> None:
        self._clock = clock
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def send(self, request: Request, *, headers: Mapping[str, str], limits: Limits, deadline: float) -> Response:
        """Make one call; see `Transport.send`."""
        reading = _Reading(limits)
        try:
            async with asyncio.timeout(deadline):
                await self._read(self._build(request, headers), reading)
        except TimeoutError:
            reading.fail("timeout", f"no whole answer within {deadline:.3g} s")
        except httpx.TransportError as error:
            reading.fail(*_explain(error, reading))
        return reading.response(request, self._clock)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _build(self, request: Request, headers: Mapping[str, str]) -> httpx.Request:
        sent = {"accept-encoding": "gzip", "user-agent": "finks", **{k.lower(): v for k, v in headers.items()}}
        url = request.url.split("?")[0]
        try:
            # An empty mapping would strip the query that the address itself carries.
            return self._client.build_request(request.method, request.url, params=request.params or None, headers=sent)
        except UnicodeEncodeError:
            # Raised from nothing: the cause would show the header's value, which may be the key.
            raise ConfigurationError("A request header holds characters that HTTP does not allow.", where=url) from None
        except httpx.InvalidURL as error:
            raise ConfigurationError("The address is not valid.", where=url, got=str(error)) from None

    async def _read(self, request: httpx.Request, reading: _Reading) -> None:
        answer = await self._client.send(request, stream=True)
        try:
            reading.start(answer)
            if not reading.fault:
                async for data in answer.aiter_raw():
                    reading.take(data)
                    if reading.fault:
                        return
                reading.finish()
        finally:
            await answer.aclose()


@dataclass(slots=True)
class _Reading:
    """One answer as it arrives."""

    limits: Limits
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    detail: str = ""
    wire_bytes: int = 0
    decoded_bytes: int = 0
    _pieces: list[bytes] = field(default_factory=list)
    _decompressor: Decompressor | None = None

    def fail(self, fault: str, detail: str) -> None:
        """Give up: what has arrived is dropped."""
        self.fault, self.detail = fault, detail
        self._pieces.clear()

    def start(self, answer: httpx.Response) -> None:
        """Take the status and the headers; refuse what can be refused before the body."""
        self.status = answer.status_code
        self.headers = dict(answer.headers)
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding in Decompressor.ENCODINGS:
            self._decompressor = Decompressor(encoding)
        elif encoding not in {"identity", ""}:
            self.fail("bad_encoding", "the answer is compressed in a way that was not asked for")
        declared = self.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self.limits.wire_bytes:
            self._too_large("declares", self.limits.wire_bytes)

    def take(self, data: bytes) -> None:
        """Count and decode the next bytes."""
        self.wire_bytes += len(data)
        if self.wire_bytes > self.limits.wire_bytes:
            self._too_large("sends", self.limits.wire_bytes)
            return
        if self._decompressor is not None:
            try:
                data = self._decompressor.feed(data, self._room())
            except CorruptStreamError:
                self.fail("bad_encoding", "the compressed body is corrupt")
                return
        self.decoded_bytes += len(data)
        if self.decoded_bytes > self._allowed():
            self._too_large("unfolds to", self._allowed())
            return
        self._pieces.append(data)

    def finish(self) -> None:
        """Prove that the body is whole."""
        if self._decompressor is not None:
            if not self._decompressor.finished:
                self.fail("truncated", "the compressed body ends before its end mark")
            return
        bodiless = self.status in {204, 304} or self.status < 200
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not (framed or bodiless or self.limits.allow_unframed):
            self.fail("truncated", "the answer declares no length, so nothing proves that it is whole (allow_unframed)")

    def response(self, request: Request, clock: Clock) -> Response:
        """The answer as the driver sees it."""
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        return Response(request, self.status, body, self.headers, clock(), self.fault, self.detail, self.wire_bytes)

    def _allowed(self) -> int:
        ratio_cap = max(BOMB_FLOOR, self.wire_bytes * self.limits.expansion)
        return min(self.limits.decoded_bytes, ratio_cap)

    def _room(self) -> int:
        return self._allowed() - self.decoded_bytes

    def _too_large(self, verb: str, cap: int) -> None:
        self.fail("too_large", f"the answer {verb} more than {cap:,} bytes")


def _explain(error: httpx.TransportError, reading: _Reading) -> tuple[str, str]:
    """The fault and its words. The exception's own text is not used: it may quote a header."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout", f"no progress ({type(error).__name__})"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        raise ConfigurationError(
            "The request cannot be sent: its address or a header is not valid HTTP.",
            hint="Look for a line break or a blank in the key.",
        ) from None
    if reading.status:
        return "truncated", f"the connection ended within the answer ({type(error).__name__})"
    return "unreachable", f"no answer ({type(error).__name__})"


__all__ = ["HttpTransport"]
