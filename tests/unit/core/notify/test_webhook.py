from __future__ import annotations

import base64
import json
import logging

import pytest
from finks.errors import ConfigurationError, NotificationError
from finks.notify import build_notifiers
from finks.notify.delivery import send
from finks.notify.webhook import sign
from finks.testing import FaultServer
from finks.testing.replies import Reply, json_text
from pydantic import SecretStr

from .conftest import alert

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OK = json_text("{}")


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


def webhook(url: str, **more):
    return build_notifiers({"webhook": {"url": url, **more}})["webhook"]


def test_the_receiver_gets_the_whole_alert(server):
    webhook(server.route("/hook", OK), authorization="Bearer abcdefgh").notify(alert(kind="zombie_run"))
    (request,) = server.requests
    assert (request.method, request.headers["authorization"]) == ("POST", "Bearer abcdefgh")
    body = json.loads(request.body)
    assert body | {"kind": "zombie_run", "subject": "fmp_daily_bars", "status": "open", "run_id": "r1"} == body
    assert body["id"] == request.headers["webhook-id"]


def test_the_signature_is_that_of_the_standard():
    # The example of the specification's own libraries (standardwebhooks.com, tests of the reference implementation).
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signed_message_verifies(server):
    webhook(server.route("/hook", OK), secret=SECRET).notify(alert())
    (request,) = server.requests
    named = [request.headers[f"webhook-{name}"] for name in ("id", "timestamp")]
    assert request.headers["webhook-signature"] == sign(SecretStr(SECRET), *named, request.body)


@pytest.mark.parametrize("bad", [json_text("", 503), json_text("", 429), Reply(b"", reset=True)])
def test_a_busy_receiver_is_tried_again_with_the_same_id(server, bad):
    webhook(server.route("/hook", bad, OK)).notify(alert())
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert len(server.requests) == 2


def test_a_refusal_is_not_tried_again(server):
    with pytest.raises(ConfigurationError, match="HTTP 404"):
        webhook(server.route("/hook", json_text("", 404))).notify(alert())
    assert len(server.requests) == 1


def test_a_secret_address_is_in_no_error_and_no_log(server, caplog):
    caplog.set_level(logging.DEBUG)
    hook = webhook(f"{server.refusing_url}/services/T0P-S3CRET-T0KEN")
    failure = send(hook, alert())
    assert isinstance(failure, NotificationError)
    webhook(server.route("/services/T0P-S3CRET-T0KEN", OK))
    assert send(webhook(f"{server.url}/services/T0P-S3CRET-T0KEN"), alert()) is None
    assert len(server.requests) == 1
    assert "S3CRET" not in str(failure) + caplog.text + repr(hook.config)


@pytest.mark.parametrize("wrong", [{"url": "ftp://a"}, {"url": "https://a", "secret": "abcdefgh"}, {}])
def test_a_wrong_setting_is_named_and_never_shown(wrong):
    with pytest.raises(ConfigurationError) as failure:
        build_notifiers({"webhook": wrong})
    assert "[alerts.notifiers.webhook]" in str(failure.value)
    assert "abcdefgh" not in str(failure.value)
