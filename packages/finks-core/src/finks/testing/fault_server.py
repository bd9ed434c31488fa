"""A real HTTP/1.1 server on loopback that misbehaves on request.

with FaultServer() as server:
    server.route("/bars", json_text("", 503), json_text("[]"))   # fails once, then answers
    ...
    assert len(server.requests) == 2
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from finks.testing.replies import Framing, Reply, json_text

Handler = Callable[["Received"], Reply]

_MISSING = json_text("no such route", 404)
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the server read it.

    Attributes:
        path: Without the query, percent-decoded.
        params: The query's parameters.
        headers: Names in lower case.
        connection: The number of the connection that it came on, from 1.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    connection: int
    body: bytes = b""


class FaultServer:
    """Serves routes from a thread of its own until the `with` block ends.

    Attributes:
        url: The base address, once started.
        requests: Every request so far, in order.
        connections: How many connections clients opened so far.
        refusing_url: An address on which every connection is refused.
    """

    def __init__(self) -> None:
        self.url = ""
        self.refusing_url = ""
        self.requests: list[Received] = []
        self.connections = 0
        self._routes: dict[str, Handler] = {}
        self._loop = asyncio.SelectorEventLoop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-server", daemon=True)
        self._refusing = socket.socket()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def route(self, path: str, *replies: Reply) -> str:
        """Answer a path with these replies in turn, the last one for ever.

        Returns:
            The absolute address.
        """
        if not replies:
            raise ValueError("a route needs a reply")
        rest = iter(replies)
        last = replies[-1]
        return self.handle(path, lambda _: next(rest, last))

    def handle(self, path: str, handler: Handler) -> str:
        """Answer a path with what `handler` makes of each request. It runs in the server's thread.

        Returns:
            The absolute address.
        """
        self._routes[path] = handler
        return self.url + path

    def __enter__(self) -> Self:
        # Bound and never listening: the port is nobody else's, and connecting to it is refused.
        self._refusing.bind(("127.0.0.1", 0))
        self.refusing_url = f"http://127.0.0.1:{self._refusing.getsockname()[1]}"
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError("the fault server did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)
        self._refusing.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        writers: set[asyncio.StreamWriter] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Noted before any of its code runs, so that a connection of the last moment is closed too.
            writers.add(writer)
            task = self._loop.create_task(self._converse(reader, writer))
            task.add_done_callback(lambda _: writers.discard(writer))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        # asyncio loses the socket of a connection that it has accepted and not yet set up when its server
        # closes. So accepting ends first, and what is under way gets the turns that it needs.
        self._loop.remove_reader(server.sockets[0].fileno())
        await _turns()
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # An aborted transport closes its socket in the loop's next turns.
        await _turns()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until one side closes it."""
        self.connections += 1
        number = self.connections
        try:
            while request := await _read_request(reader, number):
                self.requests.append(request)
                reply = self._routes.get(request.path, lambda _: _MISSING)(request)
                if not await _send(writer, reply):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _turns(count: int = 5) -> None:
    """Let the loop do what is already scheduled."""
    for _ in range(count):
        await asyncio.sleep(0)


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Received(method, unquote(parts.path), params, headers, connection, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Write a reply. Returns whether the connection can serve another request."""
    if reply.delay:
        await asyncio.sleep(reply.delay)
    if reply.reset:
        _abort(writer)
        return False
    writer.write(_head(reply))
    room = reply.cut
    for whole in reply.pieces():
        piece = whole if room is None else whole[:room]
        if piece:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.framing is Framing.CHUNKED else piece)
        await writer.drain()
        if reply.seconds_per_byte:
            await asyncio.sleep(reply.seconds_per_byte)
        if room is not None:
            room -= len(piece)
            if room <= 0:
                return False
    if reply.framing is Framing.CHUNKED:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return reply.framing is not Framing.CLOSE


def _head(reply: Reply) -> bytes:
    headers = dict(reply.headers)
    if reply.framing is Framing.LENGTH:
        headers["content-length"] = str(len(reply.body))
    elif reply.framing is Framing.CHUNKED:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset (SO_LINGER with a time of zero)."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


__all__ = ["FaultServer", "Handler", "Received"]
