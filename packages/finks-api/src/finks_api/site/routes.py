"""The routes of the documentation; they need no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from finks_api.site.page import page

PAGE: Final = "/docs"
STYLE: Final = "/docs/style.css"
DOCUMENT: Final = "/openapi.json"
OPEN_PATHS: Final = frozenset({"/", PAGE, STYLE, DOCUMENT})
"""All of them."""

_HEADERS: Final = {
    # The page has one style sheet, and nothing else that a browser may load or run.
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def router(document: Callable[[], Mapping[str, Any]]) -> APIRouter:
    """The page of a document, its style and the document itself. They are made at the first request, once."""
    routes = APIRouter(include_in_schema=False)

    @cache
    def raw() -> bytes:
        return orjson.dumps(document())

    @cache
    def shown() -> bytes:
        return page(document(), style=STYLE, source=DOCUMENT).encode()

    @routes.get("/")
    def home() -> Response:
        return RedirectResponse(PAGE)

    @routes.get(PAGE)
    def docs() -> Response:
        return Response(shown(), media_type="text/html", headers=_HEADERS)

    @routes.get(STYLE)
    def stylesheet() -> Response:
        return Response(Path(__file__).with_name("style.css").read_bytes(), media_type="text/css", headers=_HEADERS)

    @routes.get(DOCUMENT)
    def described() -> Response:
        return Response(raw(), media_type="application/json", headers=_HEADERS)

    return routes
