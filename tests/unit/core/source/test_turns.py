import asyncio
import contextlib

from finks.source import Slice
from finks.source.turns import Turns
from hypothesis import given
from hypothesis import strategies as st


def slices(count):
    return [Slice("prices", key=f"K{number}") for number in range(count)]


@given(st.permutations(range(12)))
def test_who_waits_starts_in_the_order_of_the_plan(arrival):
    plan = slices(12)
    started = []

    async def scenario():
        turns = Turns(1, plan)
        opened = asyncio.Event()

        async def hold():
            async with turns.turn(Slice("prices", key="first")):
                await opened.wait()

        async def take(number):
            async with turns.turn(plan[number]):
                started.append(number)

        holder = asyncio.create_task(hold())
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(take(number)) for number in arrival]
        await asyncio.sleep(0)
        opened.set()
        await asyncio.gather(holder, *waiting)

    asyncio.run(scenario())
    assert started == sorted(arrival)


@given(st.integers(1, 5), st.lists(st.sampled_from(["run", "fail", "cancel"]), max_size=25))
def test_no_more_than_so_many_are_under_way_and_no_turn_is_lost(at_once, fates):
    plan = slices(len(fates))
    under_way = 0
    most = 0

    async def scenario():
        nonlocal under_way, most
        turns = Turns(at_once, plan)

        async def take(number):
            nonlocal under_way, most
            async with turns.turn(plan[number]):
                under_way += 1
                most = max(most, under_way)
                try:
                    await asyncio.sleep(0)
                    if fates[number] == "fail":
                        raise ValueError
                finally:
                    under_way -= 1

        tasks = [asyncio.create_task(take(number)) for number in range(len(fates))]
        await asyncio.sleep(0)
        for fate, task in zip(fates, tasks, strict=True):
            if fate == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5), contextlib.AsyncExitStack() as stack:
            for item in slices(at_once):
                await stack.enter_async_context(turns.turn(item))

    asyncio.run(scenario())
    assert most <= at_once
