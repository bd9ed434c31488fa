"""The base job template of a work pool: how a worker starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finks.errors import MissingExtraError

from finks_flows import environment
from finks_flows.deploy.plan import Marks, run_environment
from finks_flows.settings import EcsSettings, FlowsSettings


def template(flows: FlowsSettings, marks: Marks) -> dict[str, Any]:
    """The template of the pool that the settings ask for.

    Raises:
        MissingExtraError: It is of the type ecs, and `prefect-aws` is not installed.
    """
    made = process_template() if flows.pool_type == "process" else ecs_template()
    variables = dict(run_environment(flows, marks))
    if flows.ecs is not None and flows.pool_type == "ecs":
        variables |= {name: value for name, value in environment.RUNS.items() if not value.startswith("/")}
        made = with_tasks(made, flows.ecs)
    return with_defaults(made, {"env": variables} if variables else {})


def process_template() -> dict[str, Any]:
    """Prefect's own, for runs that are processes beside the worker."""
    from prefect.workers.process import ProcessWorker

    return ProcessWorker.get_default_base_job_template()


def ecs_template() -> dict[str, Any]:
    """That of prefect-aws, for runs that are ECS tasks."""
    try:
        from prefect_aws.workers.ecs_worker import ECSWorker
    except ImportError:
        raise MissingExtraError(
            "A work pool of the type ecs needs prefect-aws.",
            where="flows.pool_type",
            hint="pip install 'finks-flows[ecs]'",
        ) from None
    return ECSWorker.get_default_base_job_template()


def with_defaults(template: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A template whose variables have these defaults."""
    properties = dict(template["variables"]["properties"])
    for name, value in defaults.items():
        properties[name] = {**properties[name], "default": value}
    return {**template, "variables": {**template["variables"], "properties": properties}}


def with_tasks(template: Mapping[str, Any], ecs: EcsSettings) -> dict[str, Any]:
    """The template of ECS with what the settings say of a task.

    A container gets 120 s to end at a boundary, the most that Fargate gives: with ECS's own 30 s a run is killed
    in the middle of what it does (Amazon ECS, `stopTimeout`).
    """
    network: dict[str, Any] = {"subnets": list(ecs.subnets), "securityGroups": list(ecs.security_groups)}
    given: dict[str, Any] = {
        "image": ecs.image,
        "cluster": ecs.cluster,
        "task_role_arn": ecs.task_role_arn,
        "execution_role_arn": ecs.execution_role_arn,
        "vpc_id": ecs.vpc_id,
        "cpu": ecs.cpu,
        "memory": ecs.memory,
        "network_configuration": {name: value for name, value in network.items() if value} or None,
        "configure_cloudwatch_logs": True if ecs.log_group else None,
        "cloudwatch_logs_options": {"awslogs-group": ecs.log_group} if ecs.log_group else None,
    }
    made = with_defaults(template, {name: value for name, value in given.items() if value is not None})
    definition = made["job_configuration"]["task_definition"]
    container = {
        **definition["containerDefinitions"][0],
        "stopTimeout": 120,
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in sorted(ecs.secrets.items())],
    }
    configuration = {
        **made["job_configuration"],
        "task_definition": {**definition, "containerDefinitions": [container]},
    }
    return {**made, "job_configuration": configuration}
