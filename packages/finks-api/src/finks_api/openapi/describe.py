"""Both documents as they are checked in, made without a lake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
import pyarrow as pa
from finks.lake.releases import Release

from finks_api.app import create_routes, utc_now
from finks_api.backends.protocol import SilverFacts
from finks_api.openapi.gateway import gateway_document
from finks_api.problems import Problem
from finks_api.query import Read
from finks_api.settings import ApiSettings
from finks_api.versions import Versions

API_FILE: Final = "openapi.json"
GATEWAY_FILE: Final = "gateway.json"


class NothingPublished:
    """The back end of a lake without a release: the document needs no more."""

    def releases(self) -> Sequence[Release]:
        """None."""
        return ()

    def rows(self, read: Read, release: Release) -> pa.Table:
        """See `Backend`."""
        raise Problem.fixed("unavailable")

    def datasets(self, release: Release) -> Sequence[SilverFacts]:
        """See `Backend`."""
        raise Problem.fixed("unavailable")


def api_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    backend, settings = NothingPublished(), ApiSettings()
    return create_routes(backend, Versions(backend, settings.refresh), settings, utc_now).openapi()


def documents() -> dict[str, bytes]:
    """File name to content."""
    document = api_document()
    return {API_FILE: _text(document), GATEWAY_FILE: _text(gateway_document(document))}


def _text(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
