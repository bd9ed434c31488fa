"""What is deployed, as the settings have it: pure, without a server and without Prefect."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
from finks.errors import ConfigurationError
from finks.run.sections import ScheduleSettings
from finks.run.settings import Settings, load_settings
from finks_flows.deploy.difference import compare
from finks_flows.deploy.plan import DeploymentPlan, FlowCard, Marks, Pool, Surroundings, make_plan, run_environment
from finks_flows.deploy.pools import with_defaults, with_tasks
from finks_flows.settings import EcsSettings, FlowsSettings, flows_settings
from hypothesis import given
from hypothesis import strategies as st

CARDS = [
    FlowCard("nightly", "finks_flows.flows.nightly", "All of it.", {"properties": {"config": {}}}),
    FlowCard("finks-backfill", "finks_flows.flows.backfill", "A window.", {"properties": {"start": {}}}),
    FlowCard("finks-maintenance", "finks_flows.flows.maintenance", "Care.", {"properties": {"config": {}}}),
    FlowCard("finks-check", "finks_flows.flows.check_alerts", "A look.", {"properties": {"config": {}}}),
]
AROUND = Surroundings(CARDS, {"variables": {}}, "/etc/finks/finks.toml", "1.2.3")


def plan(flows: dict | None = None, secrets: dict | None = None) -> DeploymentPlan:
    schedule = ScheduleSettings(cron="1 2 * * *", zone="Asia/Tokyo")
    settings = Settings(flows=flows or {}, schedule=schedule)
    return make_plan(settings, flows_settings(settings), AROUND, secrets or {})


def deployment(name: str, **flows):
    return next(each for each in plan(flows).deployments if each.name == name).fields


def test_every_flow_is_deployed_once_on_the_pool():
    made = plan({"pool": "lake", "project": "eu"})
    assert [each.name for each in made.deployments] == [f"{card.name}/eu" for card in CARDS]
    assert {each.fields["work_pool_name"] for each in made.deployments} == {made.pool.name} == {"lake"}


def test_the_nightly_the_maintenance_and_the_check_of_the_alerts_are_on_a_schedule():
    tokyo = {"slug": "finks", "cron": "1 2 * * *", "timezone": "Asia/Tokyo", "active": True}
    assert deployment("nightly/finks")["schedules"] == [tokyo]
    assert deployment("finks-maintenance/finks", maintenance="5 5 * * 0")["schedules"] == [
        {**tokyo, "cron": "5 5 * * 0"}
    ]
    assert deployment("finks-maintenance/finks", maintenance="")["schedules"] == []
    assert deployment("finks-check/finks", check_alerts="7 * * * *")["schedules"] == [{**tokyo, "cron": "7 * * * *"}]
    assert deployment("finks-check/finks", check_alerts="")["schedules"] == []
    assert deployment("finks-backfill/finks")["schedules"] == []


def test_a_deployment_runs_once_at_a_time_and_a_second_run_waits():
    fields = deployment("nightly/finks")
    assert (fields["concurrency_limit"], fields["collision_strategy"]) == (1, "ENQUEUE")


def test_a_flow_is_told_where_its_settings_are_if_it_asks():
    assert deployment("nightly/finks")["parameters"] == {"config": AROUND.config}
    assert deployment("finks-backfill/finks")["parameters"] == {}


def test_nothing_has_the_name_of_another_projects():
    def names(project: str) -> set[tuple[str, str]]:
        settings = {
            "project": project,
            "pool": project,
            "webhook": "http://hook",
            "results": "s3://b",
            "limits": {"a": 1},
        }
        return {(each.kind, each.name) for each in plan(settings, {"sources.fmp.api_key": "k"})}

    assert not names("finks") & names("finks2")


def test_what_refers_to_a_thing_is_made_after_it():
    kinds = [each.kind for each in plan({"webhook": "http://hook"})]
    assert kinds.index("block") < kinds.index("automation")
    assert kinds.index("work pool") < kinds.index("deployment")


def test_a_run_that_stops_beating_is_crashed_after_more_than_three_beats():
    zombies = next(each for each in plan().automations if "zombie" in each.name).fields
    assert zombies["trigger"]["within"] > 3 * 30
    assert zombies["trigger"]["posture"] == "Proactive"
    assert [action["state"] for action in zombies["actions"]] == ["CRASHED"]


def test_failures_are_told_only_where_somebody_listens():
    assert not [each for each in plan().automations if "failures" in each.name]
    (told,) = [each for each in plan({"webhook": "http://hook/secret-path"}).automations if "failures" in each.name]
    assert "secret-path" not in json.dumps(told.fields)


def test_a_secret_is_in_its_block_alone():
    made = plan({"secrets": ["sources.fmp.api_key"]}, {"sources.fmp.api_key": "abcdefgh12345"})
    assert [each.kind for each in made if "abcdefgh12345" in json.dumps(dict(each.fields))] == ["block"]
    assert all("abcdefgh12345" not in str(field) for block in made.blocks for field in compare(block, {}))


def test_a_run_takes_a_setting_from_a_block_by_its_variable():
    found = run_environment(FlowsSettings(secrets=("sources.fmp.api_key",)), Marks("finks"))
    assert found == {"FINKS_SOURCES__FMP__API_KEY": "{{ prefect.blocks.secret.finks-managed-sources-fmp-api-key }}"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=10,
)
fields = st.dictionaries(st.text(min_size=1, max_size=3), json_values, max_size=4)


@given(fields)
def test_a_thing_differs_in_nothing_from_itself(values):
    assert compare(Pool("p", values), json.loads(json.dumps(values))) == []


@given(fields, fields)
def test_a_thing_differs_exactly_when_a_wanted_field_does(wanted, found):
    same = all(name in found and found[name] == value for name, value in wanted.items())
    assert (compare(Pool("p", wanted), found) == []) == same


def test_a_difference_is_named_by_its_path():
    (field,) = compare(Pool("p", {"a": [{"b": 1}]}), {"a": [{"b": 2}], "other": 3})
    assert dataclasses.astuple(field) == ("a.0.b", "1", "2")


TEMPLATE = {
    "variables": {"properties": {name: {"default": None} for name in ("env", "image", "cpu", "memory", "cluster")}},
    "job_configuration": {"task_definition": {"containerDefinitions": [{"image": "{{ image }}"}], "cpu": "{{ cpu }}"}},
}


def test_a_task_has_time_to_end_and_gets_its_secrets_from_secrets_manager():
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key"
    made = with_tasks(TEMPLATE, EcsSettings(image="finks:1", cluster="lake", secrets={"FINKS_KEY": arn}))
    (container,) = made["job_configuration"]["task_definition"]["containerDefinitions"]
    assert container["stopTimeout"] == 120
    assert container["secrets"] == [{"name": "FINKS_KEY", "valueFrom": arn}]
    assert made["variables"]["properties"]["cluster"]["default"] == "lake"


def test_a_default_changes_no_other_variable_and_not_the_template_itself():
    before = json.dumps(TEMPLATE)
    made = with_defaults(TEMPLATE, {"env": {"A": "1"}})
    assert made["variables"]["properties"]["env"] == {"default": {"A": "1"}}
    assert made["variables"]["properties"]["cpu"] == {"default": None}
    assert json.dumps(TEMPLATE) == before


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("polo = 1", "key flows.polo", "one of api_auth"),
        ("concurrency = 0", "key flows.concurrency", "greater than or equal to 1"),
        ('pool_type = "ecs"', "key flows.pool_type", "[flows.ecs]"),
        ('project = "a-b"', "key flows.project", "pattern"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(tmp_path, text, where, expected):
    (tmp_path / "finks.toml").write_text(f"[flows]\n{text}\n")
    with pytest.raises(ConfigurationError) as caught:
        flows_settings(load_settings(tmp_path))
    assert where in (caught.value.where or "")
    assert expected in (caught.value.expected or "")


def test_an_error_never_shows_a_secret_setting(tmp_path):
    (tmp_path / "finks.toml").write_text('[flows]\nwebhook = ["hunter2hunter2"]\n')
    with pytest.raises(ConfigurationError) as caught:
        flows_settings(load_settings(tmp_path))
    assert "hunter2hunter2" not in str(caught.value)


def test_planning_and_the_commands_load_no_prefect():
    loaded = "[m for m in ('prefect', 'dbt') if m in sys.modules]"
    code = f"import sys, finks_flows.cli, finks_flows.deploy.command; print({loaded})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
