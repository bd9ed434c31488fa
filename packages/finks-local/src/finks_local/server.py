"""The endpoint's HTTP server: Athena and the Glue gateway on one loopback port, told apart by `X-Amz-Target`."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Final

import uvicorn
from anyio import CapacityLimiter, to_thread
from finks.errors import SourceUnavailableError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from finks_local.emulator.process import HOST
from finks_local.wire import RESET_HEADER, Call, Reply, ServiceError

_START_SECONDS: Final = 20.0
_THREADS: Final = 32
_log = logging.getLogger(__name__)

Answer = Callable[[Call], Reply]


class EndpointServer:
    """Serves in a thread of its own until it is stopped.

    Args:
        services: What answers the calls, by the prefix of `X-Amz-Target`.
        port: A port on loopback; 0 takes a free one.
        health: What `/_finks/health` says.
        reset: What a POST to `/_finks/reset` does.
    """

    def __init__(
        self,
        services: Mapping[str, Answer],
        port: int,
        health: Callable[[], Mapping[str, object]],
        reset: Callable[[], None],
    ) -> None:
        # asyncio turns off Nagle's delay (40 ms an answer) only where the protocol is stated.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, port))
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(services, health, reset),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="finks-endpoint", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address, for `AWS_ENDPOINT_URL_ATHENA` and `AWS_ENDPOINT_URL_GLUE`."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Serve, and return once requests are answered.

        Raises:
            SourceUnavailableError: It did not start.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise SourceUnavailableError("The endpoint did not start.", where=self.url)
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()


def application(
    services: Mapping[str, Answer], health: Callable[[], Mapping[str, object]], reset: Callable[[], None]
) -> Starlette:
    """The ASGI application."""
    # Athena's threads wait for Glue's, so neither may use up the other's.
    threads = {name: CapacityLimiter(_THREADS) for name in services}

    async def serve(request: Request) -> Response:
        call = Call(request.method, request.url.path, dict(request.headers), await request.body())
        reply = await to_thread.run_sync(_answer, services, call, limiter=threads.get(call.service))
        return Response(reply.body, reply.status, dict(reply.headers))

    async def say_health(_: Request) -> Response:
        return JSONResponse(await to_thread.run_sync(health))

    async def empty(request: Request) -> Response:
        # A page in a browser cannot send this header to another origin without being asked first.
        if RESET_HEADER not in request.headers:
            return JSONResponse({"error": f"the header {RESET_HEADER} is missing"}, 403)
        await to_thread.run_sync(reset)
        return JSONResponse({})

    return Starlette(routes=[
        Route("/_finks/health", say_health),
        Route("/_finks/reset", empty, methods=["POST"]),
        Route("/", serve, methods=["POST"]),
    ])  # fmt: skip


def _answer(services: Mapping[str, Answer], call: Call) -> Reply:
    answer = services.get(call.service)
    try:
        if answer is None:
            named = call.headers.get("x-amz-target") or f"{call.method} {call.path}"
            raise ServiceError("UnknownOperationException", f"Only {' and '.join(services)} are served here: {named}")
        return answer(call)
    except ServiceError as error:
        return error.reply()
    except Exception as error:
        _log.exception("%s.%s", call.service, call.operation)
        return ServiceError("InternalServerException", f"{type(error).__name__}: {error}", status=500).reply()
