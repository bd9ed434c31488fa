"""Telling what is wrong: when a run begins, when it ends, when it cannot begin, and when none came.

The care of a lake (maintenance, a replay) is no run, and how it ended is told in the same way: `cared`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from finks.errors import FinksError, InvariantError, LakeBusyError
from finks.lake import Lake
from finks.lake.place import Place
from finks.notify import Alert, AlertSettings, BaseNotifier, Delivery, build_notifiers, read_book
from finks.notify.began import BEGAN, Began, is_zombie, read_began
from finks.run.listeners.alerts import RUN, Between, Finding, alerts_of, is_over, make_alert, of_care, weekdays
from finks.run.outcome import Outcome
from finks.run.report import RunReport
from finks.run.schedule.sessions import sessions_of
from finks.run.settings import Settings

Cared = TypeVar("Cared", bound=Outcome)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Tells what is wrong when a run begins, ends or cannot begin (`RunListener`, `StartListener`).

    Args:
        settings: Who is told, and how often.
        notifiers: The same, made.
        between: The sessions of the exchange.
        link: Where this process's run can be looked at, if not where the settings say.
    """

    settings: AlertSettings
    notifiers: Mapping[str, BaseNotifier] = field(default_factory=dict[str, BaseNotifier])
    between: Between = weekdays
    link: str | None = None

    def run_began(self, lake: Lake, report: RunReport, command: str) -> None:
        """Tell of the run before if it never ended; remember that this one began."""
        began = Began(run_id=report.run_id, command=command, started_at=report.started_at)
        try:
            try:
                self._delivery(lake.place).tell(self._zombies(lake.place, report.started_at), report.started_at)
            finally:
                # Whoever could not be told of the run before is in the book; its file is needed no more.
                lake.place.keep(BEGAN, began.model_dump_json())
        except FinksError as error:
            report.settle(error.exit_code, f"Alerts: {error}", error.hint or "", error=type(error).__name__)

    def run_ended(self, lake: Lake, settings: Settings, report: RunReport) -> None:
        """Tell what is wrong and what is over; remember that the run ended.

        Raises:
            NotificationError: Somebody was not told.
        """
        found = alerts_of(report, self.settings, self.between, self.link)
        at = report.finished_at or report.started_at
        self._delivery(lake.place).tell(found, at, over=is_over(report), ended=report.run_id)

    def run_refused(self, settings: Settings, error: FinksError, at: datetime) -> None:
        """Tell that a run could not begin. Whoever cannot be told does not hide why it could not."""
        self.refused(settings, RUN, "A run could not begin.", error, at)

    def refused(self, settings: Settings, subject: str, what: str, error: FinksError, at: datetime) -> None:
        """Tell that something could not be done. Whoever cannot be told does not hide why it could not."""
        found = Finding("failure", subject, "critical", f"{what}\n{error}", error.hint or "Correct it.")
        with suppress(FinksError):
            place = settings.lake.place()
            self._delivery(place).tell([make_alert(found, place.address, self.settings, at, link=self.link)], at)

    def care_ended(self, place: Place, subject: str, report: Outcome, at: datetime) -> None:
        """Tell how the care of a lake ended: what failed, or that it is over.

        Raises:
            NotificationError: Somebody was not told.
        """
        found = [
            make_alert(one, place.address, self.settings, at, run_id=report.run_id, link=self.link)
            for one in of_care(subject, report)
        ]
        self._delivery(place).tell(found, at, over=lambda alert: alert.subject == subject)

    def check(self, place: Place, now: datetime) -> list[Alert]:
        """Look for a run that never ended, and for runs that never began; tell. For a schedule of its own.

        Raises:
            NotificationError: Somebody was not told.
        """
        found = self._zombies(place, now) or self._absent(place, now)
        self._delivery(place).tell(found, now)
        return found

    def _zombies(self, place: Place, now: datetime) -> list[Alert]:
        began = read_began(place)
        if began is None or not is_zombie(began, read_book(place), place.holder()):
            return []
        reason = f"`{began.command}` (run {began.run_id}) began at {began.started_at.isoformat()} and never ended."
        found = Finding(
            "zombie_run", RUN, "critical", reason, "Run the same command again: what it fetched has landed."
        )
        link = self.settings.link(began.run_id)
        return [make_alert(found, place.address, self.settings, now, run_id=began.run_id, link=link)]

    def _absent(self, place: Place, now: datetime) -> list[Alert]:
        began = read_began(place)
        if began is None or place.holder() is not None:
            return []
        passed = len(self.between(began.started_at.date() + timedelta(days=1), now.date()))
        if passed <= self.settings.freshness:
            return []
        reason = f"The last run began at {began.started_at.isoformat()}, {passed} sessions ago."
        found = Finding("freshness_breach", RUN, "critical", reason, "Look whether the schedule is at work.")
        return [make_alert(found, place.address, self.settings, now, run_id=began.run_id)]

    def _delivery(self, place: Place) -> Delivery:
        return Delivery(place, self.settings, self.notifiers)


def listener(settings: Settings, link: str | None = None) -> Alerts:
    """The alerts that the settings ask for.

    Args:
        settings: The settings.
        link: Where this process's run can be looked at, for example in a scheduler's window.

    Raises:
        ConfigurationError: The settings of a notifier, or the calendar, are wrong.
    """
    schedule = settings.schedule
    between = sessions_of(schedule.calendar, schedule.tzinfo).between if schedule.calendar else weekdays
    return Alerts(settings.alerts, build_notifiers(settings.alerts.notifiers, settings.place), between, link)


@contextmanager
def refusals(settings: Settings, clock: Callable[[], datetime], link: str | None = None) -> Iterator[None]:
    """What is raised before a run is at work is told like a run that could not begin.

    Args:
        settings: The settings.
        clock: The time, aware, in UTC.
        link: Where this process's run can be looked at.
    """
    try:
        yield
    except FinksError as error:
        listener(settings, link).run_refused(settings, error, clock())
        raise


def cared(
    settings: Settings, subject: str, work: Callable[[], Cared], clock: Callable[[], datetime], link: str | None = None
) -> Cared:
    """Do work for a lake that is no run, and tell how it ended.

    Args:
        settings: The settings.
        subject: What the alert names: `maintenance`, `replay`.
        work: Does it, and returns its report.
        clock: The time, aware, in UTC.
        link: Where this process's run can be looked at.

    Returns:
        The report. An alert that could not be sent is one more problem of it.

    Raises:
        FinksError: What `work` raises. It is told, unless another run holds the lake and does its work.
        ConfigurationError: The settings of a notifier, or the calendar, are wrong.
    """
    alerts = listener(settings, link)
    try:
        report = work()
    except LakeBusyError:
        raise
    except FinksError as error:
        alerts.refused(settings, subject, "It could not be done.", error, clock())
        raise
    except Exception as error:
        # Its text may hold anything.
        defect = InvariantError(f"It ended by {type(error).__name__}.", hint="Report it.")
        alerts.refused(settings, subject, "It met a defect.", defect, clock())
        raise
    try:
        alerts.care_ended(settings.lake.place(), subject, report, clock())
    except FinksError as error:
        report.settle(error.exit_code, f"Alerts: {error}", error.hint or "")
    return report
