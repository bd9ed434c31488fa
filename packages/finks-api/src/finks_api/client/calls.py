"""The client's calls: deadlines, waits, retries, the way from page to page."""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
from finks.errors import ConfigurationError, MalformedBodyError
from finks.redact import Redactor
from finks.source.http import HttpTransport
from finks.source.model import Limits, Request, Response
from finks.source.retry import Backoff
from pydantic import SecretStr

from finks_api.client.problems import error_of, is_worth_a_retry

ATTEMPTS: Final = 5
"""The most failures of one page."""

RUNNING: Final = 202

_BACKOFF: Final = Backoff(base=0.5, cap=8.0)
_LIMITS: Final = Limits()
Result = TypeVar("Result")


class Calls:
    """Makes calls and waits for their answers, in an event loop of its own.

    A loop in a thread of its own: a call then ends at its deadline whatever the other side does, and a notebook, which
    runs a loop itself, can call as well.

    Args:
        url: The address of the API.
        key: The key.
        deadline: Seconds for one call of a method here.

    Raises:
        ConfigurationError: The address or the key cannot be used.
    """

    def __init__(self, url: str, key: SecretStr, deadline: float) -> None:
        self._redactor = Redactor([key.get_secret_value()])
        self.url = self._redactor.redact(url.rstrip("/"))
        self._base = _usable(url.rstrip("/"), self.url)
        self._key = _sendable(key)
        self._deadline = deadline
        self._loop = asyncio.new_event_loop()
        self._transport = HttpTransport(_now)
        thread = Thread(target=self._loop.run_forever, name="finks-api-client", daemon=True)
        thread.start()
        self.close = weakref.finalize(self, _close, self._loop, self._transport, thread)
        """Closes the connections; done at the end of the program, too."""

    def one(self, path: str, parameters: Mapping[str, str]) -> Response:
        """The answer, of status 200.

        Raises:
            FinksError: There is none; see `error_of`.
        """
        return self._wait_for(self._answer(self._address(path, parameters), self._loop.time() + self._deadline))

    def pages(self, path: str, parameters: Mapping[str, str]) -> list[Response]:
        """All pages, each of status 200. Errors as `one`."""
        return self._wait_for(self._pages(self._address(path, parameters)))

    def _address(self, path: str, parameters: Mapping[str, str]) -> str:
        return f"{self._base}{path}?{urlencode(parameters)}" if parameters else self._base + path

    def _wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        if not self.close.alive:
            work.close()
            raise ConfigurationError("The client was closed.", where=self.url)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # of use when this thread was interrupted

    async def _pages(self, address: str) -> list[Response]:
        ends_at = self._loop.time() + self._deadline
        answers: list[Response] = []
        following: str | None = address
        while following is not None:
            answer = await self._answer(following, ends_at, first=not answers)
            answers.append(answer)
            links = httpx.Response(200, headers={"link": answer.headers.get("link", "")}).links
            following = self._followed(answer, links["next"]["url"]) if "next" in links else None
        return answers

    async def _answer(self, address: str, ends_at: float, *, first: bool = True) -> Response:
        failures = 0
        while True:
            answer = await self._send(address, ends_at)
            if answer.status == 200 and not answer.fault:
                return answer
            if answer.status == RUNNING and "location" in answer.headers:
                address = self._followed(answer, answer.headers["location"])
            elif is_worth_a_retry(answer) and failures < ATTEMPTS - 1:
                failures += 1
            else:
                raise error_of(answer, self._redactor, first=first)
            wait = _BACKOFF.wait(replace(answer, attempts=failures + 1), None, random.random, _now())
            if self._loop.time() + wait >= ends_at:
                raise error_of(answer, self._redactor, first=first)
            await asyncio.sleep(wait)

    async def _send(self, address: str, ends_at: float) -> Response:
        headers = {"x-api-key": self._key.get_secret_value()}
        left = max(0.0, ends_at - self._loop.time())
        return await self._transport.send(Request(address), headers=headers, limits=_LIMITS, deadline=left)

    def _followed(self, answer: Response, target: str) -> str:
        """Where an answer leads: the same route with another query, so that the key goes nowhere else."""
        address = urljoin(answer.request.url, target)
        if address.partition("?")[0] != answer.request.url.partition("?")[0]:
            raise MalformedBodyError(
                "An answer leads to another address than the one that was asked for.",
                where=self._redactor.redact(answer.request.url.partition("?")[0]),
                got=self._redactor.redact(address.partition("?")[0]),
            )
        return address


def _close(loop: asyncio.AbstractEventLoop, transport: HttpTransport, thread: Thread) -> None:
    asyncio.run_coroutine_threadsafe(transport.aclose(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _usable(url: str, shown: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            "The address of the API cannot be used.", where=shown, expected="https://host, with a path if it has one"
        )
    return url


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text and text.isascii() and text.isprintable() and text == text.strip()):
        raise ConfigurationError(
            "The key cannot be sent.",
            expected="printable ASCII without blanks or line breaks around it",
            hint="Copy the key again.",
        )
    return key
