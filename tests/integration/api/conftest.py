from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from finks.lake import Lake
from finks.loopback import LoopbackServer
from finks_api.app import create_app
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.keys.edit import add_key, set_plan
from finks_api.keys.limiter import Limiter
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.settings import ApiSettings
from starlette.types import ASGIApp

from tests.integration.api.small_lake import SmallLake

SECRET = "a secret of forty characters, for the tests"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def small(tmp_path) -> SmallLake:
    """A lake with one release, number 1."""
    made = SmallLake(Lake.open(tmp_path / "lake", create=True))
    made.fill()
    made.publish(Decimal("1234.5600000001"))
    return made


@pytest.fixture
def key_file(tmp_path) -> Path:
    return tmp_path / "api-keys.json"


@pytest.fixture
def new_key(key_file) -> Callable[..., str]:
    """Makes keys that may ask without end."""
    place = key_place(key_file)
    set_plan(place, "fast", rate=10_000, burst=5_000, daily_quota=None)
    return lambda **what: add_key(place, name="a test", now=now(), plan="fast", **what)[0]


@pytest.fixture
def make_app(small, key_file) -> Callable[..., ASGIApp]:
    """Makes the app of the small lake. It knows the keys that there are by then."""
    return lambda **settings: create_app(
        DuckDbBackend(small.lake),
        DocumentKeys(key_place(key_file), clock=now),
        ApiSettings(**{"refresh": 0, "secret": SECRET, **settings}),
        limiter=Limiter(clock=now),
    )


@pytest.fixture
def serve(make_app, new_key) -> Iterator[Callable[..., httpx.Client]]:
    """Serves the small lake on loopback; gives clients with a key."""
    key = new_key()
    opened = ExitStack()

    def start(app: ASGIApp | None = None, **settings) -> httpx.Client:
        server = LoopbackServer(app or make_app(**settings), "the API")
        server.start()
        opened.callback(server.stop)
        return opened.enter_context(httpx.Client(base_url=server.url, headers={"x-api-key": key}, timeout=30))

    with opened:
        yield start
