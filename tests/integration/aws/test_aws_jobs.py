"""Starting, watching and stopping Glue jobs and ECS tasks against the local AWS, which records them but runs nothing.

A Glue job of the type `pythonshell` is the exception: its script runs, so its endings are real.
"""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest
from finks.errors import ConfigurationError, DeadlineExceededError, JobFailedError, RetryableError, StoppedError
from finks.run.jobs import Ending, Job, watch
from finks.run.jobs.ecs import EcsLauncher
from finks.run.jobs.glue import GlueLauncher
from finks.run.sections import EcsSettings
from finks.testing.aws_proxy import lost_answer, throttled

pytestmark = pytest.mark.aws

REFINE = Job("run-1-refine-1", ("--lake", "s3://b/lake", "--joins", "run-1", "--report", "jobs/run-1/refine-1.json"))
GOLD = Job("run-1-gold", ("gold", "--joins", "run-1"), {"FINKS_RUN_ID": "run-1", "TRACEPARENT": "00-1-2-01"})
ECS = EcsSettings(
    cluster="finks", task_definition="finks-gold", subnets=("subnet-1",), security_groups=("sg-1",), poll=0.1
)


def at_once(seconds: float) -> None:
    """No wait between two attempts."""


@pytest.fixture
def glue_job(aws) -> Callable[[str], str]:
    """Makes a Glue job whose script is this text."""

    def made(script: str) -> str:
        name = f"job-{abs(hash(script))}"
        boto3.client("s3").put_object(Bucket="finks-test", Key=f"{name}.py", Body=script.encode())
        boto3.client("glue").create_job(
            Name=name,
            Role="arn:aws:iam::000000000000:role/glue",
            Command={"Name": "pythonshell", "ScriptLocation": f"s3://finks-test/{name}.py"},
        )
        return name

    return made


def runs_of(name: str) -> list[dict]:
    return boto3.client("glue").get_job_runs(JobName=name)["JobRuns"]


def wait(job, **more) -> Ending:
    return watch(job, **{"stop": lambda: False, "timeout": 60, "poll": 0.2, **more})


def test_a_glue_job_that_succeeds_is_done(glue_job):
    name = glue_job("print('done')")
    assert wait(GlueLauncher(name).start(REFINE)) == Ending()
    (run,) = runs_of(name)
    assert run["Arguments"] == dict(zip(REFINE.arguments[::2], REFINE.arguments[1::2], strict=True))


def test_a_glue_job_that_fails_says_why_and_where_its_log_is(glue_job):
    name = glue_job("raise SystemExit('no room')")
    failure = wait(GlueLauncher(name).start(REFINE)).failure
    assert isinstance(failure, JobFailedError)
    (run,) = runs_of(name)
    assert "FAILED: no room" in str(failure)
    assert f"log-group/$252Faws-glue$252Fjobs$252Ferror/log-events/{run['Id']}" in str(failure)


def test_a_stopped_run_stops_its_glue_job(glue_job):
    name = glue_job("import time; time.sleep(20)")
    with pytest.raises(StoppedError):
        wait(GlueLauncher(name).start(REFINE), stop=lambda: True)
    assert [run["JobRunState"] for run in runs_of(name)] == ["STOPPED"]


def test_a_glue_job_under_way_is_found_and_not_started_twice(glue_job):
    name = glue_job("import time; time.sleep(20)  # found")
    first, second = (GlueLauncher(name).start(REFINE) for _ in range(2))
    assert len(runs_of(name)) == 1
    other = GlueLauncher(name).start(Job("run-1-refine-2", (*REFINE.arguments[:-1], "jobs/run-1/refine-2.json")))
    assert len(runs_of(name)) == 2
    for job in (first, second, other):
        job.stop()


def test_a_lost_answer_to_the_start_does_not_start_two(glue_job, proxy):
    name = glue_job("import time; time.sleep(20)  # lost")
    proxy.rule(lost_answer(), service="glue", operation="StartJobRun", times=1)
    job = GlueLauncher(name, sleep=at_once).start(REFINE)
    assert proxy.faults == 1
    assert len(runs_of(name)) == 1
    job.stop()
    assert runs_of(name)[0]["JobRunState"] == "STOPPED"


def test_a_start_that_is_throttled_for_ever_is_to_be_tried_later(glue_job, proxy):
    name = glue_job("print('never')")
    proxy.rule(throttled(), service="glue", operation="StartJobRun")
    with pytest.raises(RetryableError, match="glue:StartJobRun"):
        GlueLauncher(name, sleep=at_once).start(REFINE)
    assert runs_of(name) == []


def test_a_job_is_watched_through_throttling(glue_job, proxy):
    name = glue_job("print('through')")
    job = GlueLauncher(name).start(REFINE)
    proxy.rule(throttled(), service="glue", operation="GetJobRun", times=6)
    assert wait(job) == Ending()
    assert proxy.faults == 6


def test_a_glue_job_that_is_not_there_is_a_wrong_setting(aws):
    with pytest.raises(ConfigurationError, match=r"refine\.glue_job = nowhere"):
        GlueLauncher("nowhere").start(REFINE)


@pytest.fixture
def cluster(aws) -> str:
    """A cluster with the task definition of `ECS`. Returns its name."""
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName=ECS.cluster)
    ecs.register_task_definition(
        family="finks-gold",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="1024",
        memory="2048",
        containerDefinitions=[
            {
                "name": "finks",
                "image": "finks-dbt",
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/finks/gold",
                        "awslogs-region": "eu-central-1",
                        "awslogs-stream-prefix": "gold",
                    },
                },
            }
        ],
    )
    return ECS.cluster


def tasks(cluster: str) -> list[dict]:
    ecs = boto3.client("ecs")
    arns = [arn for status in ("RUNNING", "STOPPED") for arn in ecs.list_tasks(
        cluster=cluster, desiredStatus=status)["taskArns"]]  # fmt: skip
    return ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []


def test_a_task_has_the_jobs_command_and_variables_and_its_log_is_known(cluster):
    job = EcsLauncher(ECS).start(GOLD)
    (task,) = tasks(cluster)
    (override,) = task["overrides"]["containerOverrides"]
    assert override["command"] == list(GOLD.arguments)
    assert {entry["name"]: entry["value"] for entry in override["environment"]} == GOLD.environment
    assert job.look() is None
    stream = f"gold$252Ffinks$252F{task['taskArn'].rpartition('/')[2]}"
    assert job.log.endswith(f"region=eu-central-1#logsV2:log-groups/log-group/$252Ffinks$252Fgold/log-events/{stream}")
    job.stop()


@pytest.mark.parametrize(
    ("more", "error"),
    [({"stop": lambda: True}, StoppedError), ({"timeout": 0.5}, DeadlineExceededError)],
)
def test_a_task_ends_with_the_wish_for_it(cluster, more, error):
    job = EcsLauncher(ECS).start(GOLD)
    with pytest.raises(error):
        wait(job, **more)
    assert isinstance(job.look(), Ending)
    assert {task["lastStatus"] for task in tasks(cluster)} == {"STOPPED"}


def test_a_task_definition_that_is_not_there_is_a_wrong_setting(cluster):
    with pytest.raises(ConfigurationError, match=r"ecs\.task_definition = nowhere"):
        EcsLauncher(ECS.model_copy(update={"task_definition": "nowhere"})).start(GOLD)
