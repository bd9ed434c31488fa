"""What a run's report means to whoever is on call: one alert for each thing that is wrong, and what is over. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from finks.errors import LeaseLostError, QuotaExhaustedError
from finks.notify import Alert, AlertSettings, Kind, Severity
from finks.run.outcome import Outcome
from finks.run.report import HELD_BACK, Cause, RunReport, StreamReport

RUN: Final = "run"
GOLD: Final = "gold"
LATER: Final = frozenset({3, 4})
"""Exit codes where the same command later helps, or the vendor's plan lacks something."""
SHOWN: Final = 10
"""Keys that a reason names."""

Between = Callable[[date, date], Sequence[date]]
"""The sessions from one day to another, both included."""


def weekdays(first: date, last: date) -> list[date]:
    """The days from Monday to Friday, where no exchange's calendar is set."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.isoweekday() <= 5]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, before it is anybody's alert."""

    kind: Kind
    subject: str
    severity: Severity
    reason: str
    advice: str


def alerts_of(
    report: RunReport, settings: AlertSettings, between: Between = weekdays, link: str | None = None
) -> list[Alert]:
    """One alert for each thing that is wrong.

    Args:
        report: Of a run that has ended.
        settings: How old a stream may be, and where run and runbook are.
        between: The sessions of the exchange.
        link: Where the run can be looked at, if not where the settings say.
    """
    at = report.finished_at or report.started_at
    link = link or settings.link(report.run_id)
    return [
        make_alert(found, report.lake, settings, at, run_id=report.run_id, link=link)
        for found in (*_failures(report), *_stale(report, settings.freshness, between))
    ]


def of_care(subject: str, report: Outcome) -> list[Finding]:
    """What is wrong with the care of a lake that has ended: nothing, or one thing."""
    if not report.exit_code:
        return []
    severity: Severity = "warning" if report.exit_code in LATER else "critical"
    advice = report.advice[0] if report.advice else "Read its report."
    return [Finding("failure", subject, severity, "\n".join(report.problems), advice)]


def make_alert(
    found: Finding,
    lake: str,
    settings: AlertSettings,
    at: datetime,
    *,
    run_id: str | None = None,
    link: str | None = None,
) -> Alert:
    """The alert of a finding."""
    return Alert(
        kind=found.kind,
        lake=lake,
        subject=found.subject,
        severity=found.severity,
        reason=found.reason,
        advice=found.advice,
        runbook=f"{settings.runbook}#{found.kind.replace('_', '-')}",
        at=at,
        run_id=run_id,
        run_link=link,
    )


def is_over(report: RunReport) -> Callable[[Alert], bool]:
    """Tells of an open problem that a run did not find whether it is over, and not only out of sight.

    A run that was cut short, or whose source refused to go on, did not look at everything.
    """
    cut_short = any(cause.subject == RUN and cause.exit_code in {70, 143} for cause in report.causes)

    def over(alert: Alert) -> bool:
        if alert.subject == RUN:
            return True
        if cut_short or any(_belongs(alert.subject, source) for source in report.unfinished):
            return False
        if alert.subject == GOLD:
            return report.gold.status in {"published", "unchanged"}
        streams = [stream for table, stream in report.streams.items() if _belongs(table, alert.subject)]
        if alert.kind == "freshness_breach":
            return any(stream.newest is not None for stream in streams) and not _explained(alert.subject, report)
        if alert.kind == "contract_breach":
            return bool(streams) and "refine" in report.seconds
        return bool(streams)

    return over


def _failures(report: RunReport) -> list[Finding]:
    """The causes, those of one kind and subject as one."""
    grouped: dict[tuple[Kind, str], list[Cause]] = {}
    for cause in report.causes:
        kind, subject = _kind(cause), _subject(cause)
        # A source that refused to go on is why its streams are not whole.
        if kind == "failure" and any(subject != source and _belongs(subject, source) for source in report.unfinished):
            continue
        grouped.setdefault((kind, subject), []).append(cause)
    return [
        Finding(
            kind,
            subject,
            _severity(kind, subject, causes, held_back=report.gold.status == HELD_BACK),
            "\n".join(_reasons(kind, subject, causes, report)),
            next((cause.advice for cause in causes if cause.advice), "Read the report of the run."),
        )
        for (kind, subject), causes in grouped.items()
    ]


def _kind(cause: Cause) -> Kind:
    if cause.error == QuotaExhaustedError.__name__:
        return "quota_exhausted"
    return "contract_breach" if cause.exit_code == 5 and cause.subject != GOLD else "failure"


def _subject(cause: Cause) -> str:
    """A lost lease ends the run, wherever it is noticed."""
    return RUN if cause.error == LeaseLostError.__name__ else cause.subject


def _severity(kind: Kind, subject: str, causes: Sequence[Cause], *, held_back: bool) -> Severity:
    if kind == "contract_breach":
        return "critical" if held_back else "warning"
    codes = {cause.exit_code for cause in causes}
    if codes == {143}:
        return "info"
    return "warning" if codes <= LATER and subject != GOLD else "critical"


def _reasons(kind: Kind, subject: str, causes: Sequence[Cause], report: RunReport) -> Iterable[str]:
    yield from (cause.problem for cause in causes)
    if subject in report.streams and kind == "failure":
        yield from (f"{count} × {reason}" for reason, count in report.streams[subject].problems.items())
    if subject == GOLD:
        yield from report.gold.failures[:SHOWN]
    if kind == "contract_breach" and report.gold.status == HELD_BACK:
        yield "Gold is held back; what was served is still served."


def _belongs(table: str, source: str) -> bool:
    """Whether a subject is a source itself, or a table of it."""
    return table == source or table.startswith(f"{source}_")


def _stale(report: RunReport, freshness: int, between: Between) -> Iterable[Finding]:
    """Streams that are not fresh, unless a failure says why."""
    for table, stream in report.streams.items():
        reasons = [*_age(stream, report.logical_date, freshness, between), *_late(stream, freshness)]
        if reasons and not _explained(table, report):
            advice = "Ask the vendor, or take out of the settings what is no longer traded."
            yield Finding("freshness_breach", table, "warning", "\n".join(reasons), advice)


def _explained(table: str, report: RunReport) -> bool:
    """Whether a failure, or a quota, says why a table may not be fresh."""
    return any(_kind(cause) != "contract_breach" and _belongs(table, _subject(cause)) for cause in report.causes)


def _age(stream: StreamReport, logical_date: date, freshness: int, between: Between) -> Iterable[str]:
    if stream.newest is None:
        return
    lacking = len(between(stream.newest + timedelta(days=1), logical_date))
    if lacking > freshness:
        yield f"The newest record is of {stream.newest}: {lacking} sessions are missing until {logical_date}."


def _late(stream: StreamReport, freshness: int) -> Iterable[str]:
    keys = [key for key, count in stream.behind.items() if count > freshness]
    if keys:
        yield f"{len(keys)} keys lack more than {freshness} sessions that others have: {', '.join(keys[:SHOWN])}"
