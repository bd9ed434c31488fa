"""A minimal source, a driver around it and a server to call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from finks.contract import Contract, key
from finks.source import BaseSource, Limits, Page, Rate, Request, Response, Slice, Snapshot, Stream, Verdict
from finks.source.driver import Driver
from finks.source.retry import Backoff
from finks.testing import FaultServer


class Thing(Contract):
    """One record of the tests' source."""

    name: str = key()


class FakeTime:
    """A clock that only `sleep` moves, and that remembers every sleep."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def timing(self) -> dict[str, object]:
        """The driver's time arguments."""
        return {"clock": self.clock, "monotonic": self.monotonic, "sleep": self.sleep}


class Api(BaseSource):
    """One stream `things` at `/things`, with a secret header and a generous budget."""

    name = "api"

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        limits: Limits,
        rate: Rate,
        steps: Callable[[Stream, Slice], Generator[Request, Response, None]] | None,
        judge: Callable[[Response], Verdict] | None,
    ) -> None:
        super().__init__()
        self.base_url = url
        self._secret, self._limits, self._rate, self._steps, self._judge = secret, limits, rate, steps, judge

    def streams(self) -> list[Stream]:
        return [Stream("things", Thing, "things", Snapshot())]

    def request(self, stream: Stream, slice: Slice) -> Request:
        return Request(f"{self.base_url}/{stream.path}", {"key": slice.key} if slice.key else {})

    def fetch(self, stream: Stream, slice: Slice) -> Generator[Request, Response, None]:
        return self._steps(stream, slice) if self._steps else super().fetch(stream, slice)

    def classify(self, stream: Stream, slice: Slice, response: Response) -> Verdict:
        return self._judge(response) if self._judge else super().classify(stream, slice, response)

    def secret_headers(self) -> Mapping[str, str]:
        return {"apikey": self._secret}

    def rates(self) -> Mapping[str, Rate]:
        return {"default": self._rate}

    def limits(self) -> Limits:
        return self._limits


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def canary() -> str:
    """A secret that has to be found nowhere; its characters change under percent-encoding."""
    return "canary+key/0123456789"


@pytest.fixture
def make_api(server: FaultServer, canary: str) -> Callable[..., Api]:
    """Make a source on the server; every argument has a default."""

    def make(url: str = "", *, limits=None, rate=None, steps=None, judge=None) -> Api:
        limits, rate = limits or Limits(), rate or Rate(calls=1_000_000, burst=1000)
        return Api(url or server.url, canary, limits=limits, rate=rate, steps=steps, judge=judge)

    return make


@pytest.fixture
def fetch() -> Callable[..., list[Page]]:
    """Fetch one slice of the source's stream, with very short waits between attempts unless a driver is given."""

    def run(source: BaseSource, driver: Driver | None = None, key: str = "") -> list[Page]:
        used = driver or Driver(source, backoff=Backoff(base=0.001, throttled_share=0.00001))

        async def once() -> list[Page]:
            try:
                return await used.fetch(source.streams()[0], Slice("things", key))
            finally:
                await used.aclose()

        return asyncio.run(once())

    return run
