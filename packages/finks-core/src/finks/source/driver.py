"""Drives a source's generators, slice by slice or many at once."""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from finks.errors import ConfigurationError
from finks.redact import Redactor
from finks.source.budget import Budgets
from finks.source.call import Caller, StoppedError, Timing
from finks.source.model import Outcome, Page, Request, Response, Slice, Stream, Verdict
from finks.source.protocol import BaseSource
from finks.source.retry import Backoff
from finks.source.transport import Clock, Transport, Transports
from finks.source.turns import Turns

_GOES_ON = frozenset({Outcome.OK, Outcome.EMPTY, Outcome.UNCHANGED})

STOP_POLL_SECONDS = 0.2
GRACE_SECONDS = 5.0
"""How long calls under way may go on after a stop was asked for; then they are cancelled, unlanded."""

_Work = tuple[Stream, Slice]


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def never() -> bool:
    """A stop signal that is never given."""
    return False


class Driver:
    """Fetches slices of one source.

    Args:
        source: The plugin.
        redactor: Hides secrets in all that is returned; the source's secret headers are added to it.
        clock: The time, aware, in UTC.
        transport: Carries the calls; HTTP and files when None. The driver closes it.
        budgets: The vendor's budgets; made from `source.rates()` when None. Give the same ones to every
            driver of a source.
        backoff: The waits between attempts.
        monotonic: Seconds of a clock that never goes back.
        sleep: Waits that many seconds of the same clock.
        random: Draws from 0 (inclusive) to 1, for the jitter.

    Raises:
        ConfigurationError: A secret header cannot be sent as it is.
    """

    def __init__(
        self,
        source: BaseSource,
        *,
        redactor: Redactor | None = None,
        clock: Clock = utc_now,
        transport: Transport | None = None,
        budgets: Budgets | None = None,
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._source = source
        self._transport: Transport = transport or Transports(clock)
        self._monotonic = monotonic
        self._caller = Caller(
            source,
            redactor or Redactor(),
            self._transport,
            budgets or Budgets(source.rates(), clock, monotonic=monotonic, sleep=sleep),
            backoff or Backoff(),
            Timing(clock, monotonic, sleep, random),
        )

    def stopped(self, stream: Stream | str) -> Verdict | None:
        """The verdict that stopped a stream or the whole source; None while it goes on."""
        return self._caller.stopped(stream if isinstance(stream, str) else stream.name)

    async def fetch(self, stream: Stream, slice: Slice) -> list[Page]:
        """Fetch one slice.

        Returns:
            A page per response. The slice is whole when its last page's outcome is ok, empty or unchanged; a
            slice that was cut short ends in a failed page. Empty when the stream or the source was
            stopped before any call.

        Raises:
            InvariantError: The plugin's own code failed.
            FinksError: What the plugin raised on purpose.
        """
        pages: list[Page] = []
        seen: set[tuple[str, ...]] = set()
        with self._caller.plugin_code(stream, slice):
            steps = self._source.fetch(stream, slice)
        request = self._advance(steps, None, stream, slice)
        while request is not None:
            if _repeats(request, seen):
                return _cut_short(pages, "the vendor's paging goes in a circle")
            try:
                answer = await self._caller.call(stream, slice, request)
            except StoppedError:
                return _cut_short(pages, "stopped before its last page")
            pages.append(Page(slice, len(pages), answer.response, answer.verdict))
            if answer.verdict.outcome not in _GOES_ON:
                break
            request = self._advance(steps, answer.response, stream, slice)
        return pages

    async def fetch_many(
        self,
        work: Iterable[_Work],
        *,
        concurrency: int = 8,
        turns: Turns | None = None,
        stop: Callable[[], bool] = never,
    ) -> AsyncIterator[list[Page]]:
        """Fetch many slices and yield the pages of each as it completes, in no order.

        No more than `concurrency` slices are under way or wait for the consumer, so memory is bounded.

        Args:
            work: What to fetch; it is read only as slots become free.
            concurrency: At least 1.
            turns: Shared with other calls of this method: each slice waits for its turn.
            stop: Asked often. When it is true no slice is started, those under way have a few seconds
                to complete, and the iteration ends.

        Raises:
            ConfigurationError: `concurrency` is below 1.
        """
        if concurrency < 1:
            raise ConfigurationError("No call may be under way.", expected="concurrency >= 1", got=str(concurrency))
        turns = turns or Turns(concurrency)
        started = (self._in_turn(turns, *item, stop) for item in work)
        running: set[asyncio.Task[list[Page]]] = set()
        complete: deque[asyncio.Task[list[Page]]] = deque()
        stop_by: float | None = None
        try:
            while True:
                if stop_by is None and stop():
                    stop_by = self._monotonic() + GRACE_SECONDS
                if stop_by is None:
                    self._start(started, running, concurrency - len(complete))
                if complete:
                    yield complete.popleft().result()
                elif running and (stop_by is None or self._monotonic() < stop_by):
                    finished, running = await asyncio.wait(
                        running, timeout=STOP_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    complete.extend(finished)
                else:
                    return
        finally:
            await _cancel([*running, *complete])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _in_turn(self, turns: Turns, stream: Stream, slice: Slice, stop: Callable[[], bool]) -> list[Page]:
        async with turns.turn(slice):
            # It may have been asked for while this slice waited.
            return [] if stop() else await self.fetch(stream, slice)

    def _start(
        self,
        rest: Iterator[Coroutine[None, None, list[Page]]],
        running: set[asyncio.Task[list[Page]]],
        most: int,
    ) -> None:
        """Start slices until `most` are running or none is left."""
        while len(running) < most:
            following = next(rest, None)
            if following is None:
                return
            running.add(asyncio.create_task(following))

    def _advance(
        self, steps: Generator[Request, Response, None], response: Response | None, stream: Stream, slice: Slice
    ) -> Request | None:
        """The generator's next request; None when it has no more."""
        with self._caller.plugin_code(stream, slice):
            try:
                return _checked(next(steps) if response is None else steps.send(response))
            except StopIteration:
                return None


def _checked(request: object) -> Request:
    if not isinstance(request, Request):
        raise TypeError(f"fetch() yields {type(request).__name__}, not Request")
    return request


def _cut_short(pages: list[Page], reason: str) -> list[Page]:
    """The pages with the last one failed, so that the ledger does not take the slice for whole."""
    if pages:
        pages[-1] = replace(pages[-1], verdict=Verdict(Outcome.FAILED, reason=reason))
    return pages


def _repeats(request: Request, seen: set[tuple[str, ...]]) -> bool:
    """Whether this very request was made before in its slice; remembers it."""
    pairs = sorted(request.params.items())
    identity = (request.method, request.url, *(part for pair in pairs for part in pair))
    known = identity in seen
    seen.add(identity)
    return known


async def _cancel(tasks: list[asyncio.Task[list[Page]]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Driver", "never", "utc_now"]
