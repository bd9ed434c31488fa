"""Maintenance does its parts under one lease, keeps its report, and says what it found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from finks.errors import LakeBusyError
from finks.lake import Lake
from finks.run.care.backups import backup
from finks.run.care.checks import Check, disk_space, lake_checks
from finks.run.care.maintenance import MaintenanceReport, maintain
from finks.run.identity import begun
from finks.run.sections import BackupSettings, LakeSettings
from finks.run.settings import Settings
from replaying import NARROW, body, land, latest, refine, response


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=LakeSettings(path=tmp_path / "lake"), backup=BackupSettings(target=tmp_path / "safe"))


@pytest.fixture
def lake(settings) -> Lake:
    """A lake with many small files."""
    made = Lake.open(settings.lake.path, create=True)
    for minute in range(6):
        land(made, [response(minute, body({0: minute % 5, 1: 2}))])
        refine(made, NARROW)
    return made


def checks(lake: Lake, settings: Settings, at: datetime | None = None) -> dict[str, Check]:
    return {check.name: check for check in lake_checks(lake, settings, at or now())}


def test_small_files_are_merged_and_the_lake_is_backed_up(lake, settings):
    before = latest(lake)
    report = maintain(lake, settings, now)
    assert report.exit_code == 0
    assert report.compacted["silver.acme_prices"].before > report.compacted["silver.acme_prices"].after
    assert report.backup is not None
    assert report.backup.kept == [report.run_id]
    assert latest(lake) == before


def test_the_report_is_kept_under_the_id_of_a_run(lake, settings):
    report = maintain(lake, settings, now)
    assert abs(begun(report.run_id) - report.started_at) < timedelta(milliseconds=1)
    kept = MaintenanceReport.model_validate_json(lake.place.kept(f"maintenance/{report.run_id}.json") or "")
    assert kept == report


def test_what_expiry_deletes_is_counted(lake, settings):
    later = Lake.open(settings.lake.path, clock=lambda: now() + timedelta(days=9))
    report = maintain(later, settings, now)
    assert sum(report.deleted.values()) > 0
    assert report.after.files < report.before.files + len(report.compacted) * 5
    assert report.after.bytes > 0


def test_a_backup_that_fails_is_a_problem_and_the_rest_is_done(lake, settings, tmp_path):
    (tmp_path / "safe").mkdir()
    (tmp_path / "safe/letters.txt").write_text("dear")
    report = maintain(lake, settings, now)
    assert report.exit_code == 2
    assert report.problems[0].startswith("Backup: The place for backups holds something else.")
    assert report.compacted
    assert lake.place.kept(f"maintenance/{report.run_id}.json")


def test_no_maintenance_while_a_run_holds_the_lake(lake, settings):
    with lake.hold(run_id="run-2", command="finks run"), pytest.raises(LakeBusyError):
        maintain(lake, settings, now)


def test_tables_that_need_compaction_are_named_until_it_is_done(lake, settings):
    found = checks(lake, settings)["files"]
    assert found.status == "warning"
    assert "silver.acme_prices (6)" in found.text
    lake.compact()
    assert checks(lake, settings)["files"].status == "ok"


def test_a_backup_that_is_absent_or_old_is_a_warning(lake, settings):
    without = settings.model_copy(update={"backup": BackupSettings()})
    assert "none is configured" in checks(lake, without)["backup"].text
    assert "none yet" in checks(lake, settings)["backup"].text
    backup(lake, settings, now)
    assert checks(lake, settings)["backup"].status == "ok"
    old = checks(lake, settings, now() + timedelta(hours=27))["backup"]
    assert (old.status, "27.0 hours old" in old.text) == ("warning", True)


def test_a_run_that_died_holding_the_lake_is_named(lake, settings):
    assert checks(lake, settings)["lock"].status == "ok"
    code = "import os, sys, signal; from finks.lake import Lake; lake = Lake.open(sys.argv[1])\n"
    code += "with lake.hold(run_id='run-7', command='finks run'): os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code, str(settings.lake.path)], check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    found = checks(lake, settings)["lock"]
    assert (found.status, "run-7" in found.text) == ("warning", True)
    maintain(lake, settings, now)
    assert checks(lake, settings)["lock"].status == "ok"


def test_the_room_on_the_disk_is_told_even_before_the_directory_is_made(tmp_path):
    found = disk_space("disk", tmp_path / "not/yet/there")
    assert "GiB free at" in found.text


def test_the_commands_print_their_reports_as_json(lake, settings, tmp_path, finks_command):
    (tmp_path / "finks.toml").write_text('[backup]\ntarget = "safe"\n')
    for command in (("maintain",), ("backup",), ("restore", "safe", "--replace")):
        done = finks_command(*command, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["exit_code"] == 0
    listed = finks_command("restore", "safe", "--list", cwd=tmp_path).stdout
    assert len(listed.splitlines()) == 2
    doctor = finks_command("doctor", cwd=tmp_path)
    assert doctor.returncode == 0
    assert "backup: the newest of 2 is 0.0 hours old" in doctor.stdout
