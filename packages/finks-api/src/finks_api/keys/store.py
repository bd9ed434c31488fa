"""The keys of a document, looked up at every request and changed at will while the API serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final, Protocol

from finks.errors import ConfigurationError, FinksError

from finks_api.keys.model import KEY, Grant, KeyDocument, digest
from finks_api.keys.place import KeyPlace

FRESH: Final = timedelta(seconds=5)
"""How old what was read may be. So long does a revoked key still work."""

WAIT: Final = 1.0
"""The most seconds that a request waits for the document to be read again."""

_log = logging.getLogger("finks.api.keys")


class KeyStore(Protocol):
    """Knows the keys."""

    async def find(self, key: str) -> Grant | None:
        """What a key allows; None for a key that is not known, was revoked or has expired."""
        ...


class DocumentKeys:
    """The keys of a document, which is read again when it is older than `FRESH`.

    While it cannot be read, or is not valid, the last good one counts.

    Args:
        place: The document.
        clock: The time, aware, in UTC.

    Raises:
        ConfigurationError: There is no document, or it is not valid.
        FinksError: It cannot be read.
    """

    def __init__(self, place: KeyPlace, *, clock: Callable[[], datetime]) -> None:
        self._place = place
        self._clock = clock
        self._text: bytes | None = None
        self._grants: Mapping[bytes, Grant] = {}
        # A thread of its own: those of the queries may all be taken.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="finks-api-keys")
        self._reading: Future[None] | None = None
        self._read_at = clock()
        self._read()

    async def find(self, key: str) -> Grant | None:
        """See `KeyStore`."""
        now = self._clock()
        # A clock that was set back must not keep what is old.
        if not timedelta(0) <= now - self._read_at < FRESH:
            self._read_at = now
            await self._renew()
        if not KEY.fullmatch(key):
            return None
        grant = self._grants.get(digest(key))
        if grant is None or (grant.expires_at is not None and grant.expires_at <= now):
            return None
        return grant

    async def _renew(self) -> None:
        """Read again. This request alone waits for it, and not for long."""
        if self._reading is None or self._reading.done():
            self._reading = self._reader.submit(self._read_again)
            await asyncio.wait([asyncio.wrap_future(self._reading)], timeout=WAIT)

    def _read_again(self) -> None:
        try:
            self._read()
        except FinksError as error:
            _log.warning("The API's keys could not be read again; those read last still count: %s", error)
        except Exception:
            _log.exception("The API's keys could not be read again; those read last still count.")

    def _read(self) -> None:
        text = self._place.read()
        if text is None:
            raise ConfigurationError(
                "The API has no keys.", where=self._place.address, hint="`finks keys create --name …` makes the first."
            )
        if text != self._text:
            self._grants = KeyDocument.parse(text, self._place.address).grants()
            self._text = text
