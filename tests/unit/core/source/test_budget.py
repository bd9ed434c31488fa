"""The budget: never more than the rate allows, served in order, kept over event loops."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from finks.errors import ConfigurationError, QuotaExhaustedError
from finks.source import Rate
from finks.source.budget import Budgets, TokenBucket
from hypothesis import given, settings
from hypothesis import strategies as st

RATES = st.builds(Rate, calls=st.floats(0.1, 1000), seconds=st.floats(0.1, 600), burst=st.integers(1, 20))


@settings(max_examples=150, deadline=None)
@given(rate=RATES, steps=st.lists(st.floats(0, 30), min_size=1, max_size=60), pauses=st.sets(st.integers(0, 59)))
def test_no_span_of_time_sees_more_than_the_burst_and_the_rate(rate: Rate, steps: list[float], pauses: set[int]):
    bucket, now, taken = TokenBucket(rate, 0.0), 0.0, []
    for number, step in enumerate(steps):
        now += step
        if number in pauses:
            bucket.pause(now + step)
        while bucket.take(now) == 0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = rate.burst + (taken[last] - taken[first]) * rate.calls / rate.seconds
            assert last - first + 1 <= allowed + 1e-6


@settings(max_examples=150, deadline=None)
@given(rate=RATES, spent=st.integers(0, 25))
def test_the_wait_that_is_told_is_enough(rate: Rate, spent: int):
    bucket = TokenBucket(rate, 0.0)
    now = 0.0
    for _ in range(spent):
        now += bucket.take(now)
    wait = bucket.take(now)
    assert wait == 0 or bucket.take(now + wait) == 0


def test_after_a_pause_calls_start_again_one_at_a_time():
    bucket = TokenBucket(Rate(calls=1, seconds=1, burst=5), 0.0)
    bucket.pause(10.0)
    assert [bucket.take(9.0), bucket.take(10.0), bucket.take(10.0)] == [1.0, 0.0, 1.0]


def test_waiting_calls_are_served_in_their_order_and_at_the_rate(fake_time):
    budgets = Budgets({"default": Rate(calls=2, seconds=1, burst=1)}, **fake_time.timing())
    served: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        await budgets.acquire("default")
        served.append((number, fake_time.seconds))

    async def run() -> None:
        await asyncio.gather(*(call(number) for number in range(5)))

    asyncio.run(run())
    assert served == [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]


def test_a_wait_is_one_sleep(fake_time):
    budgets = Budgets({"default": Rate(calls=1, seconds=60, burst=1)}, **fake_time.timing())

    async def run() -> None:
        for _ in range(3):
            await budgets.acquire("default")

    asyncio.run(run())
    assert fake_time.sleeps == [60, 60]


def test_a_pause_holds_its_class_and_no_other(fake_time):
    rates = {"default": Rate(calls=60), "bulk": Rate(calls=60)}
    budgets = Budgets(rates, **fake_time.timing())
    budgets.pause("bulk", 30)

    async def run() -> list[float]:
        moments = []
        for name in ("prices", "bulk"):
            await budgets.acquire(name)
            moments.append(fake_time.seconds)
        return moments

    assert asyncio.run(run()) == [0, 30]


def test_the_day_counts_the_ledgers_calls_and_ends_at_midnight():
    now = datetime(2026, 1, 1, 23, tzinfo=UTC)
    budgets = Budgets({"default": Rate(calls=60, per_day=4)}, lambda: now, spent_today={"a": 2, "b": 1})

    async def one() -> None:
        await budgets.acquire("default")

    asyncio.run(one())
    assert budgets.spent("default") == 4
    with pytest.raises(QuotaExhaustedError):
        asyncio.run(one())
    now = datetime(2026, 1, 2, tzinfo=UTC)
    asyncio.run(one())
    assert budgets.spent("default") == 1


def test_what_is_reserved_is_not_given():
    now = datetime(2026, 1, 1, 23, tzinfo=UTC)
    rates = {"default": Rate(calls=60, per_day=4), "free": Rate(calls=60)}
    budgets = Budgets(rates, lambda: now, spent_today={"a": 1}, reserve={"b": 2})
    assert budgets.left_today() == {"default": 1}
    asyncio.run(budgets.acquire("default"))
    assert (budgets.left("a"), budgets.left("free")) == (0, None)
    with pytest.raises(QuotaExhaustedError, match="left to the nightly run"):
        asyncio.run(budgets.acquire("default"))


def test_a_budget_outlives_an_event_loop(fake_time):
    budgets = Budgets({"default": Rate(calls=1, seconds=1, burst=1)}, **fake_time.timing())

    async def run() -> None:
        await asyncio.gather(*(budgets.acquire("default") for _ in range(3)))

    asyncio.run(run())
    asyncio.run(run())
    assert fake_time.seconds == pytest.approx(5)


@pytest.mark.parametrize("rate", [Rate(calls=0), Rate(calls=1, seconds=0), Rate(calls=1, burst=0)])
def test_a_rate_that_never_gives_a_token_is_refused(fake_time, rate):
    with pytest.raises(ConfigurationError):
        Budgets({"default": rate}, fake_time.clock)
