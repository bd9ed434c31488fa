"""`finks deploy` on a real server: once is enough, hand edits are named, what others made stays."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]

EVERYTHING = """
[flows]
webhook = "http://127.0.0.1:1/hook"
results = "s3://bucket/results"
secrets = ["sources.files.transactions"]
variables = { desk = "equities" }
limits = { lake = 1, vendor = 3 }
"""


def test_deploying_twice_changes_nothing(prefect):
    prefect.deployed(EVERYTHING)
    before = prefect.everything()
    again = prefect.deploy("--json", settings=EVERYTHING)
    assert (again.returncode, json.loads(again.stdout)) == (0, [])
    assert prefect.everything() == before
    assert all(before[kind] for kind in before)


def schedule(prefect) -> str:
    nightly = prefect.deployment()
    return f"/deployments/{nightly['id']}/schedules/{nightly['schedules'][0]['id']}"


def automation(prefect) -> dict:
    found = prefect.call("POST", "/automations/filter", {})
    return next(each for each in found if each["name"] == "finks: zombie runs")


def change_cron(prefect):
    prefect.call("PATCH", schedule(prefect), {"schedule": {"cron": "0 3 * * *", "timezone": "America/New_York"}})


def change_zone(prefect):
    cron = prefect.deployment()["schedules"][0]["schedule"]["cron"]
    prefect.call("PATCH", schedule(prefect), {"schedule": {"cron": cron, "timezone": "UTC"}})


def pause_schedule(prefect):
    prefect.call("PATCH", schedule(prefect), {"active": False})


def pause_deployment(prefect):
    prefect.call("PATCH", f"/deployments/{prefect.deployment()['id']}", {"paused": True})


def change_parameters(prefect):
    prefect.call("PATCH", f"/deployments/{prefect.deployment()['id']}", {"parameters": {"config": "/elsewhere"}})


def change_runs_at_once(prefect):
    prefect.call("PATCH", f"/deployments/{prefect.deployment()['id']}", {"concurrency_limit": 7})


def change_limit(prefect):
    prefect.call("PATCH", "/v2/concurrency_limits/finks:lake", {"limit": 9})


def delete_limit(prefect):
    prefect.call("DELETE", "/v2/concurrency_limits/finks:lake")


def change_pool(prefect):
    prefect.call("PATCH", "/work_pools/finks", {"concurrency_limit": 50})


def pause_pool(prefect):
    prefect.call("PATCH", "/work_pools/finks", {"is_paused": True})


def change_variable(prefect):
    prefect.call("PATCH", "/variables/name/finks_lake", {"value": "/elsewhere"})


def delete_automation(prefect):
    prefect.call("DELETE", f"/automations/{automation(prefect)['id']}")


def disable_automation(prefect):
    prefect.call("PATCH", f"/automations/{automation(prefect)['id']}", {"enabled": False})


def delay_automation(prefect):
    found = automation(prefect)
    found["trigger"]["within"] = 3600
    prefect.call(
        "PUT", f"/automations/{found['id']}", {n: v for n, v in found.items() if n not in ("created", "id", "updated")}
    )


NIGHTLY = "deployment 'nightly/finks'"
CHANGES = [
    (change_cron, NIGHTLY, 'schedules.0.cron: wanted "30 20 * * *", found "0 3 * * *"'),
    (pause_schedule, NIGHTLY, "schedules.0.active: wanted true, found false"),
    (pause_deployment, NIGHTLY, "paused: wanted false, found true"),
    (change_parameters, NIGHTLY, 'found "/elsewhere"'),
    (change_runs_at_once, NIGHTLY, "concurrency_limit: wanted 1, found 7"),
    (change_limit, "concurrency limit 'finks:lake'", "limit: wanted 1, found 9"),
    (change_pool, "work pool 'finks'", "concurrency_limit: wanted 2, found 50"),
    (pause_pool, "work pool 'finks'", "is_paused: wanted false, found true"),
    (change_variable, "variable 'finks_lake'", 'found "/elsewhere"'),
    (disable_automation, "automation 'finks: zombie runs'", "enabled: wanted true, found false"),
    (delay_automation, "automation 'finks: zombie runs'", "trigger.within: wanted 120.0, found 3600.0"),
]
OTHERS = [
    (change_zone, NIGHTLY, 'schedules.0.timezone: wanted "America/New_York", found "UTC"'),
    (delete_limit, "concurrency limit 'finks:lake'", "it is not there"),
    (delete_automation, "automation 'finks: zombie runs'", "it is not there"),
]


@pytest.mark.parametrize("edits", [CHANGES, OTHERS], ids=["changes", "deletions"])
def test_check_names_each_hand_edit_and_deploy_brings_it_back(prefect, edits):
    clean = prefect.deploy("--check")
    assert clean.returncode == 0, clean.stderr
    for edit, *_ in edits:
        edit(prefect)
    checked = prefect.deploy("--check")
    assert checked.returncode == 6
    named = re.split(r"\n(?! )", checked.stderr)
    for edit, thing, field in edits:
        assert [block for block in named if block.startswith(thing) and field in block], edit.__name__
    prefect.deployed()
    again = prefect.deploy("--check")
    assert again.returncode == 0, again.stderr


def test_what_others_made_is_never_touched(prefect):
    flow = prefect.call("POST", "/flows/", {"name": "theirs"})
    prefect.call("POST", "/deployments/", {"name": "finks", "flow_id": flow["id"], "tags": ["finks"]})
    prefect.call("POST", "/v2/concurrency_limits/", {"name": "finks-theirs", "limit": 4})
    prefect.call("POST", "/variables/", {"name": "finks_theirs", "value": 1})
    prefect.call("POST", "/work_pools/", {"name": "theirs", "type": "process"})
    trigger = {"type": "event", "expect": ["a"], "posture": "Reactive", "threshold": 1, "within": 0}
    prefect.call(
        "POST", "/automations/", {"name": "finks: theirs", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    )
    before = prefect.everything()
    prefect.deployed(EVERYTHING)
    prefect.deployed()
    after = prefect.everything()
    for kind, things in before.items():
        theirs = {name: state for name, state in things.items() if "theirs" in name or flow["id"] in name}
        assert theirs.items() <= after[kind].items()


def test_what_finks_made_and_no_longer_wants_is_removed(prefect):
    before = prefect.everything()
    prefect.deployed(EVERYTHING)
    assert prefect.everything() != before
    prefect.deployed()
    after = prefect.everything()
    assert {kind: set(things) for kind, things in after.items()} == {kind: set(t) for kind, t in before.items()}


def test_a_thing_in_the_way_that_finks_did_not_make_is_named_and_left(prefect):
    prefect.call("POST", "/variables/", {"name": "finks_mine", "value": "by hand"})
    refused = prefect.deploy(settings='[flows]\nvariables = { mine = "by finks" }\nlimits = { lake = 5 }\n')
    assert refused.returncode == 6
    assert "finks_mine" in refused.stderr
    assert prefect.call("GET", "/variables/name/finks_mine")["value"] == "by hand"
    assert prefect.call("GET", "/v2/concurrency_limits/finks:lake")["limit"] == 1


def test_no_secret_is_shown(prefect):
    prefect.deployed(EVERYTHING)
    shown = prefect.deploy("--check", settings=EVERYTHING.replace("/hook", "/token-1234567890"))
    assert shown.returncode == 6
    assert "block 'webhook/finks-managed-webhook'" in shown.stderr
    assert "token-1234567890" not in shown.stdout + shown.stderr
    assert "/hook" not in shown.stdout + shown.stderr


ECS = """
[flows]
project = "cloud"
pool = "cloud"
pool_type = "ecs"
[flows.ecs]
image = "finks-flows:1"
cluster = "lake"
task_role_arn = "arn:aws:iam::123456789012:role/lake"
subnets = ["subnet-0123456789abcdef0"]
log_group = "/lake/runs"
[flows.ecs.secrets]
FINKS_SOURCES__FMP__API_KEY = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:fmp"
"""


def test_a_pool_of_ecs_tasks_is_taken_by_the_server_beside_another_project(prefect):
    before = prefect.everything()
    prefect.deployed(ECS)
    pool = prefect.call("GET", "/work_pools/cloud")
    assert pool["base_job_template"]["variables"]["properties"]["image"]["default"] == "finks-flows:1"
    again = prefect.deploy("--json", settings=ECS)
    assert (again.returncode, json.loads(again.stdout)) == (0, [])
    after = prefect.everything()
    assert all(things.items() <= after[kind].items() for kind, things in before.items())
