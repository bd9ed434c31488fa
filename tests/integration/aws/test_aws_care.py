"""Replay, maintenance, backup and restore of a lake on S3 and Glue."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
import replaying as prices
from crashing import contents
from destroying import destroy
from finks.errors import ConfigurationError, DataError
from finks.lake import Lake
from finks.lake.stores import store_of
from finks.run.care.backups import backup, list_backups, restore_lake
from finks.run.care.checks import lake_checks
from finks.run.care.maintenance import maintain
from finks.run.events import Event
from finks.run.sections import BackupSettings
from finks.run.settings import Settings

pytestmark = pytest.mark.aws


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def settings(new_lake, tmp_path) -> Settings:
    """A lake on S3 whose backups go to another prefix."""
    lake = new_lake()
    target = str(lake.path).replace("/lake-", "/safe-")
    return Settings(lake=lake, backup=BackupSettings(target=target, keep=2))


@pytest.fixture
def filled(settings) -> Lake:
    """Rows in every zone, rejects among them, a release and a report."""
    lake = Lake.open(settings.lake.place(), create=True)
    more(lake, 0)
    lake.place.keep("runs/run-1.json", "{}")
    return lake


def more(lake: Lake, minute: int) -> None:
    prices.land(lake, [prices.response(minute, prices.body({0: 2 + minute, 1: 7, 2: 99}))])
    prices.refine(lake, prices.NARROW)
    lake.publish({"summary": pa.table({"value": [minute]})}, run_id="run-1")


def everything(settings: Settings) -> dict[str, list]:
    lake = Lake.open(settings.lake.place())
    return contents(str(settings.lake.path), gold=False) | {
        "gold": lake.gold("summary").polars().rows(),
        "report": [lake.place.kept("runs/run-1.json")],
    }


def test_a_replay_on_s3_gives_what_the_corrected_contract_would_have_made(settings, filled, new_lake):
    done = prices.replay(filled, prices.WIDE)
    fresh = Lake.open(new_lake().place(), create=True)
    prices.land(fresh, [prices.response(0, prices.body({0: 2, 1: 7, 2: 99}))])
    prices.refine(fresh, prices.WIDE)
    assert prices.history(filled) == prices.history(fresh)
    assert (done.resolved, done.judged_again, done.open_after) == (1, 1, 1)


@pytest.mark.slow
def test_a_lake_whose_prefix_and_tables_were_deleted_comes_back_row_for_row(settings, filled):
    before = everything(settings)
    backup(filled, settings, now)
    destroy(settings.lake)
    with pytest.raises(ConfigurationError, match="no lake"):
        Lake.open(settings.lake.place())
    report = restore_lake(settings, settings.backup.target, now)
    assert everything(settings) == before
    assert report.release == 1
    lake = Lake.open(settings.lake.place())
    more(lake, 1)
    assert lake.served_release() == 2


@pytest.mark.slow
def test_a_backup_in_a_directory_restores_a_lake_on_s3_to_a_point_in_time(settings, filled, tmp_path):
    here = settings.model_copy(update={"backup": BackupSettings(target=tmp_path / "safe")})
    before = everything(settings)
    first = backup(filled, here, now).run_id
    more(filled, 1)
    backup(filled, here, now)
    restore_lake(here, tmp_path / "safe", now, backup_id=first, replace=True)
    assert everything(settings) == before


@pytest.mark.slow
def test_a_damaged_object_is_named_and_nothing_is_restored(settings, filled):
    backup(filled, settings, now)
    safe = store_of(settings.backup.target)
    damaged = next(file.name for file in safe.files("files/silver/") if file.name.endswith(".parquet"))
    safe.write(damaged, [b"not parquet"])
    destroy(settings.lake)
    with pytest.raises(DataError, match="nothing was restored") as caught:
        restore_lake(settings, settings.backup.target, now)
    assert damaged in str(caught.value)
    assert list(store_of(settings.lake.path).files()) == []


@pytest.mark.slow
def test_a_backup_that_breaks_off_does_not_count(settings, filled):
    first = backup(filled, settings, now).run_id
    more(filled, 1)

    def break_off(event: Event) -> None:
        if event.name == "backup.copied" and event.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(filled, settings, now, break_off)
    assert list(list_backups(settings.backup.target)) == [first]
    again = backup(filled, settings, now)
    assert list(list_backups(settings.backup.target)) == [again.run_id, first]


@pytest.mark.slow
def test_maintenance_on_s3_merges_backs_up_and_checks(settings, filled):
    for minute in range(1, 5):
        more(filled, minute)
    report = maintain(filled, settings, now)
    assert report.exit_code == 0, report.problems
    assert report.compacted
    assert report.backup is not None
    found = {check.name: check.status for check in lake_checks(filled, settings, now())}
    assert found == {"lock": "ok", "files": "ok", "backup": "ok"}


def test_an_object_is_written_whole_or_not_at_all(settings, aws):
    store = store_of(settings.backup.target)

    def breaking():
        yield b"x" * 9_000_000
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="gone"):
        store.write("part", breaking())
    assert list(store.files()) == []
    store.write("whole", [b"a" * 5_000_000, b"b" * 5_000_000])
    assert sum(map(len, store.read("whole"))) == 10_000_000
