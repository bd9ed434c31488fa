"""Whose turn it is: how many slices of a run are under way at once, and in which order they start."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from finks.source.model import Slice


class Turns:
    """Lets `at_once` slices be under way, over any number of streams; whoever comes first in the plan starts first.

    Args:
        at_once: At least 1.
        order: The plan. A slice that is not in it comes last.
    """

    def __init__(self, at_once: int, order: Iterable[Slice] = ()) -> None:
        self._free = at_once
        self._ranks = {(item.stream, item.id): rank for rank, item in enumerate(order)}
        self._asked = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, slice: Slice) -> AsyncGenerator[None]:
        """Wait for the turn of a slice and hold it for the length of the block."""
        await self._take(self._ranks.get((slice.stream, slice.id), len(self._ranks)))
        try:
            yield
        finally:
            self._give()

    async def _take(self, rank: int) -> None:
        if self._free:
            self._free -= 1
            return
        self._asked += 1
        mine = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, self._asked, mine))
        try:
            await mine
        except asyncio.CancelledError:
            # The turn may have been given in the same moment.
            if mine.done() and not mine.cancelled():
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._free += 1


__all__ = ["Turns"]
