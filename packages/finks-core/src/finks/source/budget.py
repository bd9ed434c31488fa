"""The vendor's budget: a token bucket per endpoint class, shared by every call of a source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from finks.errors import ConfigurationError, QuotaExhaustedError
from finks.source.model import Rate
from finks.source.transport import Clock

DEFAULT_CLASS = "default"


def budget_name(endpoint_class: str, rates: Mapping[str, Rate]) -> str:
    """The name in `rates` of the budget that a class draws on."""
    return endpoint_class if endpoint_class in rates else DEFAULT_CLASS


@dataclass(slots=True)
class TokenBucket:
    """The arithmetic of one budget; no clock and no waiting of its own.

    In any span of `t` seconds at most `burst + calls / seconds * t` tokens are taken.

    Args:
        rate: The budget.
        now: The reading of a monotonic clock, in seconds; the same clock as in every later call.
    """

    rate: Rate
    now: float
    tokens: float = field(init=False)
    paused_until: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = float(self.rate.burst)
        self.paused_until = self.now

    def take(self, now: float) -> float:
        """Take a token if there is one.

        Returns:
            0 when it was taken, else the seconds after which to ask again.
        """
        if now < self.paused_until:
            return self.paused_until - now
        per_second = self.rate.calls / self.rate.seconds
        if now > self.now:
            self.tokens = min(float(self.rate.burst), self.tokens + (now - self.now) * per_second)
            self.now = now
        # What a float loses on the way must not cost a wait of a few femtoseconds.
        if self.tokens >= 1 - 1e-9:
            self.tokens = max(0.0, self.tokens - 1)
            return 0.0
        return (1 - self.tokens) / per_second

    def pause(self, until: float) -> None:
        """Give no token before `until`, and start again with a single one: the vendor asked for less."""
        if until > self.paused_until:
            self.paused_until = until
            self.tokens = min(self.tokens, 1.0)
            self.now = max(self.now, until)


class Budgets:
    """The budgets of one source, for all its concurrent calls. Waiting calls are served in their order.

    Args:
        rates: The budget per endpoint class; `default` serves the classes that are not listed.
        clock: The time, aware, in UTC: it tells when a day ends.
        spent_today: Calls already made today per endpoint class, as the ledger shows them.
        reserve: Calls of a day per endpoint class that are left to somebody else.
        monotonic: Seconds of a clock that never goes back.
        sleep: Waits that many seconds of the same clock.

    Raises:
        ConfigurationError: A rate could never give a token.
    """

    def __init__(
        self,
        rates: Mapping[str, Rate],
        clock: Clock,
        *,
        spent_today: Mapping[str, int] | None = None,
        reserve: Mapping[str, int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        for name, rate in rates.items():
            if rate.calls <= 0 or rate.seconds <= 0 or rate.burst < 1:
                raise ConfigurationError("A rate must allow calls.", where=f"rate {name!r}", got=str(rate))
        self._rates = dict(rates)
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._buckets = {name: TokenBucket(rate, monotonic()) for name, rate in rates.items()}
        self._queues: dict[str, asyncio.Lock] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._day = clock().date()
        self._spent: dict[str, int] = {}
        for name, count in (spent_today or {}).items():
            self._count(name, count)
        self._reserve: dict[str, int] = {}
        for name, count in (reserve or {}).items():
            self._reserve[self._name(name)] = self._reserve.get(self._name(name), 0) + count

    async def acquire(self, endpoint_class: str) -> None:
        """Wait for the right to make one call, and spend it.

        Raises:
            QuotaExhaustedError: The day's allowance is used up.
        """
        name = self._name(endpoint_class)
        bucket = self._buckets.get(name)
        if bucket is None:
            return
        async with self._queue(name):
            self._check_day(name)
            while (wait := bucket.take(self._monotonic())) > 0:
                await self._sleep(wait)
            self._count(name, 1)

    def pause(self, endpoint_class: str, seconds: float) -> None:
        """Let no call of this class out for so many seconds."""
        bucket = self._buckets.get(self._name(endpoint_class))
        if bucket is not None:
            bucket.pause(self._monotonic() + seconds)

    def rate(self, endpoint_class: str) -> Rate | None:
        """The budget that a class draws on; None when the source declares none."""
        return self._rates.get(self._name(endpoint_class))

    def spent(self, endpoint_class: str) -> int:
        """Calls made today, the ledger's included."""
        self._turn_day()
        return self._spent.get(self._name(endpoint_class), 0)

    def left(self, endpoint_class: str) -> int | None:
        """Calls that may still be made today, the reserve left out; None when a day has no limit."""
        self._turn_day()
        name = self._name(endpoint_class)
        allowed = self._rates[name].per_day if name in self._rates else None
        return None if allowed is None else max(0, allowed - self._reserve.get(name, 0) - self._spent.get(name, 0))

    def left_today(self) -> dict[str, int]:
        """The same for every budget whose day has a limit."""
        left = {name: self.left(name) for name in self._rates}
        return {name: count for name, count in left.items() if count is not None}

    def _name(self, endpoint_class: str) -> str:
        return budget_name(endpoint_class, self._rates)

    def _count(self, endpoint_class: str, calls: int) -> None:
        name = self._name(endpoint_class)
        self._spent[name] = self._spent.get(name, 0) + calls

    def _check_day(self, name: str) -> None:
        if self.left(name) == 0:
            kept = self._reserve.get(name, 0)
            raise QuotaExhaustedError(
                "The day's calls are used up, but for those that are left to the nightly run."
                if kept
                else "The day's calls are used up.",
                where=f"budget {name!r}",
                expected=f"at most {self._rates[name].per_day} calls a day"
                + (f", {kept} of them reserved" if kept else ""),
                hint="Run the same command again tomorrow; only what is missing is fetched.",
            )

    def _turn_day(self) -> None:
        today: date = self._clock().date()
        if today != self._day:
            self._day, self._spent = today, {}

    def _queue(self, name: str) -> asyncio.Lock:
        # A lock belongs to one event loop; a source's budget outlives the loops of a run's stages.
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._queues = loop, {}
        return self._queues.setdefault(name, asyncio.Lock())


__all__ = ["Budgets", "TokenBucket", "budget_name"]
