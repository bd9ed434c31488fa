"""Maintenance of a lake: merge small files, forget what nothing needs, back up, check. No version is ever dropped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, Field

from finks.lake import Lake
from finks.lake.stores import store_of
from finks.run.care.backups import BackupFacts, render_backup, write_backup
from finks.run.care.checks import Check, lake_checks
from finks.run.events import Observer, ignore
from finks.run.outcome import Outcome
from finks.run.settings import Settings

_NOT_DATA = ("scratch/", "athena/")


class Size(BaseModel):
    """What a lake holds, as stored: data, metadata and reports."""

    files: int = 0
    bytes: int = 0


class Merged(BaseModel):
    """The data files of a table that were merged, and what they became."""

    before: int
    after: int


class MaintenanceReport(Outcome):
    """One maintenance."""

    before: Size = Size()
    after: Size = Size()
    compacted: dict[str, Merged] = Field(default_factory=dict, description="By table, where something was merged.")
    deleted: dict[str, int] = Field(default_factory=dict, description="Files that nothing referred to, by table.")
    backup: BackupFacts | None = Field(default=None, description="None when no target is set, or it failed.")
    checks: list[Check] = Field(default_factory=list)


def maintain(
    lake: Lake,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    observer: Observer = ignore,
    command: str = "finks maintain",
) -> MaintenanceReport:
    """Compact, expire and back up under the lake's lease, then check. A part that fails does not stop the others.

    Returns:
        The report, also kept as `maintenance/<run id>.json` in the lake.

    Raises:
        LakeBusyError: A run holds the lake.
    """
    report = MaintenanceReport.begin(lake, clock)
    with lake.hold(run_id=report.run_id, command=command):
        report.before = size_of(lake)
        with report.going_on("Compaction"):
            done = lake.compact()
            report.compacted = {
                name: Merged(before=one.files_before, after=one.files_after) for name, one in done.items()
            }
        with report.going_on("Expiry"):
            report.deleted = {name: files for name, files in lake.expire().items() if files}
        report.after = size_of(lake)
        if settings.backup.target is not None:
            with report.going_on("Backup"):
                report.backup = write_backup(lake, settings.backup, report.run_id, report.started_at, observer)
    report.checks = list(lake_checks(lake, settings, clock()))
    for check in report.checks:
        if check.exit_code:
            report.settle(check.exit_code, f"{check.name}: {check.text}")
    report.finish(lake, clock, "maintenance")
    return report


def size_of(lake: Lake) -> Size:
    """Files and bytes of a lake, as stored."""
    sizes = [file.size for file in store_of(lake.place.address).files() if not file.name.startswith(_NOT_DATA)]
    return Size(files=len(sizes), bytes=sum(sizes))


def render(report: MaintenanceReport) -> str:
    """The report as plain text."""
    lines = [f"Maintenance {report.run_id}: exit code {report.exit_code}"]
    lines += [f"{name}: {one.before} files became {one.after}" for name, one in report.compacted.items()]
    lines.append(f"{sum(report.deleted.values())} files that nothing referred to were deleted.")
    lines.append(
        f"The lake had {report.before.files} files, {report.before.bytes:,} bytes; "
        f"it has {report.after.files} files, {report.after.bytes:,} bytes."
    )
    if report.backup is not None:
        lines.append(render_backup(report.backup))
    lines += [f"{check.name}: {check.text}" for check in report.checks]
    lines += [f"Problem: {problem}" for problem in report.problems]
    lines += [f"To do: {advice}" for advice in report.advice]
    return "\n".join(lines)
