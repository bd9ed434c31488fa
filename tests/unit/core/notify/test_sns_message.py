from __future__ import annotations

import json

from finks.notify.sns import message
from hypothesis import given
from hypothesis import strategies as st

from .conftest import alert

TOPIC = "arn:aws:sns:us-east-1:000000000000:finks"


@given(st.text(min_size=1), st.text())
def test_any_alert_makes_a_message_within_the_limits_of_sns(subject, reason):
    made = message(alert(subject, reason=reason * 1000), TOPIC)
    assert made["Subject"].isascii()
    assert made["Subject"].isprintable()
    assert 1 <= len(made["Subject"]) <= 100
    assert len(made["Message"].encode()) < 256 * 1024
    assert all(isinstance(text, str) for text in json.loads(made["Message"]).values())


def test_a_fifo_topic_gets_one_group_for_each_problem_and_an_id_for_each_message():
    opened, resolved = (message(alert(status=status), f"{TOPIC}.fifo") for status in ("open", "resolved"))
    assert opened["MessageGroupId"] == resolved["MessageGroupId"]
    assert opened["MessageDeduplicationId"] != resolved["MessageDeduplicationId"]
