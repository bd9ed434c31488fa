from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from finks.errors import LakeBusyError
from finks.lake import lease

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from finks.lake import lease
with lease.hold(Path(sys.argv[1]), run_id="run-7", command="finks run", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(path):
    return lease.hold(path, run_id="run-8", command="finks demo", clock=lambda: NOW)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_who_holds_the_lake_and_since_when(tmp_path, holder):
    with pytest.raises(LakeBusyError) as caught, hold(tmp_path):
        pass
    text = str(caught.value)
    assert "finks run" in text
    assert "run-7" in text
    assert str(holder.pid) in text
    assert "2026-01-01T00:00:00+00:00" in text


def test_the_holder_is_shown(tmp_path, holder):
    found = lease.current(tmp_path)
    assert found is not None
    assert (found.pid, found.run_id) == (holder.pid, "run-7")


def test_a_killed_holder_frees_the_lake(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert lease.current(tmp_path) is None
    with hold(tmp_path) as mine:
        assert mine.run_id == "run-8"


def test_the_lake_is_free_after_the_block_even_when_it_failed(tmp_path):
    with pytest.raises(RuntimeError), hold(tmp_path):
        raise RuntimeError
    assert lease.current(tmp_path) is None
    with hold(tmp_path):
        found = lease.current(tmp_path)
        assert found is not None
        assert found.run_id == "run-8"
