"""What each plan allows: calls per minute and day, endpoints, symbols, parameters."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Plan = Literal["basic", "starter", "premium", "ultimate"]

_RANKS: dict[Plan, int] = {"basic": 0, "starter": 1, "premium": 2, "ultimate": 3}

# Endpoints that are refused below a plan (fmpsdk's tiers, live 2026-08). Above it they are not simulated: 404.
_REQUIRED_PLAN: dict[str, Plan] = {
    "batch-quote": "starter",
    "company-screener": "starter",
    "stock-list": "starter",
    "eod-bulk": "ultimate",
    "etf/holdings": "ultimate",
    "profile-bulk": "ultimate",
}

_FREE_STATEMENTS = 5

_PER_MINUTE: dict[Plan, int] = {"basic": 300, "starter": 300, "premium": 750, "ultimate": 3000}
_PER_DAY: dict[Plan, int | None] = {"basic": 250, "starter": None, "premium": None, "ultimate": None}


def includes_endpoint(plan: Plan, path: str) -> bool:
    """Whether the plan answers on this path."""
    return _RANKS[plan] >= _RANKS[_REQUIRED_PLAN.get(path, "basic")]


def includes_symbol(plan: Plan, symbol: str) -> bool:
    """Whether the plan answers for this symbol: the free one has no securities of other countries."""
    return plan != "basic" or "." not in symbol


def refused_parameter(plan: Plan, path: str, params: Mapping[str, str]) -> str | None:
    """The parameter whose value the plan lacks: the free one has five statements at most, and no quarters."""
    if plan != "basic" or path != "income-statement":
        return None
    if params.get("period", "annual") not in {"annual", "FY"}:
        return "period"
    limit = params.get("limit", "")
    return "limit" if limit.isdigit() and int(limit) > _FREE_STATEMENTS else None


def earliest_day(plan: Plan, today: date) -> date:
    """The first day whose prices the plan shows: the free one goes back five years."""
    return today - timedelta(days=5 * 365) if plan == "basic" else date.min


@dataclass(slots=True)
class Allowance:
    """The calls left to one key.

    Args:
        plan: Its plan.
        now: Seconds on a steady clock.
        per_minute: Calls per minute instead of the plan's.
        per_day: Calls per day instead of the plan's.
    """

    plan: Plan
    now: Callable[[], float]
    per_minute: int | None = None
    per_day: int | None = None
    _recent: deque[float] = field(default_factory=deque[float])
    _day: date = date.min
    _used: int = 0

    def take(self, today: date) -> bool:
        """Count one call; False when it is over the minute's or the day's limit."""
        if today != self._day:
            self._day, self._used = today, 0
        moment = self.now()
        while self._recent and self._recent[0] <= moment - 60:
            self._recent.popleft()
        daily = self.per_day if self.per_day is not None else _PER_DAY[self.plan]
        minutely = self.per_minute if self.per_minute is not None else _PER_MINUTE[self.plan]
        if len(self._recent) >= minutely or (daily is not None and self._used >= daily):
            return False
        self._recent.append(moment)
        self._used += 1
        return True
