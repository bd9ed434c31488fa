"""The HTTP server of `finks serve`: uvicorn, with what it lacks against slow and endless requests."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from finks_api.problems import MEDIA_TYPE, Problem

HEADER_SECONDS: Final = 10.0
HEADER_BYTES: Final = 32 * 1024
_REASONS: Final = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class GuardedProtocol(HttpToolsProtocol):
    """A connection whose request must be there within `header_seconds` and `HEADER_BYTES`, up to its last header.

    uvicorn waits for ever and takes any length. What it refuses itself is a problem document here.
    """

    header_seconds = HEADER_SECONDS

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._received()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES:
                self._refuse("headers-too-large")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """See httptools."""
        if self._timer is None:
            self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._received()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """See uvicorn; the text is not sent."""
        self._refuse("no-request")

    def _wait(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(self.header_seconds, self._refuse, "request-timeout")

    def _received(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, slug: str) -> None:
        self._received()
        if self.transport.is_closing():
            return
        problem = Problem.fixed(slug)
        body = problem.body()
        head = (
            f"HTTP/1.1 {problem.status} {_REASONS[problem.status]}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def make_server(app: ASGIApp, host: str, port: int, *, header_seconds: float = HEADER_SECONDS) -> uvicorn.Server:
    """A server of an app, not started yet.

    Args:
        app: The ASGI application.
        host, port: Where to listen.
        header_seconds: Within so many seconds a request must be there up to its last header.
    """

    class Guarded(GuardedProtocol):
        pass

    Guarded.header_seconds = header_seconds
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=Guarded,
            ws="none",
            lifespan="off",
            access_log=False,  # the app writes its own, without queries
            server_header=False,
            log_level="warning",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
        )
    )
