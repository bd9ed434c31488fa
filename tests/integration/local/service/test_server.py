"""The endpoint on the wire."""

from __future__ import annotations

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.aws
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def post(stack, target: str, body: bytes = b"{}"):
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.1"}
    return httpx.post(stack.endpoint.url, headers=headers, content=body, trust_env=False)


def client(stack, service: str, region: str):
    return boto3.client(service, endpoint_url=stack.endpoint.url, region_name=region, **KEYS)


def test_an_error_is_told_as_athena_tells_it(local_aws):
    answer = post(local_aws, "AmazonAthena.GetQueryExecution", b'{"QueryExecutionId": "absent"}')
    assert answer.status_code == 400
    told = answer.json()
    assert told["__type"] == "InvalidRequestException"
    assert told["Message"] == "QueryExecution absent was not found"
    assert told["AthenaErrorCode"] == told["ErrorCode"] == "QUERY_EXECUTION_NOT_FOUND"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null"])
def test_a_body_that_is_no_object_is_refused(local_aws, body):
    assert post(local_aws, "AmazonAthena.ListWorkGroups", body).json()["__type"] == "SerializationException"


@pytest.mark.parametrize("target", ["AmazonAthena.Levitate", "DynamoDB_20120810.ListTables", ""])
def test_what_is_not_served_here_is_refused_by_name(local_aws, target):
    told = post(local_aws, target).json()
    assert told["__type"] == "UnknownOperationException"
    assert target.rpartition(".")[2] in told["message"]


def test_health_tells_of_the_emulator_and_the_queries(local_aws):
    health = httpx.get(f"{local_aws.endpoint.url}/_finks/health", trust_env=False).json()
    assert health == {"emulator": True, "queries": {"queued": 0, "running": 0}}


def test_a_page_in_a_browser_cannot_empty_it(local_aws):
    assert httpx.post(f"{local_aws.endpoint.url}/_finks/reset", trust_env=False).status_code == 403


def test_regions_are_apart(local_aws):
    client(local_aws, "athena", "eu-west-1").create_work_group(Name="europe")
    client(local_aws, "glue", "eu-west-1").create_database(DatabaseInput={"Name": "europe"})
    with pytest.raises(ClientError, match="WorkGroup is not found"):
        client(local_aws, "athena", "us-east-1").get_work_group(WorkGroup="europe")
    found = [
        [database["Name"] for database in client(local_aws, "athena", region).list_databases(
            CatalogName="AwsDataCatalog"
        )["DatabaseList"]]
        for region in ("eu-west-1", "us-east-1")
    ]  # fmt: skip
    assert found == [["europe"], []]
