"""Everything that the API answers when it does not answer data: RFC 9457 problem documents, one catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:finks:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    Attributes:
        status: The HTTP status.
        title: What it is, the same for every occurrence.
        help: What the caller can do, for the documentation.
    """

    status: int
    title: str
    help: str


CATALOGUE: Final[Mapping[str, Kind]] = {
    "unknown-parameter": Kind(400, "There is no such parameter.", "Use the name that the detail suggests."),
    "invalid-parameter": Kind(400, "A parameter is wrong.", "Give what the detail says was expected."),
    "invalid-page": Kind(400, "This page token is not one of this query.", "Ask for the first page, without `page`."),
    "no-request": Kind(400, "This is not an HTTP request.", "Send what HTTP/1.1 allows."),
    "invalid-key": Kind(403, "No valid API key came with the request.", "Send a key in the header x-api-key."),
    "refused": Kind(403, "The request was refused.", "Send it as the documentation shows."),
    "forbidden-dataset": Kind(403, "The key may not read this dataset.", "Ask for a key with this dataset."),
    "forbidden-portfolio": Kind(403, "The key may not read this portfolio.", "Ask for a key with this portfolio."),
    "not-found": Kind(404, "There is nothing here.", "See the list of routes in the documentation."),
    "unknown-portfolio": Kind(404, "There is no such portfolio.", "/v1/portfolios lists them."),
    "unknown-security": Kind(404, "There is no such security.", "/v1/securities lists them."),
    "unknown-dataset": Kind(404, "There is no such dataset.", "/v1/datasets lists them."),
    "nothing-published": Kind(404, "Nothing was published by then.", "Ask for a later time, or for now."),
    "method-not-allowed": Kind(405, "This method is not allowed here.", "The API is read only: use GET or HEAD."),
    "not-acceptable": Kind(406, "There is no such format.", "Use one of those that the detail lists."),
    "request-timeout": Kind(408, "The request did not come to its end.", "Send it faster."),
    "expired-version": Kind(410, "This version is no longer kept.", "Ask without `as_of`, or for a later time."),
    "body-not-allowed": Kind(413, "A request must not have a body.", "Send parameters in the address."),
    "too-long": Kind(414, "The address of the request is too long.", "Path and query may have 4096 bytes together."),
    "headers-too-large": Kind(431, "The request's headers are too large.", "Send fewer of them."),
    "rate-exceeded": Kind(429, "Too many requests at once.", "Wait for the seconds in Retry-After."),
    "quota-exceeded": Kind(429, "The day's quota is used up.", "Wait for the seconds in Retry-After, or for tomorrow."),
    "internal": Kind(500, "The server made a mistake.", "Report it with the id in x-correlation-id."),
    "query-failed": Kind(502, "The query failed.", "Ask again; if it fails again, report it."),
    "busy": Kind(503, "Too many queries are under way.", "Wait for the seconds in Retry-After."),
    "unavailable": Kind(503, "The data cannot be read now.", "Wait for the seconds in Retry-After."),
    "too-much-data": Kind(422, "The query would read more than it may.", "Ask for a shorter range."),
}
"""Slug to kind. The problem's `type` is `urn:finks:problem:<slug>`."""

RETRY_AFTER: Final[Mapping[str, int]] = {"rate-exceeded": 1, "quota-exceeded": 3600, "busy": 5, "unavailable": 5}
"""Seconds in `Retry-After`; fixed, because API Gateway's own answers can only be fixed."""


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """An answer that is a problem document.

    Args:
        slug: Its kind in the catalogue.
        detail: What is wrong with this request. Nothing internal: callers read it.
    """

    def __init__(self, slug: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.slug = slug
        self.kind = CATALOGUE[slug]
        self.detail = detail
        self.members = members

    @classmethod
    def fixed(cls, slug: str) -> Problem:
        """The problem that says the same to everyone. API Gateway's own answers are these."""
        return cls(slug, CATALOGUE[slug].help)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.kind.status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, in small letters."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        if self.slug in RETRY_AFTER:
            headers["retry-after"] = str(RETRY_AFTER[self.slug])
        return headers

    def body(self) -> bytes:
        """The problem document."""
        return orjson.dumps(self.document())

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": TYPE + self.slug,
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
