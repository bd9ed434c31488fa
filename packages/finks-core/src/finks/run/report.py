"""The run report: what was fetched, what it became, what it cost, and what to do. The same as text and as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from pydantic import BaseModel, Field

from finks.lineage.model import Model, Source
from finks.run.outcome import Outcome

HELD_BACK = "held back"


class StreamReport(BaseModel):
    """One stream of one source in this run. Counts are records unless said otherwise."""

    table: str
    slices: dict[str, int] = Field(default_factory=dict, description="Slices by outcome.")
    settled: int = Field(default=0, description="Keys that had nothing to fetch.")
    empty: list[str] = Field(default_factory=list, description="Keys of which no day that was asked for came.")
    calls: int = 0
    wire_bytes: int = 0
    read: int = 0
    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    retracted: int = 0
    suspicious: int = Field(
        default=0, description="Records that a response no longer had, too many at once to believe."
    )
    gaps: int = Field(default=0, description="Sessions that a key lacks between its first and its last record.")
    behind: dict[str, int] = Field(
        default_factory=dict, description="Keys that lack the stream's newest sessions, and how many of them."
    )
    newest: date | None = Field(default=None, description="The newest session of any key, where the run looked.")
    malformed: int = Field(default=0, description="Whole bodies that could not be read.")
    share_rejected: float = Field(
        default=0.0, description="Rejected records by all, of the last refinement that read any."
    )
    rules: dict[str, int] = Field(default_factory=dict, description="Rejected records by rule.")
    changes: list[str] = Field(default_factory=list, description="Restated records, the first ones.")
    problems: dict[str, int] = Field(default_factory=dict, description="Reasons of slices that are not whole.")
    errors: dict[str, int] = Field(default_factory=dict, description="Classes in finks.errors of those slices.")
    origins: list[str] = Field(
        default_factory=list, description="Addresses that were asked, without parameters; {key} stands for the key."
    )
    renames: dict[str, str] = Field(
        default_factory=dict, exclude=True, description="The vendor's name of a field to the contract's."
    )


class GoldReport(BaseModel):
    """What happened to Gold."""

    status: str = Field(default="not built", description="published, unchanged, held back, failed, not built")
    release: int | None = Field(default=None, description="The release that readers are served now.")
    tables: dict[str, int] = Field(default_factory=dict, description="Rows per Gold table.")
    tests: int = 0
    scanned_bytes: int = Field(default=0, description="What Athena read for models and tests; it bills by that.")
    failures: list[str] = Field(default_factory=list)
    models: list[Model] = Field(default_factory=list, exclude=True, description="What dbt made of each model.")
    sources: list[Source] = Field(default_factory=list, exclude=True, description="The tables that the models read.")


class Cause(BaseModel):
    """One thing that went wrong, and where: what alerts are made of."""

    subject: str = Field(description="The table, the source, `gold`, or `run`.")
    error: str = Field(description="Its class in finks.errors.")
    exit_code: int
    problem: str
    advice: str


class BackfillReport(BaseModel):
    """What a backfill has still to do. Over several sources: the sum of the slices, the most days."""

    first: date
    last: date
    left: int = Field(default=0, description="Slices that are still to be fetched.")
    days: int | None = Field(
        default=0, description="Days that takes beside the nightly run; null when the quota leaves nothing beside it."
    )

    def plus(self, other: BackfillReport | None) -> BackfillReport:
        """Both together."""
        if other is None:
            return self
        days = None if self.days is None or other.days is None else max(self.days, other.days)
        return self.model_copy(update={"left": self.left + other.left, "days": days})


class RunReport(Outcome):
    """The whole run."""

    logical_date: date
    missed: list[date] = Field(
        default_factory=list, description="Earlier days that no scheduled run covered; this one does."
    )
    whole: bool = Field(default=True, description="Whether the run was asked for everything, from plan to Gold.")
    status: str = "running"
    planned_calls: int = 0
    streams: dict[str, StreamReport] = Field(default_factory=dict)
    backfill: BackfillReport | None = None
    gold: GoldReport = GoldReport()
    seconds: dict[str, float] = Field(default_factory=dict, description="Wall-clock seconds per stage.")
    logs: dict[str, str] = Field(default_factory=dict, description="Where the logs of jobs elsewhere are, by job.")
    unfinished: list[str] = Field(
        default_factory=list, description="Sources that ended before all their streams were through."
    )
    causes: list[Cause] = Field(default_factory=list, description="What went wrong, and where.")

    def stream(self, table: str) -> StreamReport:
        """The report of one stream, made at its first use."""
        return self.streams.setdefault(table, StreamReport(table=table))

    def total(self, name: str) -> int:
        """The sum of one count over all streams."""
        return sum(getattr(stream, name) for stream in self.streams.values())

    def settle(self, exit_code: int, problem: str, advice: str = "", *, subject: str = "run", error: str = "") -> None:
        """Record a problem; the gravest exit code stands (see `GRAVITY`).

        Args:
            exit_code: That of its class.
            problem: What went wrong, without secrets.
            advice: What to do.
            subject: The table, the source or `gold` that it is about; `run` for the run as a whole.
            error: Its class in `finks.errors`, where there is one.
        """
        if problem not in self.problems:
            self.causes.append(Cause(subject=subject, error=error, exit_code=exit_code, problem=problem, advice=advice))
        super().settle(exit_code, problem, advice)


@contextmanager
def timed(report: RunReport, stage: str) -> Iterator[None]:
    """Add the wall-clock seconds of the block to a stage of the report."""
    start = time.monotonic()
    try:
        yield
    finally:
        report.seconds[stage] = report.seconds.get(stage, 0.0) + time.monotonic() - start


def render(report: RunReport) -> str:
    """The report as plain text, for a terminal of 100 columns or a log."""
    lines = [
        f"Run {report.run_id} for {report.logical_date}: {report.status} (exit code {report.exit_code})",
        "",
        f"{'table':<28}{'calls':>6}{'read':>9}{'new':>9}{'changed':>9}{'same':>9}{'rejected':>9}{'gaps':>6}",
    ]
    for name, stream in report.streams.items():
        lines.append(
            f"{name:<28}{stream.calls:>6}{stream.read:>9}{stream.new:>9}{stream.changed:>9}{stream.same:>9}"
            f"{stream.rejected:>9}{stream.gaps:>6}"
        )
    lines += ["", *_sentences(report)]
    return "\n".join(lines)


def _sentences(report: RunReport) -> list[str]:
    calls, settled = report.total("calls"), report.total("settled")
    unchanged = sum(stream.slices.get("unchanged", 0) for stream in report.streams.values())
    missed = [f"Catches up on {', '.join(map(str, report.missed[:10]))}."] if report.missed else []
    lines = [
        *missed,
        *([] if report.backfill is None else [_outlook(report.backfill)]),
        f"Fetched {calls} responses ({report.total('wire_bytes'):,} bytes), {unchanged} of them unchanged; "
        f"{settled} keys had nothing to fetch.",
    ]
    if not report.total("new") and not report.total("changed") and not report.total("retracted"):
        lines.append("No Silver row was added.")
    for name, stream in report.streams.items():
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(stream.slices.items()))
        if any(outcome not in {"ok", "unchanged", "empty"} for outcome in stream.slices):
            lines.append(f"{name}: slices {outcomes}")
        lines += [f"{name}: {count} × {reason}" for reason, count in stream.problems.items()]
        lines += [f"{name}: {count} rejected by {rule}" for rule, count in sorted(stream.rules.items())]
        if stream.changed:
            lines.append(f"{name}: {stream.changed} records restated")
        lines += [f"  {change}" for change in stream.changes]
        if stream.retracted:
            lines.append(f"{name}: {stream.retracted} records retracted by the vendor")
        if stream.empty:
            lines.append(f"{name}: no day came for {', '.join(stream.empty[:10])}; is it spelt right?")
        if stream.behind:
            lines.append(
                f"{name}: {len(stream.behind)} keys lack the newest session: {', '.join(list(stream.behind)[:10])}"
            )
        if stream.suspicious:
            lines.append(f"{name}: {stream.suspicious} records vanished at once; kept, look at the responses")
    gold = report.gold
    served = f"release {gold.release} is served" if gold.release is not None else "nothing is served yet"
    scanned = f" Athena read {gold.scanned_bytes:,} bytes." if gold.scanned_bytes else ""
    lines.append(f"Gold: {gold.status}; {served}.{scanned}")
    lines += [f"  failed: {failure}" for failure in gold.failures]
    lines.append("Seconds: " + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.seconds.items()))
    lines += [f"Log of {job}: {address}" for job, address in report.logs.items()]
    lines += [f"Problem: {problem}" for problem in report.problems]
    lines += [f"To do: {advice}" for advice in report.advice]
    return lines


def _outlook(backfill: BackfillReport) -> str:
    name = f"Backfill {backfill.first} to {backfill.last}"
    if not backfill.left:
        return f"{name}: all of it is there."
    if backfill.days is None:
        return f"{name}: {backfill.left} slices are left, and the vendor's daily quota leaves nothing for them."
    days = "1 day" if backfill.days == 1 else f"{backfill.days} days"
    return f"{name}: {backfill.left} slices are left, for about {days}. Run the same command again."
