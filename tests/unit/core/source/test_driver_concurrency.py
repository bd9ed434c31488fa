"""Many slices at once: bounded, in step with the consumer, stopped cleanly."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from finks.errors import ConfigurationError, InvariantError
from finks.source import Slice
from finks.source.driver import Driver
from finks.testing import replies

GOOD = replies.json_text('[{"name": "a"}]')


def work(source, count: int):
    return [(source.streams()[0], Slice("things", str(number))) for number in range(count)]


def test_every_slice_is_fetched_once_over_few_connections(server, make_api):
    server.route("/things", GOOD)
    source = make_api()

    async def run() -> list[str]:
        driver = Driver(source)
        keys = [pages[0].slice.key async for pages in driver.fetch_many(work(source, 60), concurrency=4)]
        await driver.aclose()
        return keys

    assert sorted(map(int, asyncio.run(run()))) == list(range(60))
    assert len(server.requests) == 60
    assert server.connections <= 4


def test_no_more_calls_than_allowed_are_under_way(server, make_api):
    under_way, most, lock = 0, 0, threading.Lock()
    source = make_api()
    server.route("/things", replies.delayed(GOOD, 0.02))

    def steps(stream, slice):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        yield source.request(stream, slice)
        under_way -= 1

    async def run() -> None:
        driver = Driver(make_api(steps=steps))
        async for _ in driver.fetch_many(work(source, 20), concurrency=3):
            pass
        await driver.aclose()

    asyncio.run(run())
    assert most == 3


def test_fetching_does_not_run_ahead_of_a_slow_consumer(server, make_api):
    server.route("/things", GOOD)
    source = make_api()

    async def run() -> None:
        driver = Driver(source)
        taken = 0
        async for _ in driver.fetch_many(work(source, 30), concurrency=3):
            taken += 1
            await asyncio.sleep(0.02)
            assert len(server.requests) <= taken + 3
        await driver.aclose()

    asyncio.run(run())


def test_a_stop_starts_no_further_slice_and_delivers_those_under_way(server, make_api):
    server.route("/things", replies.delayed(GOOD, 0.05))
    source = make_api()
    stop = asyncio.Event()

    async def run() -> int:
        driver = Driver(source)
        delivered = 0
        async for _ in driver.fetch_many(work(source, 50), concurrency=4, stop=stop.is_set):
            delivered += 1
            stop.set()
        await driver.aclose()
        return delivered

    assert asyncio.run(run()) == len(server.requests) <= 8


def test_a_stop_does_not_wait_for_a_call_that_hangs(server, make_api, fake_time):
    server.route("/things", replies.delayed(GOOD, 60))
    source = make_api()

    async def run() -> int:
        driver = Driver(source, monotonic=lambda: time.monotonic() * 100)
        delivered = 0
        async for _ in driver.fetch_many(work(source, 5), concurrency=2, stop=lambda: bool(server.requests)):
            delivered += 1
        await driver.aclose()
        return delivered

    began = time.monotonic()
    assert asyncio.run(run()) == 0
    assert time.monotonic() - began < 3


def test_a_failing_plugin_ends_the_iteration_and_leaves_no_task(server, make_api):
    def steps(stream, slice):
        if slice.key == "3":
            raise KeyError(slice.key)
        yield source.request(stream, slice)

    source = make_api()
    broken = make_api(steps=steps)
    server.route("/things", replies.delayed(GOOD, 0.05))

    async def run() -> int:
        driver = Driver(broken)
        with pytest.raises(InvariantError):
            async for _ in driver.fetch_many(work(broken, 20), concurrency=4):
                pass
        await driver.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_a_concurrency_of_zero_is_refused(make_api):
    async def run() -> None:
        async for _ in Driver(make_api()).fetch_many([], concurrency=0):
            pass

    with pytest.raises(ConfigurationError):
        asyncio.run(run())
