"""Page tokens: opaque, signed, bound to one key, one query and one release.

A token says nothing that changes from one call to the next, so equal answers have equal bytes. It is good for as long
as its release is kept.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import orjson
import pyarrow as pa

from finks_api.problems import Problem
from finks_api.query import Value

LONGEST_PAGE: Final = 5000
"""The most rows of one page."""

_SIGNATURE_BYTES: Final = 16
_AGAIN: Final = "Ask for the first page, without `page`."


@dataclass(frozen=True, slots=True)
class Page:
    """Where an answer goes on.

    Attributes:
        release_id: The release that every page reads.
        after: The key of the last row before; None for the first page.
    """

    release_id: int
    after: tuple[Value, ...] | None


class PageTokens:
    """Makes and opens tokens.

    Args:
        secret: Signs them.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, page: Page, *, key_id: str, query: bytes) -> str:
        """The token of a page.

        Args:
            page: Where to go on.
            key_id: Whose it is.
            query: The canonical text of the query that it belongs to.
        """
        after = None if page.after is None else [_plain(value) for value in page.after]
        body = orjson.dumps([page.release_id, after])
        return self._text(body, key_id, query)

    def open(self, token: str, *, key_id: str, query: bytes, key: Sequence[pa.DataType]) -> Page:
        """The page of a token.

        Args:
            token: What the caller sent.
            key_id, query: See `make`.
            key: The types of the columns of the key.

        Raises:
            Problem: `invalid-page`: it is not a token of this key and this query.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Problem("invalid-page", _AGAIN) from None
        body = raw[_SIGNATURE_BYTES:]
        # The whole text is compared: several texts stand for the same bytes.
        if not hmac.compare_digest(token.encode(), self._text(body, key_id, query).encode()):
            raise Problem("invalid-page", _AGAIN)
        release_id, after = orjson.loads(body)
        values = None if after is None else tuple(_typed(value, kind) for value, kind in zip(after, key, strict=True))
        return Page(release_id, values)

    def _text(self, body: bytes, key_id: str, query: bytes) -> str:
        return base64.urlsafe_b64encode(self._sign(body, key_id, query) + body).decode().rstrip("=")

    def _sign(self, body: bytes, key_id: str, query: bytes) -> bytes:
        # Lengths keep the parts apart: no two different triples give the same bytes.
        parts = b"".join(len(part).to_bytes(4) + part for part in (key_id.encode(), query, body))
        return hmac.digest(self._secret, parts, sha256)[:_SIGNATURE_BYTES]


def _plain(value: Value) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _typed(value: Any, kind: pa.DataType) -> Value:
    return date.fromisoformat(value) if pa.types.is_date(kind) else value
