"""The simulated vendor on the network: a real HTTP server on this machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import TracebackType

from finks.loopback import LoopbackServer
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from finks_connectors.fmp.simulator.answers import Answer
from finks_connectors.fmp.simulator.plans import Plan
from finks_connectors.fmp.simulator.vendor import Call, Vendor

_PREFIX = "/stable/"


class SimulatedFmp:
    """Financial Modeling Prep without key or network, for demonstrations and tests.

    Use it as a context manager: it serves in a thread until the block ends.

    Args:
        today: The vendor's day; rows after it are not served. The prices end on 2013-03-01.
        keys: API key to plan.
        host, port: Where to listen; port 0 takes a free one.
        per_minute, per_day: Call limits instead of the plans'.

    Raises:
        MissingExtraError: The packages that carry the data are not installed.
    """

    def __init__(
        self,
        *,
        today: date = date(2013, 3, 1),
        keys: Mapping[str, Plan] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        per_minute: int | None = None,
        per_day: int | None = None,
    ) -> None:
        self._vendor = Vendor(today, dict(keys or {"simulated": "ultimate"}), per_minute, per_day)
        self._server = LoopbackServer(application(self._vendor), "The simulated vendor", host=host, port=port)

    @property
    def url(self) -> str:
        """The address of the `stable` API, for `base_url`."""
        return f"{self._server.url}/stable"

    @property
    def today(self) -> date:
        """The vendor's day."""
        return self._vendor.today

    @today.setter
    def today(self, day: date) -> None:
        self._vendor.set_today(day)

    @property
    def calls(self) -> list[Call]:
        """The requests so far, oldest first."""
        return list(self._vendor.calls)

    def count(self, path: str | None = None, symbol: str | None = None) -> int:
        """How many requests came, all or for a path or a symbol."""
        return self._vendor.count(path, symbol)

    def restate(self, symbol: str, session: str | date, name: str, value: str | Decimal) -> None:
        """From now on a number of a session is another one: `restate("AAPL", "2013-02-28", "close", "444")`."""
        self._vendor.restate(symbol, _day(session), name, Decimal(value))

    def remove(self, symbol: str, session: str | date) -> None:
        """From now on a session is missing."""
        self._vendor.remove(symbol, _day(session))

    def add_split(self, symbol: str, ex_date: str | date, numerator: int, denominator: int = 1) -> None:
        """From now on a split is known, and the adjusted series are restated by it."""
        self._vendor.add_split(symbol, _day(ex_date), numerator, denominator)

    def remove_split(self, symbol: str, ex_date: str | date) -> None:
        """From now on that split was never one."""
        self._vendor.remove_split(symbol, _day(ex_date))

    def add_dividend(self, symbol: str, ex_date: str | date, amount: str | Decimal) -> None:
        """From now on a dividend is known."""
        self._vendor.add_dividend(symbol, _day(ex_date), Decimal(amount))

    def restrict(self, *names: str) -> None:
        """From now on these paths or symbols are in no plan (402)."""
        self._vendor.restrict(*names)

    def allow(self, *names: str) -> None:
        """Undo `restrict`."""
        self._vendor.allow(*names)

    def fail(self, fault: str, times: int = 1, *, path: str | None = None, symbol: str | None = None) -> None:
        """Break the next answers: `fail("bad_gateway", 2)`. The names are those of `answers.FAULTS`."""
        self._vendor.fail(fault, times, path=path, symbol=symbol)

    def start(self) -> None:
        """Serve, and return once requests are answered."""
        self._server.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def wait(self) -> None:
        """Serve until interrupted."""
        with suppress(KeyboardInterrupt):
            while self._server.alive:
                time.sleep(0.5)

    def __enter__(self) -> SimulatedFmp:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def application(vendor: Vendor) -> ASGIApp:
    """The ASGI application that puts a vendor's answers on the wire."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        params = dict(request.query_params)
        key = request.headers.get("apikey") or params.get("apikey", "")
        params.pop("apikey", None)
        path = request.url.path
        answer = vendor.answer(path.removeprefix(_PREFIX), params, key)
        await _response(answer, "gzip" in request.headers.get("accept-encoding", ""))(scope, receive, send)

    return serve


def _response(answer: Answer, compressed: bool) -> Response:
    """The vendor's headers; chunked, so without a length, as its recorded answers are."""
    headers = {
        "content-type": answer.content_type,
        "etag": _entity_tag(answer.body),
        "server": "nginx/1.18.0",
        "x-powered-by": "Express",
        "vary": "Accept-Encoding",
    }
    body = answer.body
    if compressed and len(body) > 1000:
        body = _compressed(body)
        headers["content-encoding"] = "gzip"
    response = Response(body, answer.status, headers)
    if body:
        del response.headers["content-length"]
    return response


@lru_cache(maxsize=64)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


@lru_cache(maxsize=64)
def _entity_tag(body: bytes) -> str:
    """A weak tag of length and SHA-1, as all recorded answers carry it."""
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    return f'W/"{len(body):x}-{digest[:27]}"'


def _day(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
