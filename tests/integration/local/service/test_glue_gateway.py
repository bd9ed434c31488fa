"""What the gateway adds to the emulator's Glue, seen through boto3."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from finks_local.stack import Stack

pytestmark = pytest.mark.aws
COLUMNS = [{"Name": "v", "Type": "int"}]


def table(name="t", **changes):
    storage = {"Columns": COLUMNS, "Location": "s3://lake/t/", "SerdeInfo": {}}
    keys = [{"Name": "dt", "Type": "date"}]
    return {"Name": name, "StorageDescriptor": storage, "PartitionKeys": keys, "Parameters": {}, **changes}


@pytest.fixture
def glue(aws_environment):
    aws_environment.reset()
    client = boto3.client("glue")
    client.create_database(DatabaseInput={"Name": "db"})
    client.create_table(DatabaseName="db", TableInput=table())
    return client


def partition(day):
    return {"Values": [day], "StorageDescriptor": {"Columns": COLUMNS, "Location": f"s3://lake/t/dt={day}/"}}


def days(reply):
    return [found["Values"][0] for found in reply["Partitions"]]


@pytest.fixture
def partitions(glue):
    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
        glue.create_partition(DatabaseName="db", TableName="t", PartitionInput=partition(day))
    return glue


def test_a_table_can_be_sent_back_as_it_came(glue):
    found = glue.get_table(DatabaseName="db", Name="t")["Table"]
    sent = {name: found[name] for name in ("Name", "Owner", "StorageDescriptor", "Parameters") if name in found}
    glue.update_table(DatabaseName="db", TableInput={**sent, "Parameters": {"comment": "hello"}})
    assert glue.get_table(DatabaseName="db", Name="t")["Table"]["Parameters"] == {"comment": "hello"}


def test_every_update_leaves_a_version(glue):
    for number in range(3):
        glue.update_table(DatabaseName="db", TableInput=table(Parameters={"n": str(number)}))
    versions = glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]
    assert [v["Table"]["Parameters"].get("n") for v in versions] == ["2", "1", "0", None]
    first = versions[-1]["VersionId"]
    assert glue.get_table_version(DatabaseName="db", TableName="t", VersionId=first)["TableVersion"] == versions[-1]


def test_an_update_that_skips_the_archive_leaves_none(glue):
    glue.update_table(DatabaseName="db", TableInput=table(), SkipArchive=True)
    assert len(glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]) == 1


def test_a_refused_update_leaves_none(glue):
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(DatabaseName="db", TableInput=table(), VersionId="99")
    assert len(glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]) == 1


def test_versions_are_listed_by_pages(glue):
    for number in range(4):
        glue.update_table(DatabaseName="db", TableInput=table(Parameters={"n": str(number)}))
    pages = glue.get_paginator("get_table_versions").paginate(
        DatabaseName="db", TableName="t", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["TableVersions"]) for page in pages] == [2, 2, 1]


def test_old_versions_can_be_deleted_and_the_current_cannot(glue):
    for _ in range(3):
        glue.update_table(DatabaseName="db", TableInput=table())
    current, *old = [v["VersionId"] for v in glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]]
    glue.delete_table_version(DatabaseName="db", TableName="t", VersionId=old[0])
    errors = glue.batch_delete_table_version(DatabaseName="db", TableName="t", VersionIds=[old[1], "77", current])
    assert [e["ErrorDetail"]["ErrorCode"] for e in errors["Errors"]] == [
        "EntityNotFoundException", "InvalidInputException",
    ]  # fmt: skip
    left = glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]
    assert [v["VersionId"] for v in left] == [current, old[2]]


def test_a_table_made_again_has_no_old_versions(glue):
    glue.update_table(DatabaseName="db", TableInput=table())
    glue.delete_table(DatabaseName="db", Name="t")
    glue.create_table(DatabaseName="db", TableInput=table())
    assert len(glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]) == 1


def test_versions_of_no_table_are_an_error(glue):
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_table_versions(DatabaseName="db", TableName="absent")


def test_partitions_are_deleted_together_and_the_missing_are_named(partitions):
    gone = [{"Values": ["2024-01-01"]}, {"Values": ["1999-01-01"]}]
    reply = partitions.batch_delete_partition(DatabaseName="db", TableName="t", PartitionsToDelete=gone)
    assert [e["PartitionValues"] for e in reply["Errors"]] == [["1999-01-01"]]
    assert days(partitions.get_partitions(DatabaseName="db", TableName="t")) == ["2024-01-02", "2024-01-03"]


def test_a_filter_selects_partitions(partitions):
    reply = partitions.get_partitions(DatabaseName="db", TableName="t", Expression="dt > DATE '2024-01-01'")
    assert days(reply) == ["2024-01-02", "2024-01-03"]


def test_segments_share_the_partitions(partitions):
    parts = [
        days(partitions.get_partitions(
            DatabaseName="db", TableName="t", Segment={"SegmentNumber": number, "TotalSegments": 2}
        ))
        for number in range(2)
    ]  # fmt: skip
    assert sorted([*parts[0], *parts[1]]) == ["2024-01-01", "2024-01-02", "2024-01-03"]


@pytest.mark.parametrize("operation", ["get_tables", "get_partitions"])
def test_a_listing_of_what_does_not_exist_is_an_error(glue, operation):
    where = {"DatabaseName": "absent"} if operation == "get_tables" else {"DatabaseName": "db", "TableName": "absent"}
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        getattr(glue, operation)(**where)


def test_tables_are_selected_by_a_regular_expression(glue):
    for name in ("ta", "tb", "x"):
        glue.create_table(DatabaseName="db", TableInput=table(name))
    found = glue.get_tables(DatabaseName="db", Expression="t[ab]?")["TableList"]
    assert sorted(t["Name"] for t in found) == ["t", "ta", "tb"]


def test_an_operation_that_nobody_has_is_refused_by_name(glue):
    with pytest.raises(ClientError, match="ListCrawls"):
        glue.list_crawls(CrawlerName="c")


def test_enforcement_holds_for_what_the_gateway_adds(tmp_path):
    with Stack.start(tmp_path, enforce_iam=True) as stack:
        at = {"region_name": "us-east-1", "endpoint_url": stack.endpoint.url}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        root = boto3.client("glue", **at, **keys)
        root.create_database(DatabaseInput={"Name": "db"})
        root.create_table(DatabaseName="db", TableInput=table())
        iam = boto3.client("iam", region_name="us-east-1", endpoint_url=stack.emulator.url, **keys)
        iam.create_user(UserName="reader")
        allowed = {"Effect": "Allow", "Action": "glue:GetTableVersions", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        reader = boto3.client(
            "glue", **at, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        assert len(reader.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]) == 1
        with pytest.raises(ClientError, match=r"AccessDenied.*glue:BatchDeleteTableVersion"):
            reader.batch_delete_table_version(DatabaseName="db", TableName="t", VersionIds=["1"])
        forged = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": "x" * 20}
        with pytest.raises(ClientError, match="Signature"):
            boto3.client("glue", **at, **forged).get_table_versions(DatabaseName="db", TableName="t")
