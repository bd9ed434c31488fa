"""The simulated vendor without its network: a request in, an answer out; and the hooks that change its mind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from threading import Lock

from finks.errors import ConfigurationError

from finks_connectors.fmp.simulator import answers
from finks_connectors.fmp.simulator.answers import FAULTS, Answer, Fault
from finks_connectors.fmp.simulator.currency import pair_history
from finks_connectors.fmp.simulator.endpoints import ENDPOINTS
from finks_connectors.fmp.simulator.market import DividendFact, History, SplitFact, load_market
from finks_connectors.fmp.simulator.plans import (
    Allowance,
    Plan,
    earliest_day,
    includes_endpoint,
    includes_symbol,
    refused_parameter,
)

# Path, symbol, and the other parameters that matter.
_Asked = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in, without its key, and the status it got."""

    path: str
    params: Mapping[str, str]
    status: int


@dataclass(slots=True)
class _Order:
    """A fault for the next `left` requests that match."""

    left: int
    fault: Fault
    path: str | None
    symbol: str | None

    def matches(self, path: str, symbol: str) -> bool:
        return self.left > 0 and self.path in {None, path} and self.symbol in {None, symbol}


@dataclass(slots=True)
class Vendor:
    """The facts, the plans and the day, safe to change while requests are answered.

    Args:
        today: The vendor's day; later rows are not served.
        keys: API key to plan.
        per_minute, per_day: Limits instead of the plans'.
        now: Seconds on a steady clock, for the minute's limit.
    """

    today: date
    keys: Mapping[str, Plan]
    per_minute: int | None = None
    per_day: int | None = None
    now: Callable[[], float] = time.monotonic
    calls: list[Call] = field(default_factory=list[Call])
    _market: dict[str, History] = field(default_factory=load_market)
    _pairs: dict[str, History | None] = field(default_factory=dict[str, "History | None"])
    _bodies: dict[_Asked, Answer] = field(default_factory=dict[_Asked, Answer])
    _allowances: dict[str, Allowance] = field(default_factory=dict[str, Allowance])
    _orders: list[_Order] = field(default_factory=list[_Order])
    _restricted: set[str] = field(default_factory=set[str])
    _lock: Lock = field(default_factory=Lock)

    def answer(self, path: str, params: dict[str, str], key: str) -> Answer:
        """Answer one request.

        Args:
            path: Below `/stable/`, or from the root for another one.
            params: The query without the key.
            key: The API key, from the header or the query.
        """
        with self._lock:
            true = self._true_answer(path, params, key)
            order = next((o for o in self._orders if o.matches(path, params.get("symbol", ""))), None)
            if order is not None:
                order.left -= 1
                true = order.fault(true)
            self.calls.append(Call(path, dict(params), true.status))
            return true

    def _true_answer(self, path: str, params: dict[str, str], key: str) -> Answer:
        if path.startswith("/api/"):
            return answers.LEGACY
        plan = self.keys.get(key)
        if plan is None:
            return answers.BAD_KEY
        allowance = self._allowances.setdefault(key, Allowance(plan, self.now, self.per_minute, self.per_day))
        if not allowance.take(self.today):
            return answers.LIMIT_REACH
        if path in self._restricted or not includes_endpoint(plan, path):
            return answers.RESTRICTED_ENDPOINT
        if path not in ENDPOINTS:
            return answers.WRONG_PATH
        symbol = params.get("symbol", "")
        if not symbol:
            return answers.MISSING_SYMBOL
        if symbol in self._restricted or not includes_symbol(plan, symbol):
            return answers.RESTRICTED_SYMBOL
        refused = refused_parameter(plan, path, params)
        if refused is not None:
            return answers.RESTRICTED_VALUES[refused]
        first = earliest_day(plan, self.today).isoformat()
        return self._body(path, symbol, params | {"from": first} if params.get("from", first) < first else params)

    def _body(self, path: str, symbol: str, params: Mapping[str, str]) -> Answer:
        """From memory where the same was asked before; unknown parameters are ignored, as the vendor does."""
        known = {name: params[name] for name in ("from", "limit", "period", "to") if params.get(name)}
        asked = path, symbol, tuple(known.items())
        if asked not in self._bodies:
            history = self._history(symbol)
            body = b"[]" if history is None else ENDPOINTS[path](symbol, history, known, self.today)
            self._bodies[asked] = Answer(200, body)
        return self._bodies[asked]

    def _history(self, symbol: str) -> History | None:
        if symbol in self._market:
            return self._market[symbol]
        if symbol not in self._pairs:
            self._pairs[symbol] = pair_history(symbol)
        return self._pairs[symbol]

    def _changed(self, symbol: str) -> History:
        history = self._history(symbol)
        if history is None:
            raise ConfigurationError("The simulated vendor does not know this symbol.", got=symbol)
        self._bodies.clear()
        return history

    def set_today(self, today: date) -> None:
        """Go to another day; a day's limit starts anew."""
        with self._lock:
            self.today = today
            self._bodies.clear()

    def restate(self, symbol: str, session: date, name: str, value: Decimal) -> None:
        """From now on a session's `open`, `high`, `low`, `close` or `volume` is `value`, as traded.

        An open or close beyond the day's range widens it; a high or low is taken as it is, even an impossible one.
        """
        if name not in {"open", "high", "low", "close", "volume"}:
            raise ConfigurationError("A bar has no such number.", expected="open, high, low, close, volume", got=name)
        with self._lock:
            self._changed(symbol).restate(session, name, value)

    def remove(self, symbol: str, session: date) -> None:
        """From now on that session is missing."""
        with self._lock:
            history = self._changed(symbol)
            del history.bars[history.position(session)]

    def add_split(self, symbol: str, ex_date: date, numerator: int, denominator: int = 1) -> None:
        """From now on a split is known; `full` and the dividends are restated by it."""
        with self._lock:
            history = self._changed(symbol)
            history.splits = sorted([*history.splits, SplitFact(ex_date, numerator, denominator)])

    def remove_split(self, symbol: str, ex_date: date) -> None:
        """From now on that split was never one; the adjusted series are restated without it."""
        with self._lock:
            history = self._changed(symbol)
            history.splits = [fact for fact in history.splits if fact.ex_date != ex_date]

    def add_dividend(self, symbol: str, ex_date: date, amount: Decimal) -> None:
        """From now on a dividend is known."""
        with self._lock:
            history = self._changed(symbol)
            history.dividends = sorted([*history.dividends, DividendFact(ex_date, amount)])

    def restrict(self, *names: str) -> None:
        """From now on these paths or symbols are not in any plan."""
        with self._lock:
            self._restricted.update(names)

    def allow(self, *names: str) -> None:
        """Undo `restrict`."""
        with self._lock:
            self._restricted.difference_update(names)

    def fail(self, fault: str, times: int = 1, *, path: str | None = None, symbol: str | None = None) -> None:
        """Break the next `times` answers (for a path, for a symbol) by a fault of `answers.FAULTS`."""
        if fault not in FAULTS:
            raise ConfigurationError("No such fault.", expected=", ".join(FAULTS), got=fault)
        with self._lock:
            self._orders = [order for order in self._orders if order.left > 0]
            self._orders.append(_Order(times, FAULTS[fault], path, symbol))

    def count(self, path: str | None = None, symbol: str | None = None) -> int:
        """How many requests came, all or for a path or a symbol."""
        with self._lock:
            return sum(path in {None, call.path} and symbol in {None, call.params.get("symbol")} for call in self.calls)
