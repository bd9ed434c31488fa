"""Athena's history says which run and which node a statement of dbt was for."""

from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow]

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"FINKS_RUN_ID": "run-9", "TRACEPARENT": TRACEPARENT}, f"finks run=run-9 traceparent={TRACEPARENT}"),
        ({}, "finks run=none traceparent=none"),
    ],
)
def test_a_statement_names_run_trace_and_node(aws_environment, repository, tmp_path, variables, said):
    boto3.client("s3").create_bucket(Bucket="finks-comments")
    environment = {
        "FINKS_GOLD_ENGINE": "athena",
        "FINKS_ATHENA_RESULTS": "s3://finks-comments/results/",
        "FINKS_ATHENA_TABLES": "s3://finks-comments/tables/",
        # Both profiles are rendered, whichever is used.
        "FINKS_GOLD_DATABASE": str(tmp_path / "unused.duckdb"),
        "FINKS_LAKE": str(tmp_path),
        "DO_NOT_TRACK": "1",
    }
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "show", "--inline", "select 20240229 as marked"),
        *("--project-dir", str(repository / "dbt"), "--profiles-dir", str(repository / "dbt")),
        *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
    ]
    done = subprocess.run(
        command, env={**os.environ, **environment, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    client = boto3.client("athena")
    ids = client.list_query_executions(WorkGroup="primary")["QueryExecutionIds"]
    texts = [client.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Query"] for identity in ids]
    text = next(text for text in texts if "20240229" in text)
    assert f"/* {said} node=sql_operation.finks.inline_query */" in text.splitlines()[0]
