"""With enforcement on, Athena's operations need a signature and a permission."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from finks_local.stack import Stack

pytestmark = pytest.mark.aws
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
OWN = "arn:aws:athena:us-east-1:000000000000:workgroup/own"


@pytest.fixture(scope="module")
def athena():
    """A client of Athena for a user with such a statement in a policy."""
    with Stack.start(enforce_iam=True) as stack:
        iam = boto3.client("iam", endpoint_url=stack.emulator.url, region_name="us-east-1", **ROOT)
        iam.create_user(UserName="analyst")
        key = iam.create_access_key(UserName="analyst")["AccessKey"]

        def client(secret: str = key["SecretAccessKey"], **statement):
            policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*", **statement}}
            iam.put_user_policy(UserName="analyst", PolicyName="p", PolicyDocument=json.dumps(policy))
            keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": secret}
            return boto3.client("athena", endpoint_url=stack.endpoint.url, region_name="us-east-1", **keys)

        root = boto3.client("athena", endpoint_url=stack.endpoint.url, region_name="us-east-1", **ROOT)
        root.create_work_group(Name="own")
        yield client


def test_what_is_permitted_is_answered(athena):
    assert athena(Action="athena:GetWorkGroup").get_work_group(WorkGroup="own")["WorkGroup"]["Name"] == "own"


def test_what_is_not_permitted_is_refused_by_the_actions_name(athena):
    with pytest.raises(ClientError, match="athena:StartQueryExecution"):
        athena(Action="athena:GetWorkGroup").start_query_execution(QueryString="SELECT 1", WorkGroup="own")


def test_a_permission_may_be_for_one_workgroup(athena):
    client = athena(Action="athena:GetWorkGroup", Resource=OWN)
    assert client.get_work_group(WorkGroup="own")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_work_group(WorkGroup="primary")


def test_a_wrong_signature_is_refused(athena):
    with pytest.raises(ClientError, match="signature"):
        athena(Action="athena:*", secret="x" * 40).get_work_group(WorkGroup="own")


def test_the_emulators_own_athena_says_where_the_real_one_is(local_aws):
    astray = boto3.client("athena", endpoint_url=local_aws.emulator.url, region_name="us-east-1", **ROOT)
    with pytest.raises(ClientError, match="AWS_ENDPOINT_URL_ATHENA"):
        astray.list_work_groups()
