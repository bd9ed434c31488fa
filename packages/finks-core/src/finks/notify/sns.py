"""Alerts to a topic of Amazon SNS: text for people, JSON for programs, and attributes to filter by."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from pydantic import Field

from finks.lake.aws import aws
from finks.lake.aws_errors import told
from finks.notify.alert import Alert
from finks.notify.notifier import BaseNotifier, NotifierConfig

MAX_SUBJECT = 100
"""Characters of a subject, ASCII only (Amazon SNS API reference, Publish)."""

PROGRAMS = ("sqs", "lambda", "http", "https", "firehose")
"""Protocols whose subscribers read JSON."""


class SnsConfig(NotifierConfig):
    """The settings of `[alerts.notifiers.sns]`."""

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?$",
        description="The topic's ARN. It is in the region that AWS is set to.",
    )


class Sns(BaseNotifier):
    """Publishes each alert. boto3 tries again where SNS is busy."""

    Config: ClassVar[type[NotifierConfig]] = SnsConfig
    config: SnsConfig

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        with told():
            aws().client("sns").publish(**message(alert, self.config.topic_arn))


def message(alert: Alert, topic_arn: str) -> dict[str, Any]:
    """The arguments of `Publish`. Pure."""
    body = {"default": alert.text, **dict.fromkeys(PROGRAMS, alert.json_text)}
    attributes = {"kind": alert.kind, "severity": alert.severity, "status": alert.status}
    arguments: dict[str, Any] = {
        "TopicArn": topic_arn,
        "Subject": alert.title.encode("ascii", "replace").decode()[:MAX_SUBJECT],
        "MessageStructure": "json",
        "Message": json.dumps(body),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }
    if topic_arn.endswith(".fifo"):
        # One after the other for each problem, so that its end does not come before its beginning.
        arguments["MessageGroupId"] = hashlib.sha256(alert.key.encode()).hexdigest()
        arguments["MessageDeduplicationId"] = alert.id
    return arguments
