"""When to call again: the waits between the attempts of one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from finks.source.model import Rate, Response

THROTTLED = 429


@dataclass(frozen=True, slots=True)
class Backoff:
    """Capped exponential back-off with full jitter.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).

    Attributes:
        base: Seconds; the wait after attempt n is drawn from 0 to `base * 2 ** (n - 1)`.
        cap: The longest such wait, in seconds.
        throttled_share: After a 429 without `Retry-After` the base is this share of the budget's
            period, and the jitter only adds, so that four waits outlast a limit per minute.
    """

    base: float = 1.0
    cap: float = 60.0
    throttled_share: float = 1 / 12

    def wait(self, response: Response, rate: Rate | None, random: Callable[[], float], now: datetime) -> float:
        """Seconds until the next attempt, after the attempt `response.attempts` gave `response`.

        Args:
            random: Draws from 0 (inclusive) to 1.
            now: The time, for a `Retry-After` that is a date.
        """
        asked = retry_after(response, now)
        if asked is not None:
            # Calls that were all told the same second must not come back in the same millisecond.
            return asked + random() * min(1.0, asked * 0.1)
        doublings = 2.0 ** min(response.attempts - 1, 30)
        if response.status == THROTTLED and rate is not None:
            least = min(self.throttled_share * rate.seconds * doublings, rate.seconds)
            return least * (1 + random() / 2)
        return random() * min(self.cap, self.base * doublings)


def retry_after(response: Response, now: datetime) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or an HTTP date (RFC 9110, 10.2.3); None without one."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


__all__ = ["Backoff", "retry_after"]
