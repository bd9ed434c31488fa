"""Which days count: the sessions of an exchange, or every day where there is none.

The exchanges' calendars come from `exchange_calendars`: holidays, half days and each exchange's own zone. They are read
once and held as plain days and instants, so everything here is pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from finks.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

FIRST: Final = date(1990, 1, 1)
LAST: Final = date(2049, 12, 31)
"""Between these days a calendar is made, or less where the exchange's holidays are known for less. Far ahead they
follow from today's rules: an exchange announces its holidays a few years before."""


class Sessions(Protocol):
    """The days that count."""

    def is_session(self, day: date) -> bool:
        """Whether the day counts. Raises ConfigurationError when the calendar does not know it."""
        ...

    def latest(self, at: datetime) -> date:
        """The newest day that counts and is to be had at an instant (aware).

        Raises:
            ConfigurationError: The calendar does not know that time.
        """
        ...

    def between(self, first: date, last: date) -> list[date]:
        """The days that count from `first` to `last`, both included; none when `last` is before `first`.

        Raises:
            ConfigurationError: The calendar does not know one of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class EveryDay:
    """No exchange: every day counts, from its beginning on.

    Args:
        zone: Where a day begins.
    """

    zone: tzinfo

    def is_session(self, day: date) -> bool:
        """Always."""
        return True

    def latest(self, at: datetime) -> date:
        """The day that it is in the zone."""
        return at.astimezone(self.zone).date()

    def between(self, first: date, last: date) -> list[date]:
        """Every day."""
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The sessions of one exchange.

    Attributes:
        name: The calendar's name, for example `XNYS`.
        days: The sessions in order.
        ends: When each of them closes; half days have their own instant.
        first, last: The days between which the calendar knows sessions and holidays.
    """

    name: str
    days: Sequence[date]
    ends: Sequence[datetime]
    first: date
    last: date

    def is_session(self, day: date) -> bool:
        """See `Sessions`."""
        self._check(day)
        place = bisect_left(self.days, day)
        return place < len(self.days) and self.days[place] == day

    def latest(self, at: datetime) -> date:
        """See `Sessions`: the newest session that had closed."""
        number = bisect_right(self.ends, at)
        if number == 0 or number == len(self.ends):
            raise self._unknown(at.isoformat())
        return self.days[number - 1]

    def between(self, first: date, last: date) -> list[date]:
        """See `Sessions`."""
        if last < first:
            return []
        self._check(first)
        self._check(last)
        return list(self.days[bisect_left(self.days, first) : bisect_right(self.days, last)])

    def _check(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise self._unknown(day.isoformat())

    def _unknown(self, got: str) -> ConfigurationError:
        return ConfigurationError(
            f"The calendar {self.name} does not know this day.",
            where="[schedule] calendar",
            expected=f"a day from {self.first} to {self.last}",
            got=got,
            hint="For a later day, a newer exchange_calendars may know it.",
        )


def sessions_of(calendar: str | None, zone: tzinfo) -> Sessions:
    """The days that count.

    Args:
        calendar: A calendar of `exchange_calendars`, for example `XNYS`; None for every day.
        zone: Where a day begins when every day counts. An exchange has its own.

    Raises:
        ConfigurationError: There is no such calendar; the error names the nearest.
        MissingExtraError: `exchange_calendars` is not installed.
    """
    return EveryDay(zone) if calendar is None else _exchange(calendar)


@cache
def _exchange(name: str) -> Exchange:
    library = _library()
    known: list[str] = library.get_calendar_names()
    if name not in known:
        nearest = get_close_matches(name.upper(), known, n=1)
        raise ConfigurationError(
            "No exchange calendar has this name.",
            where="[schedule] calendar",
            expected="a market identifier (ISO 10383) that exchange_calendars knows, for example XNYS",
            got=name,
            hint=f"Did you mean {nearest[0]}?" if nearest else "Leave the setting out, and every day counts.",
        )
    bounds = library.get_calendar(name)
    first = max(FIRST, _day(bounds.bound_min(), FIRST))
    last = min(LAST, _day(bounds.bound_max(), LAST))
    made = library.get_calendar(name, start=first.isoformat(), end=last.isoformat())
    ends = tuple(stamp.to_pydatetime() for stamp in made.closes)
    return Exchange(name, tuple(stamp.date() for stamp in made.sessions), ends, first, last)


def _day(bound: Any, otherwise: date) -> date:
    return otherwise if bound is None else bound.date()


def _library() -> ModuleType:
    try:
        import exchange_calendars
    except ImportError:
        raise MissingExtraError(
            "An exchange's calendar needs exchange_calendars.",
            where="[schedule] calendar",
            hint="pip install 'finks-core[schedule]'",
        ) from None
    return exchange_calendars
