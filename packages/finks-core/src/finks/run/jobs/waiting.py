"""Blocking work of a coroutine, which a cancellation ends too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from finks.errors import FinksError
from finks.run.events import StopRequested

T = TypeVar("T")


async def in_thread(work: Callable[[StopRequested], T], stop: StopRequested) -> T:
    """Run work in a thread. A cancelled caller does not leave it behind: it is asked to stop, and waited for.

    Args:
        work: Is given what says whether to stop.
        stop: Whether the run was asked to stop.
    """
    cancelled = threading.Event()
    thread = asyncio.ensure_future(asyncio.to_thread(work, lambda: cancelled.is_set() or stop()))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        cancelled.set()
        with suppress(FinksError):
            await thread
        raise
