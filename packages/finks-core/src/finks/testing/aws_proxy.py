"""A real HTTP proxy in front of an AWS endpoint that loses, slows and refuses what it is told to.

with AwsProxy("http://127.0.0.1:4566") as proxy:
    proxy.rule(lost_answer(), service="glue", operation="UpdateTable", times=1)
    ...  # with AWS_ENDPOINT_URL=proxy.url
    assert proxy.count("glue", "UpdateTable") == 2
"""

from __future__ import annotations

import fnmatch
import http.client
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from finks.testing.aws_calls import Call, call_of, refusal

_HOP: Final = frozenset({"connection", "expect", "transfer-encoding", "content-length", "keep-alive"})
_FORWARD_SECONDS: Final = 120
_PIECE: Final = 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request.

    Attributes:
        status: With `code`: the answer, in place of the endpoint's.
        forward: Whether the endpoint gets the request.
        drop: Whether the connection is reset instead of answering.
        cut: After how many bytes of the answer's body the connection is reset.
        bytes_per_second: How fast the body of the answer comes.
        change: Makes another body of the answer's.
    """

    status: int = 0
    code: str = ""
    message: str = ""
    forward: bool = True
    drop: bool = False
    cut: int | None = None
    bytes_per_second: float | None = None
    change: Callable[[bytes], bytes] | None = None


def slow_down() -> Fault:
    """S3 asks for fewer requests."""
    return Fault(503, "SlowDown", "Please reduce your request rate.", forward=False)


def throttled() -> Fault:
    """Glue or DynamoDB asks for fewer requests."""
    return Fault(400, "ThrottlingException", "Rate exceeded", forward=False)


def expired() -> Fault:
    """The credentials were valid once."""
    return Fault(400, "ExpiredToken", "The provided token has expired.", forward=False)


def denied() -> Fault:
    """The role may not do this. Other services than S3 call it `AccessDeniedException`."""
    return Fault(403, "AccessDenied", "Access Denied", forward=False)


def failing() -> Fault:
    """The service fails inside."""
    return Fault(500, "InternalError", "We encountered an internal error. Please try again.", forward=False)


def lost_answer() -> Fault:
    """The request takes effect; its answer never comes."""
    return Fault(drop=True)


def reset() -> Fault:
    """The connection is reset before the request takes effect."""
    return Fault(forward=False, drop=True)


def cut(after: int = 0) -> Fault:
    """The connection is reset in the middle of the answer."""
    return Fault(cut=after)


def slow(bytes_per_second: float) -> Fault:
    """The answer comes slowly, and whole."""
    return Fault(bytes_per_second=bytes_per_second)


def query_state(state: str, reason: str = "", **more: object) -> Fault:
    """Athena says of a query execution that it is in another state; with `RUNNING` it takes as long as the rule lasts.

    Args:
        reason: `StateChangeReason`.
        more: Other members of `QueryExecutionStatus` (Amazon Athena API reference).
    """

    def change(body: bytes) -> bytes:
        told = json.loads(body)
        status = told["QueryExecution"]["Status"]
        status |= {"State": state, "StateChangeReason": reason, "CompletionDateTime": time.time(), **more}
        return json.dumps(told).encode()

    return Fault(change=change)


@dataclass(slots=True)
class Rule:
    """Which requests meet a fault.

    Attributes:
        service, operation: As in `Call`; empty for any.
        resource: A pattern with `*`, for example `bucket/lake/silver/*`.
        after: How many matching requests pass first.
        times: How many meet it then; None for all.
        seen: How many matched so far.
    """

    fault: Fault
    service: str = ""
    operation: str = ""
    resource: str = "*"
    after: int = 0
    times: int | None = None
    seen: int = 0

    def applies(self, call: Call) -> bool:
        """Whether this request is met; counts it."""
        matches = (
            self.service in {"", call.service}
            and self.operation in {"", call.operation}
            and fnmatch.fnmatchcase(call.resource, self.resource)
        )
        if not matches:
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass(slots=True)
class _State:
    """What the threads of a proxy share."""

    rules: list[Rule] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[Call, Fault]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, call: Call) -> Fault | None:
        """Note a request and find its fault: that of the first rule that applies."""
        with self.lock:
            self.calls.append(call)
            found = next((rule.fault for rule in self.rules if rule.applies(call)), None)
            if found is not None:
                self.faults.append((call, found))
            return found


class AwsProxy:
    """Forwards to an endpoint from threads of its own until the `with` block ends.

    Args:
        target: The endpoint, for example `http://127.0.0.1:4566`.
        others: Services that have another endpoint, for example `glue="http://127.0.0.1:4567"`.

    Attributes:
        url: Where the proxy listens.
    """

    def __init__(self, target: str, **others: str) -> None:
        self._state = _State()
        state, endpoints = self._state, {"": target, **others}

        class Handler(_Handler):
            shared = state
            targets = endpoints

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-proxy", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def rule(
        self,
        fault: Fault,
        *,
        service: str = "",
        operation: str = "",
        resource: str = "*",
        after: int = 0,
        times: int | None = None,
    ) -> None:
        """Let matching requests meet a fault; the attributes of `Rule`."""
        with self._state.lock:
            self._state.rules.append(Rule(fault, service, operation, resource, after, times))

    def clear(self) -> None:
        """Forget the rules, and what was counted."""
        with self._state.lock:
            self._state.rules.clear()
            self._state.calls.clear()
            self._state.faults.clear()

    @property
    def faults(self) -> int:
        """How many requests met a fault."""
        return len(self._state.faults)

    def count(self, service: str, operation: str = "") -> int:
        """How many requests came for a service, or for one operation of it."""
        return sum(call.service == service and operation in {"", call.operation} for call in self._state.calls)

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests came, by service and operation."""
        return Counter((call.service, call.operation) for call in self._state.calls)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and those to the endpoints."""

    protocol_version = "HTTP/1.1"
    shared: _State
    targets: Mapping[str, str]

    def setup(self) -> None:
        super().setup()
        self._endpoints: dict[str, http.client.HTTPConnection] = {}

    def finish(self) -> None:
        for endpoint in self._endpoints.values():
            endpoint.close()
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            self._reset()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        body = self._read_body()
        call = call_of(self.command, self.path, dict(self.headers), body)
        fault = self.shared.meet(call) or Fault()
        answer = self._forward(call, body) if fault.forward else None
        if fault.drop:
            self._reset()
        elif answer is not None:
            status, headers, content = answer
            self._answer(status, headers, content if fault.change is None else fault.change(content), fault)
        else:
            code = f"{fault.code}Exception" if fault.code == "AccessDenied" and call.service != "s3" else fault.code
            content_type, text = refusal(call, code, fault.message)
            self._answer(fault.status, [("Content-Type", content_type)], text, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        pieces: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _forward(self, call: Call, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = self.targets.get(call.service, self.targets[""])
        endpoint = self._endpoints.get(target)
        if endpoint is None:
            host = urlsplit(target).netloc
            endpoint = self._endpoints[target] = http.client.HTTPConnection(host, timeout=_FORWARD_SECONDS)
        endpoint.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP:
                endpoint.putheader(name, value)
        endpoint.putheader("Content-Length", str(len(body)))
        endpoint.endheaders(body or None)
        response = endpoint.getresponse()
        return response.status, response.getheaders(), response.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault) -> None:
        told = {name.lower(): value for name, value in headers}
        length = told.get("content-length", "0") if self.command == "HEAD" else str(len(body))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command == "HEAD":
            return
        self._send(body if fault.cut is None else body[: fault.cut], fault.bytes_per_second)
        if fault.cut is not None:
            self._reset()

    def _send(self, body: bytes, bytes_per_second: float | None) -> None:
        if bytes_per_second is None:
            self.wfile.write(body)
            return
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(len(piece) / bytes_per_second)

    def _reset(self) -> None:
        """Close so that the client sees a reset (SO_LINGER with a time of zero)."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
