"""Who may come in: the key, the plan, what a request may not be, and a line of log for each.

A pure ASGI middleware, because every request passes it and an answer that is kept costs less than anything else here.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from datetime import datetime
from typing import Any, Final

from finks_api.access_log import LOGGER, Line
from finks_api.keys.limiter import Limiter
from finks_api.keys.model import KEY, Grant
from finks_api.keys.store import KeyStore
from finks_api.problems import Problem

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_TARGET: Final = 4096
"""The most bytes of path and query."""

METHODS: Final = ("GET", "HEAD")

_IDENTIFIER: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_KEY_BYTES: Final = 128
_WANTED: Final = frozenset({b"x-api-key", b"x-correlation-id", b"content-length", b"transfer-encoding"})
_EXTRA: Final = {
    "method-not-allowed": (b"allow", ", ".join(METHODS).encode()),
    # What is left of the body is not read: the connection has no further use.
    "body-not-allowed": (b"connection", b"close"),
}

_log = logging.getLogger(LOGGER)
_failures = logging.getLogger("finks.api")


class Access:
    """Lets requests through that have a key, and puts its grant into `scope["state"]["grant"]`.

    `scope["state"]["request_id"]` is the request's id, on an open path too; there is no grant there.

    Args:
        app: What answers.
        keys: The keys.
        open_paths: Paths that need no key, and count for no plan.
        limiter: Enforces the plans; None where somebody in front does.
        clock: The time, aware, in UTC.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        app: App,
        keys: KeyStore,
        *,
        open_paths: Collection[str],
        limiter: Limiter | None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._keys = keys
        self._open = frozenset(open_paths)
        self._limiter = limiter
        self._clock = clock
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3.0."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close"})
        began = self._monotonic()
        headers = _Headers(scope["headers"])
        answer = _Answer(send, headers.identifier)
        grant: Grant | None = None
        try:
            refused = _misshapen(scope, headers)
            if refused is None and scope["path"] not in self._open:
                grant = await self._grant(headers.keys)
                refused = "invalid-key" if grant is None else self._limited(grant)
            if refused is None:
                await self._pass(scope, receive, answer, grant)
            else:
                await answer.refuse(refused, scope["method"])
        finally:
            if _log.isEnabledFor(logging.INFO):
                self._write(scope, answer, grant, began)

    async def _grant(self, keys: list[bytes]) -> Grant | None:
        if len(keys) != 1 or len(keys[0]) > _KEY_BYTES or not keys[0].isascii():
            return None
        return await self._keys.find(keys[0].decode())

    def _limited(self, grant: Grant) -> str | None:
        return self._limiter.take(grant.key_id, grant.plan) if self._limiter is not None else None

    async def _pass(self, scope: Scope, receive: Receive, answer: _Answer, grant: Grant | None) -> None:
        state = {**scope.get("state", {}), "request_id": answer.identifier.decode()}
        if grant is not None:
            state["grant"] = grant
        try:
            await self._app({**scope, "state": state}, receive, answer.send)
        except Exception:
            _failures.exception("The request %s failed.", state["request_id"])
            if answer.status is None:
                await answer.refuse("internal", scope["method"])
            elif not answer.complete:
                raise  # the server cuts the connection, so that a part is not taken for the whole

    def _write(self, scope: Scope, answer: _Answer, grant: Grant | None, began: float) -> None:
        line = Line(
            time=self._clock(),
            key=grant.key_id if grant is not None else None,
            method=scope["method"],
            path=scope["path"],
            status=answer.status,
            bytes=answer.bytes,
            milliseconds=(self._monotonic() - began) * 1000,
            request_id=answer.identifier.decode(),
            release=answer.release,
        )
        _log.info(line.json())


class _Headers:
    """What counts of a request's headers, whose names are in small letters (ASGI 3.0, HTTP connection scope)."""

    __slots__ = ("body", "identifier", "keys")

    def __init__(self, headers: Collection[tuple[bytes, bytes]]) -> None:
        self.keys: list[bytes] = []
        self.body = False
        given: list[bytes] = []
        for name, value in headers:
            if name not in _WANTED:
                continue
            if name == b"x-api-key":
                self.keys.append(value)
            elif name == b"x-correlation-id":
                given.append(value)
            elif value != b"0":
                self.body = True
        good = len(given) == 1 and _IDENTIFIER.fullmatch(given[0]) and not KEY.search(given[0].decode())
        self.identifier = given[0] if good else secrets.token_hex(16).encode()


def _misshapen(scope: Scope, headers: _Headers) -> str | None:
    """Why nobody may send such a request; None if it is well."""
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > LONGEST_TARGET:
        return "too-long"
    if scope["method"] not in METHODS:
        return "method-not-allowed"
    return "body-not-allowed" if headers.body else None


class _Answer:
    """Passes an answer on, with the headers that every answer has, and notes what the log says of it."""

    __slots__ = ("_headers", "_send", "bytes", "complete", "identifier", "release", "status")

    def __init__(self, send: Send, identifier: bytes) -> None:
        self._send = send
        self._headers = [(b"x-correlation-id", identifier), (b"x-content-type-options", b"nosniff")]
        self.identifier = identifier
        self.status: int | None = None
        self.bytes = 0
        self.complete = False
        self.release: str | None = None

    async def send(self, message: Message) -> None:
        """See ASGI 3.0. The message is left as it is: an answer that is kept is sent many times."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            for name, value in headers:
                if name == b"finks-release":
                    self.release = value.decode("latin-1")
            await self._send({**message, "headers": [*headers, *self._headers]})
            return
        if message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, slug: str, method: str) -> None:
        """Answer with a problem, the same that API Gateway answers."""
        problem = Problem.fixed(slug)
        body = problem.body()
        headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        headers.append((b"content-length", str(len(body)).encode()))
        if slug in _EXTRA:
            headers.append(_EXTRA[slug])
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
