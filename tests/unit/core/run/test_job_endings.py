"""What AWS says of a job becomes an error that says what to do. Every answer here is valid by botocore's own model."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.validate import ParamValidator
from finks.errors import (
    ConfigurationError,
    DataError,
    DeadlineExceededError,
    JobFailedError,
    LakeBusyError,
    QualityError,
    RetryableError,
    StoppedError,
)
from finks.run.jobs.ecs import refusal, run_task_request, task_ending
from finks.run.jobs.glue import run_ending
from finks.run.jobs.model import Job
from finks.run.jobs.results import Failure
from finks.run.sections import EcsSettings

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/finks/0f9c"
GOLD = Job("0190163d-8694-739b-aea5-966c26f8ad91-gold", ("gold", "--joins", "run-1"), {"FINKS_RUN_ID": "run-1"})
SETTINGS = EcsSettings(cluster="finks", task_definition="finks-gold:3", subnets=("subnet-1", "subnet-2"))


def assert_valid(service: str, shape: str, value: object) -> None:
    model = botocore.session.get_session().get_service_model(service).shape_for(shape)
    report = ParamValidator().validate(value, model)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        SETTINGS.model_copy(update={"security_groups": ("sg-1",), "public_ip": True, "launch_type": "EC2"}),
    ],
)
def test_the_request_for_a_task_follows_the_api(settings):
    request = run_task_request(settings, GOLD)
    assert_valid("ecs", "RunTaskRequest", request)
    network = request["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == ("ENABLED" if settings.public_ip else "DISABLED")
    # By the API reference: 1 to 64 characters.
    assert 1 <= len(request["clientToken"]) <= 64


@pytest.mark.parametrize("name", ["task_definition", "subnets"])
def test_a_task_needs_its_settings(name):
    with pytest.raises(ConfigurationError, match=rf"ecs\.{name}"):
        run_task_request(SETTINGS.model_copy(update={name: None}), GOLD)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("FAILED", JobFailedError),
        ("ERROR", JobFailedError),
        ("STOPPED", JobFailedError),
        ("EXPIRED", JobFailedError),
        ("TIMEOUT", DeadlineExceededError),
    ],
)
def test_a_glue_run_that_did_not_succeed_says_so(state, kind):
    run = {"Id": "jr_1", "JobName": "refine", "JobRunState": state, "ErrorMessage": "no room"}
    assert_valid("glue", "JobRun", run)
    ending = run_ending(run, "https://log")
    assert ending is not None
    assert type(ending.failure) is kind
    assert f"{state}: no room" in str(ending.failure)
    assert "https://log" in str(ending.failure)


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_glue_run_under_way_has_no_ending(state):
    assert run_ending({"JobRunState": state}, "") is None


def stopped(stop_code: str, why: str, **container: object) -> dict[str, object]:
    task = {
        "taskArn": ARN,
        "lastStatus": "STOPPED",
        "stopCode": stop_code,
        "stoppedReason": why,
        "containers": [{"name": "proxy", "exitCode": 0}, {"name": "finks", **container}],
    }
    assert_valid("ecs", "Task", task)
    return task


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        (stopped("EssentialContainerExited", "Essential container in task exited", exitCode=5), DataError),
        (stopped("EssentialContainerExited", "Essential container in task exited", exitCode=143), StoppedError),
        (
            stopped("EssentialContainerExited", "Essential", exitCode=137, reason="OutOfMemoryError: killed"),
            JobFailedError,
        ),
        (stopped("TaskFailedToStart", "CannotPullContainerError: no such image"), ConfigurationError),
        (stopped("SpotInterruption", "Your Spot Task was interrupted."), JobFailedError),
        (stopped("UserInitiated", "Task stopped by a person"), JobFailedError),
    ],
)
def test_a_task_that_did_not_do_its_work_says_why(task, kind):
    ending = task_ending(task, "finks", "https://log")
    assert ending is not None
    assert type(ending.failure) is kind
    assert str(task["stoppedReason"]) in str(ending.failure)
    assert "https://log" in str(ending.failure)


def test_a_task_whose_container_ended_well_is_done():
    ending = task_ending(stopped("EssentialContainerExited", "Essential", exitCode=0), "finks", "")
    assert ending is not None
    assert ending.failure is None


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("RESOURCE:MEMORY", RetryableError),
        ("Capacity is unavailable at this time. Please try again later", RetryableError),
        ("MISSING", ConfigurationError),
        ("INACTIVE", ConfigurationError),
    ],
)
def test_a_task_that_was_not_started_says_why(reason, kind):
    failure = {"arn": ARN, "reason": reason}
    assert_valid("ecs", "Failure", failure)
    assert type(refusal(failure, "here")) is kind


@pytest.mark.parametrize("error", [LakeBusyError("busy", where="s3://b", hint="wait"), QualityError("bad", got="5")])
def test_an_error_travels_from_one_process_to_another(error):
    back = Failure.model_validate_json(Failure.of(error).model_dump_json()).error()
    assert (type(back), str(back)) == (type(error), str(error))
