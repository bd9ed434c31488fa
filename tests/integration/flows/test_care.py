"""The flows beside the nightly one: what they tell when something is wrong."""

from __future__ import annotations

import json
import shutil

import pytest
from finks.lake.place import place_of
from finks.notify.began import BEGAN

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]


def test_each_tells_what_is_wrong_and_a_run_that_died_is_told_while_nothing_runs(prefect, vendor):
    directory = prefect.project / "lake"
    shutil.rmtree(directory, ignore_errors=True)
    (prefect.project / "a file").touch()
    prefect.deployed(vendor.settings + '[backup]\ntarget = "a file"\n')
    assert prefect.run_once("check_alerts")["name"] == "Skipped"  # no run has made the lake yet
    assert prefect.run_once()["name"] == "Completed"
    assert vendor.alerts == []

    dead = {"run_id": "dead", "command": "the flow nightly", "started_at": "2024-06-03T20:00:00+00:00"}
    place_of(directory).keep(BEGAN, json.dumps(dead))
    assert "the flow nightly" in prefect.run_once("check_alerts")["message"]
    assert prefect.run_once("replay", table="no_such_table")["name"] == "Misconfigured"
    assert prefect.run_once("maintenance")["type"] == "FAILED"
    told = [(alert["kind"], alert["subject"]) for alert in vendor.alerts]
    assert told == [("zombie_run", "run"), ("failure", "replay"), ("failure", "maintenance")]
    links = [alert["run_link"] for alert in vendor.alerts[1:]]
    assert all("/runs/flow-run/" in link for link in links)
