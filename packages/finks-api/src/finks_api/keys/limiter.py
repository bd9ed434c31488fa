"""Rate and daily quota by key: a token bucket and a counter each. In the memory of one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from finks_api.keys.model import Plan

Refusal = Literal["rate-exceeded", "quota-exceeded"]

DAY: Final = 86_400
SWEEP: Final = 60.0
"""Seconds between two searches for keys that can be forgotten."""


@dataclass(slots=True)
class _Use:
    """How a key was used.

    Attributes:
        tokens: Requests that it may make at once, at `at`.
        at: Seconds since 1970.
        day: Days since 1970 (UTC).
        used: Requests on that day.
    """

    plan: Plan
    tokens: float
    at: float
    day: int
    used: int

    def advance(self, now: float) -> None:
        """Let time pass; a clock that was set back stands still."""
        if now > self.at:
            self.tokens = min(float(self.plan.burst), self.tokens + (now - self.at) * self.plan.rate)
            self.at = now
            if (day := int(now // DAY)) > self.day:
                self.day, self.used = day, 0

    @property
    def unused(self) -> bool:
        """Whether it is as one of a key that never came: to forget it changes nothing."""
        return self.tokens >= self.plan.burst and (not self.used or self.plan.daily_quota is None)


class Limiter:
    """Counts the requests of each key. A refused request costs nothing. Of one event loop.

    Args:
        clock: The time, aware.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._uses: dict[str, _Use] = {}
        self._swept = clock().timestamp()

    def __len__(self) -> int:
        """How many keys it remembers: those that were used today, or a moment ago where a plan has no quota."""
        return len(self._uses)

    def take(self, key_id: str, plan: Plan) -> Refusal | None:
        """Count a request, unless it is one too many; then why."""
        now = self._clock().timestamp()
        if now - self._swept >= SWEEP:
            self._sweep(now)
        use = self._uses.get(key_id)
        if use is None:
            use = self._uses[key_id] = _Use(plan, float(plan.burst), now, int(now // DAY), 0)
        else:
            use.advance(now)
            if use.plan is not plan:
                use.plan, use.tokens = plan, min(use.tokens, float(plan.burst))
        if use.tokens < 1:
            return "rate-exceeded"
        if plan.daily_quota is not None and use.used >= plan.daily_quota:
            return "quota-exceeded"
        use.tokens -= 1
        use.used += 1
        return None

    def _sweep(self, now: float) -> None:
        self._swept = now
        for use in self._uses.values():
            use.advance(now)
        self._uses = {key: use for key, use in self._uses.items() if not use.unused}
