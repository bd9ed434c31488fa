"""A lake that is destroyed comes back from its backup, row for row; a backup is whole or does not count."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from finks.contract.result import REJECT_SCHEMA
from finks.errors import ConfigurationError, DataError, LakeBusyError
from finks.lake import Lake
from finks.run.care.backups import backup, list_backups, restore_lake
from finks.run.events import Event
from finks.run.sections import BackupSettings, LakeSettings
from finks.run.settings import Settings

TABLE = "fmp_daily_bars"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=LakeSettings(path=tmp_path / "lake"), backup=BackupSettings(target=tmp_path / "safe", keep=2))


@pytest.fixture
def filled(settings, build) -> Lake:
    """A lake with rows in every zone, and a report."""
    lake = Lake.open(settings.lake.path, create=True)
    lake.bronze(TABLE).append(build.responses(build.response("r1", 0)), {})
    more(lake, build, 1)
    rejects = {"bronze_ref": "r1", "ordinal": 7, "record": "{}", "rule": "type", "reason": "no", "contract": "c",
               "contract_version": "1.0", "known_at": build.at(0)}  # fmt: skip
    lake.quarantine_table(TABLE).append(pa.Table.from_pylist([rejects], schema=REJECT_SCHEMA), run_id="run-1")
    lake.place.keep("runs/run-1.json", '{"status": "succeeded"}')
    return lake


def more(lake: Lake, build, number: int) -> None:
    """New versions and a new release."""
    silver = lake.silver(TABLE, build.contract, "fmp")
    rows = [("AAPL", day, 100 * number + day) for day in range(40)]
    silver.write_versions(build.good(f"r{number}", number, rows), run_id="run-1", bookmark=number)
    lake.publish({"summary": pa.table({"day": [1, 2], "value": [number, number]})}, run_id="run-1")


def everything(address: str | Path) -> dict[str, list]:
    """Every row of every table, and the small files, but for the reports of backups and restores themselves."""
    lake = Lake.open(address)
    found = {
        "silver": lake.history(TABLE).polars().rows(),
        "quarantine": lake.quarantine(TABLE).polars().rows(),
        "ledger": lake.ledger(TABLE).polars().rows(),
        "gold": lake.gold("summary").polars().rows(),
        "releases": [release.release_id for release in lake.releases()],
    }
    return found | {name: [lake.place.kept(name)] for name in lake.place.kept_names("runs/")}


def destroy(settings: Settings) -> None:
    shutil.rmtree(settings.lake.path)


def test_a_destroyed_lake_comes_back_row_for_row(settings, filled):
    before = everything(settings.lake.path)
    backup(filled, settings, now)
    destroy(settings)
    report = restore_lake(settings, settings.backup.target, now)
    assert everything(settings.lake.path) == before
    assert (report.release, report.rows[f"silver.{TABLE}"]) == (1, 40)


def test_a_restored_lake_goes_on(settings, filled, build):
    backup(filled, settings, now)
    destroy(settings)
    restore_lake(settings, settings.backup.target, now)
    lake = Lake.open(settings.lake.path)
    more(lake, build, 2)
    assert lake.served_release() == 2
    assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 2
    lake.compact()
    lake.expire()
    assert lake.history(TABLE).polars().height == 80


def test_each_kept_backup_is_a_point_in_time(settings, filled, build):
    states, ids = [], []
    for number in (2, 3, 4):
        more(filled, build, number)
        states.append(everything(settings.lake.path))
        ids.append(backup(filled, settings, now).run_id)
    assert list(list_backups(settings.backup.target)) == ids[:0:-1], "two are kept"
    for backup_id, state in list(zip(ids, states, strict=True))[:0:-1]:
        destroy(settings)
        restore_lake(settings, settings.backup.target, now, backup_id=backup_id)
        assert everything(settings.lake.path) == state


def test_a_whole_lake_goes_back_only_when_told(settings, filled, build):
    before = everything(settings.lake.path)
    backup(filled, settings, now)
    more(filled, build, 2)
    with pytest.raises(ConfigurationError, match="whole"):
        restore_lake(settings, settings.backup.target, now)
    restore_lake(settings, settings.backup.target, now, replace=True)
    assert everything(settings.lake.path) == before


@pytest.mark.parametrize("part", ["catalog.db", "lake.json", "warehouse/silver", "warehouse/gold/releases/metadata"])
def test_a_damaged_lake_is_made_whole(settings, filled, part):
    before = everything(settings.lake.path)
    backup(filled, settings, now)
    target = settings.lake.path / part
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    restore_lake(settings, settings.backup.target, now)
    assert everything(settings.lake.path) == before


def test_a_second_backup_copies_only_what_is_new(settings, filled, build):
    first = backup(filled, settings, now).backup
    again = backup(filled, settings, now).backup
    assert first.copied == first.files
    assert again.copied == 1, "the report of the first one"
    more(filled, build, 2)
    assert 0 < backup(filled, settings, now).backup.copied < first.files


def test_pruning_leaves_what_a_kept_backup_needs(settings, filled, build):
    for number in (2, 3, 4):
        more(filled, build, number)
        filled.expire(keep_releases=1)
        last = backup(filled, settings, now).backup
    assert last.removed > 0
    named = {file for backup_id in last.kept for file in stored(settings, backup_id)}
    folder = settings.backup.target / "files"
    assert {f"files/{f.relative_to(folder).as_posix()}" for f in folder.rglob("*") if f.is_file()} == named


def stored(settings: Settings, backup_id: str) -> set[str]:
    from finks.lake.backup import read_manifest
    from finks.lake.stores import store_of

    manifest = read_manifest(store_of(settings.backup.target), backup_id)
    return {file.stored for file in manifest.files.values()}


def test_a_damaged_backup_file_is_named_and_nothing_is_restored(settings, filled):
    backup(filled, settings, now)
    file = next((settings.backup.target / "files/warehouse/silver").rglob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    destroy(settings)
    with pytest.raises(DataError, match="nothing was restored") as caught:
        restore_lake(settings, settings.backup.target, now)
    assert str(file) in str(caught.value)
    assert Lake.look(settings.lake.path).tables() == {"bronze": [], "silver": [], "quarantine": [], "gold": []}
    assert not [f for f in settings.lake.path.rglob("*") if f.is_file() and f.suffix in {".parquet", ".avro", ".json"}]


def test_a_missing_backup_file_is_named(settings, filled):
    backup(filled, settings, now)
    file = next((settings.backup.target / "files/warehouse/bronze").rglob("*.parquet"))
    file.unlink()
    destroy(settings)
    with pytest.raises(DataError, match="damaged") as caught:
        restore_lake(settings, settings.backup.target, now)
    assert str(file) in str(caught.value)


def test_a_file_that_the_target_lost_is_copied_again(settings, filled):
    backup(filled, settings, now)
    next((settings.backup.target / "files/warehouse/bronze").rglob("*.parquet")).unlink()
    backup(filled, settings, now)
    destroy(settings)
    restore_lake(settings, settings.backup.target, now)


def test_a_lake_that_lacks_a_file_is_not_backed_up(settings, filled):
    first = backup(filled, settings, now)
    lost = next((settings.lake.path / "warehouse/silver").rglob("*.parquet"))
    shutil.rmtree(settings.backup.target / "files")
    lost.unlink()
    with pytest.raises(DataError, match="missing") as caught:
        backup(filled, settings, now)
    assert lost.name in str(caught.value)
    assert list(list_backups(settings.backup.target)) == [first.run_id]


def test_no_backup_is_made_while_a_run_holds_the_lake(settings, filled):
    with filled.hold(run_id="run-2", command="finks run"), pytest.raises(LakeBusyError):
        backup(filled, settings, now)


def test_a_target_belongs_to_one_lake(settings, filled, tmp_path):
    backup(filled, settings, now)
    other = Lake.open(tmp_path / "other", create=True)
    with pytest.raises(ConfigurationError, match="another lake"):
        backup(other, settings, now)
    elsewhere = settings.model_copy(update={"lake": LakeSettings(path=tmp_path / "third")})
    with pytest.raises(ConfigurationError, match="another place"):
        restore_lake(elsewhere, settings.backup.target, now)


@pytest.mark.parametrize("target", ["lake/backups", "."])
def test_a_backup_is_not_kept_inside_the_lake_nor_around_it(settings, filled, tmp_path, target):
    inside = settings.model_copy(update={"backup": BackupSettings(target=tmp_path / target)})
    with pytest.raises(ConfigurationError, match="inside"):
        backup(filled, inside, now)


def test_a_directory_with_something_else_is_not_written_to(settings, filled, tmp_path):
    (tmp_path / "safe").mkdir()
    (tmp_path / "safe/letters.txt").write_text("dear")
    with pytest.raises(ConfigurationError, match="something else"):
        backup(filled, settings, now)


def test_an_unknown_backup_is_refused_with_the_known_ones(settings, filled):
    made = backup(filled, settings, now).run_id
    with pytest.raises(ConfigurationError) as caught:
        restore_lake(settings, settings.backup.target, now, backup_id="nope")
    assert made in str(caught.value)


def killed(settings: Settings, what: str, event: str, number: int) -> None:
    seen = 0

    def observe(told: Event) -> None:
        nonlocal seen
        seen += told.name == event
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    if what == "backup":
        backup(Lake.open(settings.lake.path), settings, now, observe)
    else:
        restore_lake(settings, settings.backup.target, now, observer=observe)


def kill(settings: Settings, what: str, event: str, number: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=killed, args=(settings, what, event, number))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_an_interrupted_backup_does_not_count_and_the_next_one_is_whole(settings, filled, build):
    before = everything(settings.lake.path)
    first = backup(filled, settings, now).run_id
    more(filled, build, 2)
    after = everything(settings.lake.path)
    kill(settings, "backup", "backup.copied", 9)
    assert list(list_backups(settings.backup.target)) == [first]
    destroy(settings)
    restore_lake(settings, settings.backup.target, now)
    assert everything(settings.lake.path) == before
    lake = Lake.open(settings.lake.path)
    more(lake, build, 2)
    backup(lake, settings, now)
    destroy(settings)
    restore_lake(settings, settings.backup.target, now)
    assert everything(settings.lake.path)["gold"] == after["gold"]


def test_an_interrupted_restore_is_completed_by_the_next_one(settings, filled):
    before = everything(settings.lake.path)
    backup(filled, settings, now)
    destroy(settings)
    kill(settings, "restore", "restore.copied", 9)
    with pytest.raises(ConfigurationError):
        Lake.open(settings.lake.path)
    restore_lake(settings, settings.backup.target, now)
    assert everything(settings.lake.path) == before


def test_a_full_disk_is_told_and_leaves_the_older_backup(settings, filled, build):
    first = backup(filled, settings, now).run_id
    more(filled, build, 2)
    process = multiprocessing.get_context("spawn").Process(target=without_room, args=(settings,))
    process.start()
    process.join()
    assert process.exitcode == ConfigurationError.exit_code
    assert list(list_backups(settings.backup.target)) == [first]
    assert not list(settings.backup.target.rglob("*.part"))


def without_room(settings: Settings) -> None:
    lake = Lake.open(settings.lake.path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with pytest.raises(ConfigurationError, match="cannot be written") as caught:
        backup(lake, settings, now)
    os._exit(caught.value.exit_code)


def test_memory_does_not_follow_the_size_of_a_file(settings, filled):
    large = settings.lake.path / "runs/large.bin"
    with large.open("wb") as file:
        file.truncate(96 * 2**20)
    tracemalloc.start()
    try:
        backup(filled, settings, now)
        large.unlink()
        restore_lake(settings, settings.backup.target, now, replace=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert large.stat().st_size == 96 * 2**20
    assert peak < 48 * 2**20
