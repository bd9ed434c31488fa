"""Alerts on the local AWS: a topic of SNS with a subscriber in SQS, and the book in a lake on S3."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from finks.errors import FinksError
from finks.lake import Lake
from finks.notify import Alert, AlertSettings, Delivery, build_notifiers, read_book

pytestmark = pytest.mark.aws

START = datetime(2026, 1, 5, tzinfo=UTC)


def alert(**more) -> Alert:
    given = {
        "kind": "contract_breach", "lake": "s3://b/lake", "subject": "fmp_daily_bars", "severity": "critical",
        "reason": "30 % were rejected", "advice": "Look.", "runbook": "r#contract-breach", "at": START,
    }  # fmt: skip
    return Alert(**{**given, **more})


@pytest.fixture
def subscribed(aws):
    """Make a topic and a queue that gets its messages; gives the notifier and what the queue holds."""

    def make(name: str):
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        fifo = name.endswith(".fifo")
        topic = sns.create_topic(Name=name, Attributes={"FifoTopic": "true"} if fifo else {})["TopicArn"]
        queue = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def received() -> list[dict]:
            found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
            return [json.loads(message["Body"]) for message in found.get("Messages", [])]

        return build_notifiers({"sns": {"topic_arn": topic}}), received

    return make


def test_a_subscriber_gets_the_alert_as_json_with_attributes_to_filter_by(subscribed):
    notifiers, received = subscribed("finks-alerts")
    notifiers["sns"].notify(alert())
    (message,) = received()
    assert message["Subject"] == "finks: fmp_daily_bars broke its contract"
    assert json.loads(message["Message"])["kind"] == "contract_breach"
    attributes = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert attributes == {"kind": "contract_breach", "severity": "critical", "status": "open"}


def test_a_fifo_topic_passes_a_message_that_is_sent_twice_once(subscribed):
    notifiers, received = subscribed("finks-alerts.fifo")
    for _ in range(2):
        notifiers["sns"].notify(alert())
    assert len(received()) == 1


def test_the_book_in_a_lake_on_s3_survives_the_process(subscribed, new_lake):
    notifiers, received = subscribed("finks-book")
    settings = new_lake()
    Lake.open(settings.place(), create=True)
    for hours in (0, 1):
        Delivery(settings.place(), AlertSettings(), notifiers).tell([alert()], START + timedelta(hours=hours))
    Delivery(settings.place(), AlertSettings(), notifiers).tell([], START + timedelta(hours=2), over=lambda one: True)
    told = [json.loads(message["Message"])["status"] for message in received()]
    assert sorted(told) == ["open", "resolved"]
    assert read_book(settings.place()).entries == {}


def test_a_scheduled_run_that_cannot_reach_its_lake_is_told(subscribed, new_lake, monkeypatch):
    from finks.cli.runs import ask_schedule
    from finks.run.settings import Settings

    notifiers, received = subscribed("finks-unreachable")
    topic = notifiers["sns"].config.topic_arn
    settings = Settings(lake=new_lake(), alerts=AlertSettings(notifiers={"sns": {"topic_arn": topic}}))
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(FinksError):
            ask_schedule(settings, None, None)
    told = [json.loads(message["Message"]) for message in received()]
    assert [(one["kind"], one["subject"]) for one in told] == [("failure", "run")]
