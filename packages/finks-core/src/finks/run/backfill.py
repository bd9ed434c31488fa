"""A backfill: days before those that the nightly run looks at, in what the nightly run leaves of the quota. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Final

from finks.errors import ConfigurationError
from finks.run.intervals import Days
from finks.run.plan import Plan, calls_by_budget
from finks.run.report import BackfillReport
from finks.run.schedule.cron import next_tick
from finks.run.schedule.sessions import sessions_of
from finks.run.sections import ScheduleSettings
from finks.source.budget import budget_name
from finks.source.model import Rate, Snapshot, Stream, Windows

MARGIN: Final = timedelta(minutes=5)
"""How long before the nightly run's tick a backfill ends, so that the lake is free by then."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What is asked for.

    Attributes:
        first, last: The days, both included. The days that the nightly run reads again stay its own.
        streams, keys: Names to be content with; all streams with a history, or all keys, when empty.
    """

    first: date
    last: date
    streams: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    @property
    def days(self) -> Days:
        """The days, both included."""
        return self.first, self.last

    def narrowed(self, streams: Sequence[Stream]) -> list[Stream]:
        """The streams that are asked for, with the keys that are asked for."""
        found: list[Stream] = []
        for stream in streams:
            keys = tuple(key for key in stream.keys if not self.keys or key in self.keys)
            if isinstance(stream.policy, Windows) and keys and (not self.streams or stream.name in self.streams):
                found.append(replace(stream, keys=keys))
        return found

    def check(self, streams: Sequence[Stream]) -> None:
        """Refuse what cannot be had.

        Args:
            streams: The selected streams of all sources.

        Raises:
            ConfigurationError: The days are in the wrong order, or no stream has the name or the key.
        """
        if self.last < self.first:
            raise ConfigurationError(
                "The window ends before it begins.", where="--to", expected=f"from {self.first} on", got=str(self.last)
            )
        offered = [stream for stream in streams if isinstance(stream.policy, Windows)]
        names = {stream.name for stream in offered}
        for name in sorted(self.streams - names):
            raise ConfigurationError(
                "No stream with a history has this name.",
                where="--stream",
                expected=f"one of {', '.join(sorted(names))}",
                got=name,
            )
        known = {key for stream in offered if not self.streams or stream.name in self.streams for key in stream.keys}
        for key in sorted(self.keys - known):
            raise ConfigurationError(
                "No stream has this key.", where="--key", expected="a key that the settings name", got=key
            )


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of a backfill: what it is about, what it leaves to the nightly run, and when it has to end.

    Attributes:
        backfill: What is asked for.
        nightly: The logical date of the nightly run that the rest of the day's quota is kept for.
        share: The share of a day's calls that is left besides, for repeated calls.
        tick: When the nightly run is next due (UTC).
        midnight: When the vendor's day, a day in UTC, ends.
    """

    backfill: Backfill
    nightly: date
    share: float
    tick: datetime
    midnight: datetime

    @classmethod
    def at(cls, backfill: Backfill, schedule: ScheduleSettings, share: float, now: datetime) -> Turn:
        """The turn that begins now.

        Raises:
            ConfigurationError: The calendar is unknown, or does not know that time.
        """
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        midnight = today + timedelta(days=1)
        first = tick = next_tick(schedule.cron, schedule.tzinfo, now)
        last = now
        while tick < midnight:
            last, tick = tick, next_tick(schedule.cron, schedule.tzinfo, tick)
        nightly = sessions_of(schedule.calendar, schedule.tzinfo).latest(last)
        return cls(backfill, nightly, share, first, midnight)

    def is_late(self, now: datetime) -> bool:
        """Whether the nightly run is near."""
        return now >= self.tick - MARGIN

    def is_over(self, now: datetime, rates: Mapping[str, Rate]) -> bool:
        """Whether it has to end: the nightly run is near, or another day began, with a quota and a need of its own."""
        return self.is_late(now) or (now >= self.midnight and any(rate.per_day for rate in rates.values()))

    def reserve(self, need: Mapping[str, int], rates: Mapping[str, Rate]) -> dict[str, int]:
        """Calls of this day to leave alone, per name in `rates`.

        Args:
            need: Calls per name that the nightly run still has to make today.
        """
        return {
            name: need.get(name, 0) + ceil(self.share * rate.per_day) for name, rate in rates.items() if rate.per_day
        }

    def outlook(self, left: Plan, streams: Sequence[Stream], rates: Mapping[str, Rate]) -> BackfillReport:
        """What is left, and for how many days.

        Args:
            left: What a plan made now still asks for.
            streams: The source's selected streams: each night asks for every key of each about once.
        """
        nightly = _nightly_calls(streams, rates)
        days: int | None = 1 if left.calls else 0
        for name, calls in calls_by_budget(left, streams, rates).items():
            per_day = rates[name].per_day
            if not calls or per_day is None or days is None:
                continue
            beside = per_day - ceil(self.share * per_day) - nightly.get(name, 0)
            days = max(days, ceil(calls / beside)) if beside > 0 else None
        return BackfillReport(first=self.backfill.first, last=self.backfill.last, left=left.calls, days=days)


def _nightly_calls(streams: Sequence[Stream], rates: Mapping[str, Rate]) -> dict[str, int]:
    calls: dict[str, float] = {}
    for stream in streams:
        name = budget_name(stream.endpoint_class, rates)
        every = max(stream.policy.every_days, 1) if isinstance(stream.policy, Snapshot) else 1
        calls[name] = calls.get(name, 0) + len(stream.keys) / every
    return {name: ceil(count) for name, count in calls.items()}
