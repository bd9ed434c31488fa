"""Page tokens: opaque, signed, bound to one key, one query and one release, good for a time."""

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

_SIGNATURE_BYTES: Final = 16
LONGEST: Final = 2048
"""A token is never longer than this."""

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
        lifetime: Seconds for which a token is good.
    """

    def __init__(self, secret: bytes, lifetime: float) -> None:
        self._secret = secret
        self._lifetime = lifetime

    def make(self, page: Page, *, key_id: str, query: str, now: datetime) -> str:
        """The token of a page.

        Args:
            page: Where to go on.
            key_id: Whose it is.
            query: The canonical text of the query that it belongs to.
            now: The time, aware.
        """
        after = None if page.after is None else [_plain(value) for value in page.after]
        body = orjson.dumps([page.release_id, after, int(now.timestamp() + self._lifetime)])
        return base64.urlsafe_b64encode(self._sign(body, key_id, query) + body).decode().rstrip("=")

    def open(self, token: str, *, key_id: str, query: str, key: Sequence[pa.DataType], now: datetime) -> Page:
        """The page of a token.

        Args:
            token: What the caller sent.
            key_id, query, now: See `make`.
            key: The types of the columns of the key.

        Raises:
            Problem: `invalid-page`: it is not a token of this key and this query; `expired-page`: it was.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Problem("invalid-page", _AGAIN) from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body, key_id, query)):
            raise Problem("invalid-page", _AGAIN)
        release_id, after, expires = orjson.loads(body)
        if now.timestamp() > expires:
            raise Problem("expired-page", _AGAIN)
        values = None if after is None else tuple(_typed(value, kind) for value, kind in zip(after, key, strict=True))
        return Page(release_id, values)

    def _sign(self, body: bytes, key_id: str, query: str) -> bytes:
        # Lengths keep the parts apart: no two different triples give the same bytes.
        parts = b"".join(len(part).to_bytes(4) + part for part in (key_id.encode(), query.encode(), body))
        return hmac.digest(self._secret, parts, sha256)[:_SIGNATURE_BYTES]


def _plain(value: Value) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _typed(value: Any, kind: pa.DataType) -> Value:
    return date.fromisoformat(value) if pa.types.is_date(kind) else value
