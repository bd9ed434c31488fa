"""The nightly flow on a worker against the local AWS: S3, Glue, Athena, DynamoDB, CloudWatch, SNS and SQS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import boto3
import finks
import pytest
from finks.lake import Lake
from finks.lineage.dynamo_index import DynamoIndex
from finks.lineage.graph import walk

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.aws,
    pytest.mark.slow,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.timeout(900),
]

ADDRESS = "s3://finks-nightly/lake"
SETTINGS = f"""
[lake]
path = "{ADDRESS}"

[gold]
engine = "athena"
project = "gold"

[observe]
metrics = "cloudwatch"
environment = "nightly"
"""


@pytest.fixture
def on_aws(stack, local_aws):
    """The stack, its worker started anew with the variables that lead to the local AWS."""
    stack.up(**local_aws.environment)
    yield stack
    stack.up()


@dataclass(frozen=True)
class Topic:
    """A topic of SNS with a subscriber in SQS."""

    arn: str
    queue: str

    @classmethod
    def make(cls) -> Topic:
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="finks-nightly")["TopicArn"]
        queue = sqs.create_queue(QueueName="finks-nightly")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return cls(topic, queue)

    def received(self) -> list[dict]:
        found = boto3.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found.get("Messages", [])]


def metric(name: str, **dimensions: str) -> list[float]:
    """What CloudWatch has of a metric, summed by the hour."""
    now = datetime.now(UTC)
    named = [{"Name": key, "Value": value} for key, value in {"environment": "nightly", **dimensions}.items()]
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="finks", MetricName=name, Period=3600, Statistics=["Sum"], Dimensions=named,
        StartTime=now - timedelta(hours=2), EndTime=now + timedelta(hours=2),
    )  # fmt: skip
    return [point["Sum"] for point in found["Datapoints"]]


def queries() -> list[str]:
    """The statements that Athena has run."""
    athena = boto3.client("athena")
    names = athena.list_query_executions()["QueryExecutionIds"]
    return [athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Query"] for name in names]


def test_a_flow_publishes_and_tells_on_aws_and_one_that_breaks_its_contract_alerts_once(
    on_aws, aws_environment, vendor, gold_project
):
    boto3.client("s3").create_bucket(Bucket="finks-nightly")
    topic = Topic.make()
    source = vendor.settings.partition("[alerts")[0]
    alerts = f'[alerts.notifiers.sns]\ntopic_arn = "{topic.arn}"\n'
    on_aws.deployed(SETTINGS + source + alerts)

    # Bronze to Gold: the tables are in Glue and S3, and Athena built the mart.
    assert on_aws.run_once(logical_date="2024-06-03")["name"] == "Completed"
    lake = finks.open(ADDRESS)
    served = lake.gold("quote_spreads").polars()
    assert sorted(served["symbol"]) == list(vendor.symbols)
    run = lake.releases()[0].run_id
    assert [text for text in queries() if f"run={run}" in text and "quote_spreads" in text]
    assert [table["Name"] for table in boto3.client("glue").get_tables(DatabaseName="silver")["TableList"]]

    # Lineage is in DynamoDB, metrics in CloudWatch, and there was nothing to alert of.
    index = DynamoIndex(boto3.client("dynamodb"), "finks-lineage", ADDRESS)
    assert {"bronze.sample_quotes", "silver.sample_quotes"} <= walk(index, "gold.quote_spreads").datasets
    assert metric("records_read", dataset="sample_quotes") == [len(vendor.symbols)]
    assert metric("gold_published") == [1]
    assert topic.received() == []

    # A night on which the vendor's records break their contract.
    vendor.crossed = {"A", "B"}
    assert on_aws.run_once(logical_date="2024-06-04")["name"] == "BadData"
    (alert,) = topic.received()
    assert (alert["kind"], alert["subject"], alert["severity"]) == ("contract_breach", "sample_quotes", "critical")
    assert alert["run_link"].startswith("http://127.0.0.1")
    assert metric("records_rejected", dataset="sample_quotes") == [2]
    assert metric("gold_published") == [1]
    assert Lake.open(ADDRESS).served_release() == 1
    assert finks.open(ADDRESS).gold("quote_spreads").polars().equals(served)
