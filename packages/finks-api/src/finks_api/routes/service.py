"""The service itself: whether it answers, and which release it serves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from finks_api.formats import instant_text
from finks_api.parameters import NoParameters
from finks_api.routes.declare import problems
from finks_api.versions import Versions, nothing_published

HEALTH = "/v1/health"

STATE: dict[str, Any] = {
    "type": "object",
    "title": "Version",
    "properties": {
        "release": {"type": "integer", "description": "The Gold release that is served."},
        "published_at": {"type": "string", "format": "date-time", "description": "When it was published."},
        "age_seconds": {"type": "integer", "description": "Seconds since then."},
        "version": {"type": "string", "description": "The version of finks-api."},
    },
    "required": ["release", "published_at", "age_seconds", "version"],
    "additionalProperties": False,
}
_ANSWER: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Version"}}}


def router(versions: Versions, clock: Callable[[], datetime]) -> APIRouter:
    """The routes about the service."""
    routes = APIRouter(prefix="/v1", tags=["Service"])

    async def state() -> Response:
        release = await versions.served()
        if release is None:
            raise nothing_published()
        answer = {
            "release": release.release_id,
            "published_at": instant_text(release.published_at),
            "age_seconds": max(0, int((clock() - release.published_at).total_seconds())),
            "version": version("finks-api"),
        }
        return Response(orjson.dumps(answer), media_type="application/json", headers={"cache-control": "no-store"})

    @routes.get(
        "/health",
        operation_id="getHealth",
        responses={
            200: {"description": "It serves.", "content": _ANSWER},
            **problems("nothing-published", open_route=True),
        },
        response_class=Response,
    )
    # Neither takes a thread of those in which queries run: it is answered while all of them wait.
    async def health(parameters: Annotated[NoParameters, Query()]) -> Response:
        """Whether a release is served and can be found; needs no key."""
        return await state()

    @routes.get(
        "/version",
        operation_id="getVersion",
        responses={200: {"description": "What is served.", "content": _ANSWER}, **problems("nothing-published")},
        response_class=Response,
    )
    async def serving(parameters: Annotated[NoParameters, Query()]) -> Response:
        """Which Gold release is served and how old it is."""
        return await state()

    return routes
