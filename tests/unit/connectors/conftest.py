"""What the connectors' tests share: a simulated vendor and a way to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from finks.source.http import HttpTransport
from finks.source.model import Limits, Request, Response
from finks_connectors.fmp.simulator import SimulatedFmp

Ask = Callable[..., Response]


@pytest.fixture
def vendor() -> Iterator[SimulatedFmp]:
    with SimulatedFmp(keys={"simulated": "ultimate", "free": "basic"}) as running:
        yield running


@pytest.fixture
def ask(vendor: SimulatedFmp) -> Ask:
    """Ask the vendor over HTTP: `ask("splits", symbol="AAPL")`; `key=` for another key than the good one."""

    def get(path: str, *, key: str = "simulated", **params: str) -> Response:
        names = {"first": "from", "last": "to"}
        request = Request(f"{vendor.url}/{path}", {names.get(name, name): value for name, value in params.items()})
        return fetch(request, {"apikey": key})

    return get


def fetch(request: Request, headers: dict[str, str]) -> Response:
    async def once() -> Response:
        transport = HttpTransport(lambda: datetime.now(UTC))
        try:
            return await transport.send(request, headers=headers, limits=Limits(), deadline=20)
        finally:
            await transport.aclose()

    return asyncio.run(once())
