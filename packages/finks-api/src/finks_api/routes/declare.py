"""How a route of records is declared: its answers in the document, and its place on the router."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from finks_api.problems import CATALOGUE, MEDIA_TYPE
from finks_api.records import Record

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:finks:problem:` and the slug."},
        "title": {"type": "string", "description": "The same for every problem of the type."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong with this request."},
    },
    "required": ["type", "title", "status", "detail"],
}

_COMMON: Final = (
    "unknown-parameter", "invalid-parameter", "invalid-key", "method-not-allowed", "body-not-allowed", "too-long",
    "rate-exceeded", "quota-exceeded", "internal", "unavailable", "query-failed", "busy", "too-much-data",
)  # fmt: skip
_HEADERS: Final = {
    "ETag": "By release, query and format; for If-None-Match.",
    "Finks-Release": "The Gold release that was read.",
    "Finks-Published-At": "When that was published (RFC 3339).",
    "Link": "The next page, with rel=next; absent on the last.",
}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


STILL_RUNNING: Final[Mapping[int | str, dict[str, Any]]] = {
    202: {
        "description": "The engine still runs the query. Ask at `Location` again after `Retry-After` seconds.",
        "content": {"application/json": {"schema": _reference("Running")}},
    },
}


def problems(*slugs: str, open_route: bool = False) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a route, by status.

    Args:
        slugs: Those that only this route has.
        open_route: Whether the route needs no key.
    """
    without = {"invalid-key", "rate-exceeded", "quota-exceeded"} if open_route else set[str]()
    found: dict[int | str, dict[str, Any]] = {}
    for slug in (*_COMMON, *slugs):
        if slug not in without:
            kind = CATALOGUE[slug]
            answer = found.setdefault(
                kind.status, {"description": "", "content": {MEDIA_TYPE: {"schema": _reference("Problem")}}}
            )
            answer["description"] = f"{answer['description']} `{slug}`: {kind.title}".strip()
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def records(record: Record, *slugs: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that answers a page of records."""
    lines = {"type": "string", "description": "One record a line."}
    content: Mapping[str, Any] = {
        "application/json": {"schema": _reference(f"{record.name}Page")},
        "text/csv": {"schema": {**lines, "description": "A line of names, then one line a record (RFC 4180)."}},
        "application/x-ndjson": {"schema": {**lines, "description": f"One {record.name} as JSON a line."}},
        "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
    }
    told = {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}
    return {
        200: {"description": f"A page of {record.dataset}.", "content": content, "headers": told},
        **STILL_RUNNING,
        304: {"description": "Nothing has changed since the answer with this ETag."},
        **problems("not-acceptable", "invalid-page", "forbidden-dataset", "nothing-published", "unknown-dataset",
                   "expired-version", *slugs),
    }  # fmt: skip


def page_schema(record: Record) -> dict[str, Any]:
    """The OpenAPI schema of a page of records as JSON."""
    instant = {"type": "string", "format": "date-time"}
    return {
        "type": "object",
        "title": f"{record.name}Page",
        "properties": {
            "release": {"type": "integer", "description": "The Gold release that was read."},
            "published_at": {**instant, "description": "When it was published."},
            "as_of": {**instant, "type": ["string", "null"], "description": "The knowledge time that was asked for."},
            "data": {"type": "array", "items": _reference(record.name)},
            "next": {"type": ["string", "null"], "description": "The token of the next page; null on the last."},
        },
        "required": ["release", "published_at", "as_of", "data", "next"],
        "additionalProperties": False,
    }
