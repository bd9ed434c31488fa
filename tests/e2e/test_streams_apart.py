"""One stream of a source fails: the others land all the same, and the report says which one did not."""

from __future__ import annotations

from datetime import date

import finks
import pytest
from finks.contract import Contract, key
from finks.errors import SourceUnavailableError
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.source import BaseSource, Snapshot, Stream
from finks.testing import replies

DAY = date(2024, 6, 3)


class Thing(Contract, version="1.0"):
    """Something with a name."""

    name: str = key()


def source(url: str, broken) -> BaseSource:
    class Acme(BaseSource):
        name = "acme"
        base_url = url

        def streams(self):
            return [Stream(name, Thing, name, Snapshot(), keys=("a", "b")) for name in ("apples", "pears")]

        def fetch(self, stream, slice):
            if stream.name == "pears":
                broken()
            yield self.request(stream, slice)

    return Acme()


def run(tmp_path, made: BaseSource):
    settings = Settings(lake=LakeSettings(path=tmp_path / "lake"), run=RunSettings(logical_date=DAY))
    return Runner(settings, RunOptions(gold=False), given=[made]).run()


def defect() -> None:
    raise KeyError("nothing")


def outage() -> None:
    raise SourceUnavailableError("The pears are out.")


@pytest.mark.parametrize(("broken", "exit_code"), [(defect, 70), (outage, 4)])
def test_a_stream_that_fails_ends_alone(server, tmp_path, broken, exit_code):
    server.route("/apples", replies.json_text('[{"name": "boskoop"}]'))
    report = run(tmp_path, source(server.url, broken))
    assert report.exit_code == exit_code
    assert [problem.split(":")[0] for problem in report.problems] == ["acme_pears"]
    assert finks.open(tmp_path / "lake").latest("acme_apples").polars()["name"].to_list() == ["boskoop"]


def test_the_next_run_fetches_only_what_the_failed_stream_lacks(server, tmp_path):
    server.route("/apples", replies.json_text('[{"name": "boskoop"}]'))
    server.route("/pears", replies.json_text('[{"name": "conference"}]'))
    run(tmp_path, source(server.url, defect))
    before = len(server.requests)
    report = run(tmp_path, source(server.url, lambda: None))
    assert report.exit_code == 0
    assert {request.path for request in server.requests[before:]} == {"/pears"}
