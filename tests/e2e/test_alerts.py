"""Runs of every kind, and what is told of them: a real lake, a real receiver."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from finks.contract import Contract, key
from finks.errors import ConfigurationError, LakeBusyError
from finks.lake import Lake
from finks.notify import AlertSettings, read_book
from finks.run.care.maintenance import maintain
from finks.run.care.replay import replay
from finks.run.listeners import alerting
from finks.run.runner import Runner, RunOptions, utc_now
from finks.run.sections import BackupSettings, LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.source import BaseSource, Snapshot, Stream
from finks.testing import replies

OK = replies.json_text("{}")
FINE = replies.json_text('[{"name": "boskoop"}]')


class Thing(Contract, version="1.0"):
    """Something with a name."""

    name: str = key()


@pytest.fixture
def world(tmp_path, server):
    """A lake, a source of two streams and a receiver of alerts."""

    class Acme(BaseSource):
        name = "acme"
        base_url = server.url

        def streams(self):
            return [Stream(name, Thing, name, Snapshot(), keys=("a", "b", "c")) for name in ("apples", "pears")]

    server.route("/hook", OK)
    settings = Settings(
        lake=LakeSettings(path=tmp_path / "lake"),
        run=RunSettings(logical_date=date(2024, 6, 3)),
        alerts=AlertSettings(notifiers={"webhook": {"url": f"{server.url}/hook"}}),
    )

    def run(given=Acme, **more):
        options = RunOptions(gold=False, **more)
        return Runner(settings, options, given=[given()], listeners=[alerting.listener(settings)]).run()

    def told() -> list[tuple[str, str, str]]:
        bodies = [json.loads(request.body) for request in server.requests if request.path == "/hook"]
        return [(body["kind"], body["subject"], body["status"]) for body in bodies]

    run.told, run.settings = told, settings
    return run


def test_an_outage_of_one_stream_is_told_once_and_its_end_once(world, server):
    server.route("/apples", FINE)
    server.route("/pears", replies.json_text("", 404))
    server.route("/pears", replies.json_text("", 400))
    assert [world().exit_code, world().exit_code] == [4, 4]
    assert world.told() == [("failure", "acme_pears", "open")]
    server.route("/pears", FINE)
    assert [world().exit_code, world().exit_code] == [0, 0]
    assert world.told() == [("failure", "acme_pears", "open"), ("failure", "acme_pears", "resolved")]


def test_a_receiver_that_refuses_is_a_problem_of_the_run_and_told_later(world, server):
    server.route("/apples", FINE)
    server.route("/pears", FINE)
    server.route("/hook", replies.json_text("", 403))
    # A run that begins after one that never ended has something to tell.
    lake = Lake.open(world.settings.lake.place(), create=True)
    lake.place.keep(
        "alerts/began.json",
        json.dumps({"run_id": "dead", "command": "finks run", "started_at": "2024-06-02T20:00:00+00:00"}),
    )
    report = world()
    assert "HTTP 403" in "\n".join(report.problems)
    server.route("/hook", OK)
    before = len(world.told())
    world()
    assert [one for one in world.told()[before:] if one[0] == "zombie_run"] == [("zombie_run", "run", "resolved")]


def test_a_run_that_cannot_begin_is_told(world):
    def broken():
        raise ConfigurationError("The key is not a key.", hint="Correct it.")

    class Never(BaseSource):
        name = "never"

        def streams(self):
            broken()

    with pytest.raises(ConfigurationError):
        world(Never, refetch=frozenset({"x"}))
    assert world.told() == [("failure", "run", "open")]


def test_a_run_that_finds_the_lake_at_work_tells_nobody(world):
    lake = Lake.open(world.settings.lake.place(), create=True)
    with lake.hold(run_id="other", command="finks run"), pytest.raises(LakeBusyError):
        world()
    assert world.told() == []


DIES = """
import os, signal, sys
from pathlib import Path
from finks.run.listeners.alerting import listener
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings
from finks.run.settings import Settings
from finks.contract import Contract, key
from finks.source import BaseSource, Snapshot, Stream

class Thing(Contract, version="1.0"):
    \"\"\"Something with a name.\"\"\"
    name: str = key()

class Never(BaseSource):
    name = "never"
    base_url = "http://127.0.0.1:9"
    def streams(self):
        return [Stream("asked", Thing, "asked", Snapshot(), keys=("a",))]

def die(event):
    if event.name == "step.started":
        os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(lake=LakeSettings(path=Path(sys.argv[1])))
Runner(settings, RunOptions(gold=False), die, given=[Never()], listeners=[listener(settings)]).run()
"""


@pytest.mark.slow
def test_a_run_that_was_killed_is_a_zombie_told_once_until_a_run_ends(world, server, tmp_path):
    server.route("/apples", FINE)
    server.route("/pears", FINE)
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "lake")], env=os.environ, timeout=120)
    assert died.returncode == -signal.SIGKILL
    alerts = alerting.listener(world.settings)
    place = world.settings.lake.place()
    now = datetime.now(UTC)
    assert [found.kind for hours in (0, 1) for found in alerts.check(place, now + timedelta(hours=hours))] == [
        "zombie_run",
        "zombie_run",
    ]
    assert world.told() == [("zombie_run", "run", "open")]
    world()
    assert world.told() == [("zombie_run", "run", "open"), ("zombie_run", "run", "resolved")]
    assert alerts.check(place, now) == []


def test_a_schedule_that_stands_still_is_told_and_a_run_is_the_end_of_it(world, server):
    server.route("/apples", FINE)
    server.route("/pears", FINE)
    world()
    alerts, place = alerting.listener(world.settings), world.settings.lake.place()
    assert alerts.check(place, datetime.now(UTC)) == []
    (found,) = alerts.check(place, datetime.now(UTC) + timedelta(days=10))
    assert (found.kind, found.subject) == ("freshness_breach", "run")
    world()
    assert [status for *_, status in world.told()] == ["open", "resolved"]
    assert read_book(place).entries == {}


def test_a_run_at_work_is_no_zombie(world):
    lake = Lake.open(world.settings.lake.place(), create=True)
    alerts = alerting.listener(world.settings)
    with lake.hold(run_id="r1", command="finks run"):
        lake.place.keep(
            "alerts/began.json",
            json.dumps({"run_id": "r1", "command": "finks run", "started_at": "2024-06-02T20:00:00+00:00"}),
        )
        assert alerts.check(lake.place, datetime.now(UTC)) == []


def test_maintenance_that_fails_is_told_once_until_one_does_not(world, server, tmp_path):
    server.route("/apples", FINE)
    server.route("/pears", FINE)
    world()

    def maintained(target) -> int:
        settings = world.settings.model_copy(update={"backup": BackupSettings(target=str(target))})
        work = partial(maintain, Lake.open(tmp_path / "lake"), settings, utc_now)
        return alerting.cared(settings, "maintenance", work, utc_now).exit_code

    (tmp_path / "a file").touch()
    assert all(maintained(tmp_path / "a file") for _ in range(2))
    opened = ("failure", "maintenance", "open")
    assert world.told() == [opened]
    # A run says nothing of it.
    world()
    assert world.told() == [opened]
    assert maintained(tmp_path / "backups") == 0
    assert world.told() == [opened, ("failure", "maintenance", "resolved")]


def test_a_replay_that_cannot_begin_is_told_and_one_that_finds_the_lake_at_work_is_not(world):
    lake = Lake.open(world.settings.lake.place(), create=True)

    def replayed(table):
        alerting.cared(world.settings, "replay", partial(replay, lake, world.settings, utc_now, table=table), utc_now)

    with lake.hold(run_id="other", command="finks run"), pytest.raises(LakeBusyError):
        replayed(None)
    assert world.told() == []
    with pytest.raises(ConfigurationError):
        replayed("nothing")
    assert world.told() == [("failure", "replay", "open")]


def test_maintenance_with_a_defect_is_told_without_its_text(world, server):
    Lake.open(world.settings.lake.place(), create=True)

    def broken():
        raise RuntimeError("a secret")

    with pytest.raises(RuntimeError):
        alerting.cared(world.settings, "maintenance", broken, utc_now)
    (told,) = [request.body.decode() for request in server.requests if request.path == "/hook"]
    assert "RuntimeError" in told
    assert "a secret" not in told
