"""Jobs as ephemeral ECS tasks: `RunTask` with a client token, which makes a second start the same task."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from finks.errors import ConfigurationError, FinksError, JobFailedError, RetryableError
from finks.lake.aws import aws
from finks.lake.aws_errors import told
from finks.run.jobs.links import log_stream
from finks.run.jobs.model import Ending, Job, ended
from finks.run.sections import EcsSettings

_REFUSALS: Final = frozenset(
    {
        "ClientException",
        "ClusterNotFoundException",
        "ConflictException",
        "InvalidParameterException",
        "PlatformTaskDefinitionIncompatibilityException",
        "PlatformUnknownException",
        "UnsupportedFeatureException",
    }
)
"""What `RunTask` says of a request that will never do (Amazon ECS API reference, RunTask, Errors)."""

_WRONG: Final = ("ATTRIBUTE", "INACTIVE", "MISSING")
"""Reasons of a failure that another attempt does not change (Amazon ECS API reference, API failure reasons)."""

_NEVER_RAN: Final = ("CannotPullContainer", "CannotStartContainer", "ResourceInitializationError")
"""Stopped task errors that come from the task definition (Amazon ECS developer guide, stopped task error messages)."""

logger = logging.getLogger(__name__)


def run_task_request(settings: EcsSettings, job: Job) -> dict[str, Any]:
    """The arguments of `RunTask` for a job. Pure.

    Raises:
        ConfigurationError: A setting is missing.
    """
    for name in ("task_definition", "subnets"):
        if not getattr(settings, name):
            raise ConfigurationError(
                "A setting is missing for a task on ECS.", where=f"ecs.{name}", hint="docs/engines.md lists them."
            )
    network: dict[str, Any] = {
        "subnets": list(settings.subnets),
        "assignPublicIp": "ENABLED" if settings.public_ip else "DISABLED",
    }
    if settings.security_groups:
        network["securityGroups"] = list(settings.security_groups)
    container = {
        "name": settings.container,
        "command": list(job.arguments),
        "environment": [{"name": name, "value": value} for name, value in sorted(job.environment.items())],
    }
    return {
        "cluster": settings.cluster,
        "taskDefinition": settings.task_definition,
        "launchType": settings.launch_type,
        "count": 1,
        "clientToken": job.name,
        "startedBy": "finks",
        "networkConfiguration": {"awsvpcConfiguration": network},
        "overrides": {"containerOverrides": [container]},
    }


class EcsLauncher:
    """Runs jobs as tasks of one task definition.

    Args:
        settings: Cluster, task definition, container and network.
    """

    def __init__(self, settings: EcsSettings) -> None:
        self._settings = settings

    def start(self, job: Job) -> EcsTask:
        """See `Launcher`.

        Raises:
            ConfigurationError: ECS refuses the request.
            RetryableError: There is no room for the task at the moment, or AWS did not do it.
        """
        request = run_task_request(self._settings, job)
        client = aws().client("ecs")
        where = f"ecs.task_definition = {self._settings.task_definition}"
        with told():
            try:
                answer = client.run_task(**request)
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in _REFUSALS:
                    raise
                raise ConfigurationError("ECS refuses the task.", where=where, got=str(error)) from None
        for failure in answer["failures"]:
            raise refusal(failure, where)
        return EcsTask(self._settings, answer["tasks"][0]["taskArn"])


class EcsTask:
    """One task.

    Args:
        settings: Those of its launcher.
        arn: The task.
    """

    def __init__(self, settings: EcsSettings, arn: str) -> None:
        self._settings = settings
        self._arn = arn
        self._log: str | None = None

    @property
    def log(self) -> str:
        """See `RunningJob`. The page of the task where its log cannot be known."""
        if self._log is None:
            self._log = self._find_log()
        return self._log

    def look(self) -> Ending | None:
        """See `RunningJob`."""
        with told():
            answer = aws().client("ecs").describe_tasks(cluster=self._settings.cluster, tasks=[self._arn])
        if not answer["tasks"]:
            raise RetryableError("ECS does not show the task.", where=self._arn, got=str(answer["failures"]))
        return task_ending(answer["tasks"][0], self._settings.container, self.log)

    def stop(self) -> None:
        """See `RunningJob`. It does not wait: a task that goes on publishes nothing without its lease."""
        try:
            with told():
                aws().client("ecs").stop_task(
                    cluster=self._settings.cluster, task=self._arn, reason="the finks run that started it has ended"
                )
        except FinksError as error:
            logger.warning("The task %s was not stopped: %s", self._arn, error)

    def _find_log(self) -> str:
        """The stream of the `awslogs` driver: `<prefix>/<container>/<task>` (Amazon ECS developer guide)."""
        account = aws()
        cluster, task = self._arn.split("/")[-2:]
        page = f"https://{account.region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/tasks/{task}/logs"
        try:
            with told():
                answer = account.client("ecs").describe_task_definition(taskDefinition=self._settings.task_definition)
        except FinksError:
            return page
        name = self._settings.container
        for container in answer["taskDefinition"]["containerDefinitions"]:
            options = container.get("logConfiguration", {}).get("options", {})
            if container["name"] == name and {"awslogs-group", "awslogs-stream-prefix"} <= options.keys():
                region = options.get("awslogs-region", account.region)
                return log_stream(region, options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{name}/{task}")
        return page


def refusal(failure: Mapping[str, Any], where: str) -> FinksError:
    """Why `RunTask` started nothing, by its `failures`. Pure."""
    reason = failure.get("reason", "no reason")
    kind = ConfigurationError if reason.startswith(_WRONG) else RetryableError
    return kind("ECS did not start the task.", where=where, got=reason)


def task_ending(task: Mapping[str, Any], name: str, log: str) -> Ending | None:
    """How a task ended, by what `DescribeTasks` says of it; None while it is under way. Pure.

    Args:
        name: The container that does the work. Without an exit code it never ran, or was lost with its machine.
    """
    if task["lastStatus"] != "STOPPED":
        return None
    container = next((one for one in task.get("containers", []) if one["name"] == name), {})
    reason = "; ".join(part for part in (task.get("stoppedReason"), container.get("reason")) if part)
    where, hint = task["taskArn"], f"Its log: {log}"
    if "exitCode" in container:
        return ended(container["exitCode"], where=where, reason=reason, hint=hint)
    kind = ConfigurationError if reason.startswith(_NEVER_RAN) else JobFailedError
    got = ": ".join(part for part in (task.get("stopCode"), reason) if part)
    return Ending(kind("The task on ECS did not run to its end.", where=where, got=got, hint=hint))
