"""The endpoint's HTTP server: Athena and the Glue gateway on one loopback port, told apart by `X-Amz-Target`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from finks_local.wire import RESET_HEADER, Call, Reply, ServiceError

_START_SECONDS: Final = 20.0
_THREADS: Final = 32
_log = logging.getLogger(__name__)

Answer = Callable[[Call], Reply]


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
