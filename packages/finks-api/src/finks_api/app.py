"""The app: routes over a back end, behind the key, with finished answers kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from finks_api.access import Access
from finks_api.answers import Answers
from finks_api.backends.protocol import Backend, StillRunning
from finks_api.keys.limiter import Limiter
from finks_api.keys.store import KeyStore
from finks_api.openapi.document import document
from finks_api.paging import PageTokens
from finks_api.parameters import UNKNOWN
from finks_api.problems import Problem
from finks_api.reading import Reader, running
from finks_api.routes import datasets, portfolios, securities, service
from finks_api.settings import ApiSettings
from finks_api.site import routes as site
from finks_api.versions import Versions

_SLUGS: Final = {404: "not-found", 405: "method-not-allowed"}


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def create_app(
    backend: Backend,
    keys: KeyStore,
    settings: ApiSettings,
    *,
    limiter: Limiter | None,
    clock: Callable[[], datetime] = utc_now,
) -> ASGIApp:
    """The whole service as an ASGI application.

    Args:
        backend: Where rows come from.
        keys: The keys.
        settings: The section `[api]`.
        limiter: Enforces the keys' plans; None where somebody in front does.
        clock: The time, aware.
    """
    versions = Versions(backend, settings.refresh)
    routes = create_routes(backend, versions, settings, clock)
    answers = Answers(routes, versions.current_id, limit_bytes=settings.cache_bytes)
    return Access(answers, keys, open_paths={service.HEALTH, *site.OPEN_PATHS}, limiter=limiter, clock=clock)


def create_routes(
    backend: Backend, versions: Versions, settings: ApiSettings, clock: Callable[[], datetime]
) -> FastAPI:
    """The routes alone, for those who have let the request in."""
    secret = settings.secret.get_secret_value().encode() if settings.secret is not None else secrets.token_bytes(32)
    tables = settings.tables.model_dump()
    reader = Reader(backend, versions, PageTokens(secret), tables, clock)
    app = FastAPI(
        version=version("finks-api"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_once)],
    )
    app.include_router(portfolios.router(reader))
    app.include_router(securities.router(reader))
    app.include_router(datasets.router(reader, backend, tables))
    app.include_router(service.router(versions, clock))
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(StillRunning, _still_running)
    app.add_exception_handler(Exception, _failed)
    app.openapi = lambda: document(app)
    app.include_router(site.router(app.openapi))
    return app


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return Response(error.body(), error.status, error.headers)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, Problem.fixed(_SLUGS.get(error.status_code, "internal")))


def _failed(request: Request, error: Exception) -> Response:
    # It is raised again after this, so that it gets into the log.
    return _problem(request, Problem.fixed("internal"))


def _still_running(request: Request, error: Exception) -> Response:
    return running(f"?{request.url.query}")


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == UNKNOWN:
        return _problem(request, Problem("unknown-parameter", first["msg"]))
    text = str(first["msg"]).removeprefix("Value error, ")
    return _problem(request, Problem("invalid-parameter", f"{first['loc'][-1]}: {text[:1].lower()}{text[1:]}."))


async def _once(request: Request) -> None:
    """Refuse a parameter that comes twice: one of the two would be ignored."""
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) < len(names):
        raise Problem("invalid-parameter", "Give each parameter once.")
