"""Finished answers, ready to be sent again: the ASGI middleware between access and the app.

An answer to data depends on nothing but the release, the caller's rights and the request. So it is made once per
release, by one run of the app for all who ask at the same time, and sent from memory from then on.

The app says which answers these are with `keep_answer`. Such an answer has no header that is for one request only, and
no address made from `Host`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from typing import Any, Final, NamedTuple

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finks_api.formats import negotiate
from finks_api.problems import Problem
from finks_api.representation import Answer, Representation, accepts_gzip, matched, without_body
from finks_api.shelf import Shelf

LIMIT_BYTES: Final = 64 * 1024 * 1024

_KEEP: Final = "keep_answer"
_FORMAT: Final = re.compile(rb"(?:^|&)format=[^&]")


def keep_answer(scope: MutableMapping[str, Any]) -> None:
    """Let the answer to this request be sent again to the same key until another release is served.

    Only an answer of status 200 is kept. Call it before the answer starts.
    """
    scope.setdefault("state", {})[_KEEP] = True


class Answers:
    """The middleware.

    It answers HEAD as GET without the body, `If-None-Match` with 304 wherever the app gives an `ETag`, and compresses
    the answers that it may keep.

    Args:
        app: What makes answers.
        current_release: The number of the release that is served now, None before the first. Asked at every request, so
            it must be cheap. Where it raises a problem, the app is asked, and nothing is kept.
        limit_bytes: What kept answers may take.
    """

    def __init__(
        self, app: ASGIApp, current_release: Callable[[], Awaitable[int | None]], *, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._app = app
        self._current = current_release
        self._shelf: Shelf[Answer] = Shelf(limit_bytes)
        self._release: int | None = None
        self._flights: dict[Hashable, _Flight] = {}
        self._compressors = anyio.CapacityLimiter(2)  # not the threads in which queries wait

    @property
    def kept_bytes(self) -> int:
        """What kept answers take now."""
        return self._shelf.weight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        release = await self._served()
        if release != self._release:
            self._shelf.clear()
            self._release = release
        request = _Request.of(scope, release)
        answer = self._shelf.get(request.key)
        if answer is None:
            answer = await self._made(request, scope, receive, send)
        if answer is not None:
            await self._send(answer, request, send)

    async def _made(self, request: _Request, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """The answer to a request, made here or by an equal one under way; None when it has been sent already."""
        flight = self._flights.get(request.key)
        if flight is not None:
            await flight.over.wait()
            return flight.answer or await self._run(request, scope, receive, _Relay(scope, request, send))
        flight = self._flights[request.key] = _Flight()
        try:
            flight.answer = await self._run(request, scope, receive, _Relay(scope, request, send, flight.over.set))
        finally:
            del self._flights[request.key]
            flight.over.set()
        return flight.answer

    async def _run(self, request: _Request, scope: Scope, receive: Receive, relay: _Relay) -> Answer | None:
        await self._app(scope if scope["method"] == "GET" else {**scope, "method": "GET"}, receive, relay)
        if relay.answer is not None:
            await self._keep(request, relay.answer)
        return relay.answer

    async def _served(self) -> int | None:
        try:
            return await self._current()
        except Problem:
            return None

    async def _keep(self, request: _Request, answer: Answer) -> None:
        # A release that came in between may be the one that the app read.
        if request.release is not None and request.release == await self._served():
            self._shelf.put(request.key, answer, answer.weight + request.weight)

    async def _send(self, answer: Answer, request: _Request, send: Send) -> None:
        tag = matched(request.if_none_match, answer.etag) if request.if_none_match and answer.etag else None
        if tag is not None:
            await _send(send, 304, answer.unmodified(tag), request.head)
            return
        form = answer.identity
        if answer.compressible and accepts_gzip(request.accept_encoding):
            form = answer.compressed or await self._compressed(answer, request)
        await _send(send, 200, form, request.head)

    async def _compressed(self, answer: Answer, request: _Request) -> Representation:
        form = await answer.compress(self._compressors)
        await self._keep(request, answer)  # it has become heavier
        return form


class _Flight:
    """A run of the app for which equal requests wait."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        self.answer: Answer | None = None


class _Request(NamedTuple):
    """What of a request decides which answer it gets, and in which form."""

    release: int | None
    key: Hashable
    head: bool
    if_none_match: bytes
    accept_encoding: str
    weight: int

    @classmethod
    def of(cls, scope: Scope, release: int | None) -> _Request:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            headers[name] = headers[name] + b", " + value if name in headers else value
        path, query = scope["path"], scope["query_string"]
        grant = scope.setdefault("state", {}).get("grant")
        # Not the key alone: what it may read can change while its id stays.
        rights = None if grant is None else (grant.key_id, grant.datasets, grant.portfolios)
        return cls(
            release,
            (release, path, query, _format(headers.get(b"accept", b""), query), rights),
            scope["method"] == "HEAD",
            headers.get(b"if-none-match", b""),
            headers.get(b"accept-encoding", b"").decode("latin-1"),
            len(path) + len(query),
        )


class _Relay:
    """What the app sends: held until it is whole when it may be kept, else passed on at once."""

    def __init__(self, scope: Scope, request: _Request, send: Send, passed: Callable[[], None] | None = None) -> None:
        self._state = scope["state"]
        self._request = request
        self._send = send
        self._passed = passed
        self._headers: list[tuple[bytes, bytes]] | None = None
        self._parts: list[bytes] = []
        self._silent = False
        self.answer: Answer | None = None
        """The answer, once it is whole, if it is one to keep."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._headers is not None:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.answer = Answer(self._headers, b"".join(self._parts))
        elif not self._request.head:
            if not self._silent:
                await self._send(message)
        elif not (self._silent or message.get("more_body", False)):
            await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, message: Message) -> None:
        headers = list(message.get("headers", ()))
        if message["status"] == 200 and _KEEP in self._state:
            self._headers = headers
            return
        if self._passed is not None:
            self._passed()
        etag = next((value for name, value in headers if name == b"etag"), None)
        known = self._request.if_none_match
        tag = matched(known, etag) if message["status"] in (200, 304) and known and etag else None
        if tag is None:
            await self._send(message)
        else:
            self._silent = True
            await _send(self._send, 304, Representation(without_body(headers, tag), b""), self._request.head)


def _format(accept: bytes, query: bytes) -> str | None:
    """Which format the request gets by its headers; the parameter `format` is in its query."""
    if _FORMAT.search(query):
        return None
    try:
        return negotiate(accept.decode("latin-1"), None).name
    except Problem:
        return None


async def _send(send: Send, status: int, form: Representation, head: bool) -> None:
    # Lists of their own: whoever is further out may add headers.
    await send({"type": "http.response.start", "status": status, "headers": list(form.headers)})
    await send({"type": "http.response.body", "body": b"" if head else form.body})
