"""The drill of docs/recovery.md on a lake with real prices: back up, lose the lake, restore, go on."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import finks
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crashing import contents
from finks.run.care.backups import backup, restore_lake
from finks.run.care.maintenance import maintain
from finks.run.sections import BackupSettings

pytestmark = pytest.mark.slow


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def safe(settings, tmp_path):
    """The same settings, with a target for backups."""
    return settings.model_copy(update={"backup": BackupSettings(target=tmp_path / "safe")})


def test_a_lost_lake_comes_back_with_gold_and_the_next_run_fetches_nothing(run, safe):

    assert run().exit_code == 0
    lake = finks.open(safe.lake.path)
    assert maintain(lake, safe, now).exit_code == 0
    before = contents(safe.lake.path, gold=True)
    backup(lake, safe, now)
    shutil.rmtree(safe.lake.path)
    report = restore_lake(safe, safe.backup.target, now)
    assert report.release == 1
    assert contents(safe.lake.path, gold=True) == before
    again = run()
    assert again.exit_code == 0
    assert again.gold.status == "unchanged"
    assert (again.total("new"), again.total("changed"), again.total("retracted")) == (0, 0, 0)
