"""Whether the nightly run is due, for which day, and which days were missed. The run reports in the lake decide.

One run per logical date is what counts, not one per tick: a tick that comes twice, late or not at all asks the same
question, for which day should there be a run by now that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from finks.lake.aws_errors import told
from finks.lake.place import Place
from finks.run.report import RunReport
from finks.run.schedule.sessions import Sessions, sessions_of
from finks.run.sections import ScheduleSettings
from finks.run.settings import Settings

WELL: Final = frozenset({0, 3})
"""Exit codes after which a day is done. What a vendor's plan does not include is not to be had by running again."""

REPORTS: Final = "runs/"


@dataclass(frozen=True, slots=True)
class Due:
    """A run is due.

    Attributes:
        logical_date: The newest day that counts: of an exchange, the newest session that had closed.
        missed: The days that count since the last good run and before this one. The planner asks for all that is
            missing, so this one run covers them too.
    """

    logical_date: date
    missed: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """No run is due.

    Attributes:
        reason: Why, for a person.
    """

    reason: str


def due(schedule: ScheduleSettings, at: datetime, done: date | None) -> Due | Skip:
    """What is due at an instant. Pure.

    Args:
        schedule: The calendar and the zone.
        at: When the schedule ticked, aware. The same answer holds for any later instant before the next session ends.
        done: The day of the newest good run; None when there was none.

    Raises:
        ConfigurationError: The calendar is unknown, or does not know these days.
    """
    sessions = sessions_of(schedule.calendar, schedule.tzinfo)
    newest = sessions.latest(at)
    if done is not None and done >= newest:
        return Skip(_reason(schedule, sessions, at, newest))
    missed = sessions.between(done + timedelta(days=1), newest - timedelta(days=1)) if done else []
    return Due(newest, tuple(missed))


def default_day(schedule: ScheduleSettings, at: datetime) -> date:
    """The day that a run is for when nobody says: the newest session that had closed, today (UTC) without a calendar.

    Raises:
        ConfigurationError: The calendar is unknown, or does not know that time.
    """
    return sessions_of(schedule.calendar, UTC).latest(at)


def due_in_lake(settings: Settings, at: datetime) -> Due | Skip:
    """What is due at an instant, by the run reports in the lake; see `due`.

    Raises:
        ConfigurationError: As `due`, or the lake cannot be reached.
    """
    with told():
        return due(settings.schedule, at, last_good_day(settings.schedule, settings.lake.place()))


def last_good_day(schedule: ScheduleSettings, place: Place) -> date | None:
    """The newest day that a whole run covered and ended well; None when there is none."""
    return newest_good(sessions_of(schedule.calendar, schedule.tzinfo), _reports(place))


def newest_good(sessions: Sessions, newest_first: Iterable[RunReport]) -> date | None:
    """The newest day that a whole run covered and ended well. Pure.

    A run that was made for a day before that day had ended covers only the day before it.
    """
    best: date | None = None
    for report in newest_first:
        # A run is for a day that has begun somewhere: what started before cannot be for a newer day.
        if best is not None and report.started_at.date() + timedelta(days=1) <= best:
            break
        if report.whole and report.exit_code in WELL:
            covered = min(report.logical_date, sessions.latest(report.started_at))
            best = max(best or covered, covered)
    return best


def _reports(place: Place) -> Iterator[RunReport]:
    """The kept reports, newest first: a run's id begins with its time."""
    for name in reversed(place.kept_names(REPORTS)):
        text = place.kept(name)
        try:
            yield RunReport.model_validate_json(text or "")
        except ValidationError:
            continue  # not a report that this version of finks understands


def _reason(schedule: ScheduleSettings, sessions: Sessions, at: datetime, newest: date) -> str:
    today = at.astimezone(schedule.tzinfo).date()
    if today != newest and not sessions.is_session(today):
        kind = "weekend" if today.weekday() >= 5 else "holiday"
        return f"{kind}: {today} is no session of {schedule.calendar}, and {newest} was run well."
    return f"{newest} was run well already."
