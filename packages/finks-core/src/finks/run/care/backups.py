"""`finks backup` and `finks restore` as plain functions with reports; what they do is in `finks.lake.backup`."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, Field

from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.backup import BackedUp, Tell, back_up, backup_ids
from finks.lake.restoring import restore
from finks.lake.stores import store_of
from finks.run.events import Event, Observer, ignore
from finks.run.identity import begun, new_run_id
from finks.run.outcome import Outcome
from finks.run.sections import BackupSettings
from finks.run.settings import Settings


class BackupFacts(BaseModel):
    """One backup. Its id is that of the command's run."""

    target: str
    files: int = Field(description="Files of the backup.")
    bytes: int
    copied: int = Field(description="Files that were not there already.")
    copied_bytes: int
    removed: int = Field(description="Files of dropped backups, which no kept one needs.")
    kept: list[str] = Field(description="The backups that can be restored, the newest first.")
    rows: dict[str, int] = Field(description="Rows per table.")


class BackupReport(Outcome):
    """`finks backup`."""

    backup: BackupFacts | None = None


class RestoreReport(Outcome):
    """`finks restore`."""

    source: str
    backup_id: str
    backed_up_at: datetime
    files: int
    bytes: int
    copied: int = Field(description="Files that the lake lacked, or had wrong.")
    copied_bytes: int
    rows: dict[str, int] = Field(description="Rows per table, as they were found again.")
    release: int | None = Field(description="The Gold release that is served.")


def write_backup(
    lake: Lake, settings: BackupSettings, backup_id: str, at: datetime, observer: Observer = ignore
) -> BackupFacts:
    """Back the lake up; the caller holds it.

    Args:
        backup_id: The run's id.
        at: The time, aware.

    Raises:
        ConfigurationError: No target is set, or it is that of another lake.
        DataError: A file of the lake is missing.
    """
    if settings.target is None:
        raise ConfigurationError(
            "No target for backups is set.",
            where="backup.target",
            expected="a directory, or s3://bucket/prefix",
            hint='Add [backup] target = "…" to finks.toml.',
        )
    target = store_of(settings.target)
    done = back_up(lake, target, backup_id, at, settings.keep, _teller("backup.copied", observer))
    observer(Event("backup.written", backup_id))
    return _facts(target.address, done)


def backup(lake: Lake, settings: Settings, clock: Callable[[], datetime], observer: Observer = ignore) -> BackupReport:
    """Back the lake up, under its lease. The report is kept as `backups/<run id>.json` in the lake.

    Raises:
        FinksError: As `write_backup`.
        LakeBusyError: A run holds the lake.
    """
    report = BackupReport.begin(lake, clock)
    with lake.hold(run_id=report.run_id, command="finks backup"):
        report.backup = write_backup(lake, settings.backup, report.run_id, report.started_at, observer)
        report.finish(lake, clock, "backups")
    return report


def restore_lake(
    settings: Settings,
    source: str | Path,
    clock: Callable[[], datetime],
    *,
    backup_id: str | None = None,
    replace: bool = False,
    observer: Observer = ignore,
) -> RestoreReport:
    """Bring the configured lake back from a backup. The report is kept as `restores/<run id>.json` in the lake.

    Args:
        source: What the backups were written to.
        backup_id: Which one; the newest if None.
        replace: Also where the lake is whole; what came after the backup is lost.

    Raises:
        FinksError: As `finks.lake.restoring.restore`.
    """
    place, store = settings.lake.place(), store_of(source)
    started = clock()
    run_id = new_run_id(started, random.SystemRandom().getrandbits)
    done = restore(
        place,
        store,
        backup_id=backup_id,
        replace=replace,
        run_id=run_id,
        clock=clock,
        tell=_teller("restore.copied", observer),
    )
    manifest = done.manifest
    report = RestoreReport(
        run_id=run_id,
        lake=place.address,
        started_at=started,
        source=store.address,
        backup_id=manifest.backup_id,
        backed_up_at=manifest.created_at,
        files=len(manifest.files),
        bytes=sum(file.size for file in manifest.files.values()),
        copied=done.copied,
        copied_bytes=done.copied_bytes,
        rows={name: table.rows for name, table in manifest.tables.items()},
        release=manifest.release,
    )
    report.finish(Lake.open(place), clock, "restores")
    return report


def list_backups(source: str | Path) -> dict[str, datetime]:
    """The backups that can be restored and when they were made, the newest first."""
    return {backup_id: begun(backup_id) for backup_id in backup_ids(store_of(source))}


def render_backup(facts: BackupFacts) -> str:
    """A backup as plain text."""
    tables = ", ".join(f"{name} {rows}" for name, rows in facts.rows.items()) or "no table"
    return "\n".join(
        [
            f"Backed up to {facts.target}: {facts.files} files, {facts.bytes:,} bytes; "
            f"{facts.copied} new, {facts.copied_bytes:,} bytes.",
            f"{len(facts.kept)} backups can be restored; {facts.removed} files that none of them needs were deleted.",
            f"Rows: {tables}",
        ]
    )


def render_restore(report: RestoreReport) -> str:
    """A restore as plain text."""
    served = "no Gold release" if report.release is None else f"Gold release {report.release}"
    return "\n".join(
        [
            f"Restored {report.lake} to backup {report.backup_id} of {report.backed_up_at:%Y-%m-%d %H:%M:%S} UTC.",
            f"{report.files} files, {report.bytes:,} bytes, each checked; {report.copied} of them copied.",
            f"{len(report.rows)} tables, {sum(report.rows.values())} rows; {served} is served.",
            *(f"Problem: {problem}" for problem in report.problems),
        ]
    )


def _facts(target: str, done: BackedUp) -> BackupFacts:
    return BackupFacts(
        target=target,
        files=done.files,
        bytes=done.bytes,
        copied=done.copied,
        copied_bytes=done.copied_bytes,
        removed=done.removed,
        kept=done.kept,
        rows={name: table.rows for name, table in done.manifest.tables.items()},
    )


def _teller(event: str, observer: Observer) -> Tell:
    return lambda name, done, total: observer(Event(event, name, done, total))
