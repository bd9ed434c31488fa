from __future__ import annotations

import json

import httpx
import pytest
from finks.testing import AwsProxy, FaultServer
from finks.testing.aws_calls import Call, call_of
from finks.testing.aws_proxy import cut, denied, expired, lost_answer, reset, slow_down
from finks.testing.replies import json_text

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"
GLUE = {"authorization": SIGNED.format("glue"), "x-amz-target": "AWSGlue.UpdateTable"}


@pytest.mark.parametrize(
    ("method", "target", "operation", "resource"),
    [
        ("GET", "/b/a/key%20x", "GetObject", "b/a/key x"),
        ("HEAD", "/b/key", "HeadObject", "b/key"),
        ("PUT", "/b/key", "PutObject", "b/key"),
        ("PUT", "/b/key?partNumber=1&uploadId=x", "UploadPart", "b/key"),
        ("POST", "/b/key?uploads", "CreateMultipartUpload", "b/key"),
        ("POST", "/b/key?uploadId=x", "CompleteMultipartUpload", "b/key"),
        ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2", "b"),
        ("POST", "/b?delete", "DeleteObjects", "b"),
        ("HEAD", "/b", "HeadBucket", "b"),
    ],
)
def test_a_request_to_s3_is_read(method, target, operation, resource):
    assert call_of(method, target, {"Authorization": SIGNED.format("s3")}, b"") == Call("s3", operation, resource)


def test_a_request_to_glue_names_its_table():
    body = json.dumps({"DatabaseName": "silver", "TableInput": {"Name": "bars"}}).encode()
    assert call_of("POST", "/", GLUE, body) == Call("glue", "UpdateTable", "silver.bars")


@pytest.fixture
def server():
    with FaultServer() as running:
        running.route("/b/key", json_text('{"whole": true}'))
        running.route("/", json_text("{}"))
        yield running


@pytest.fixture
def proxy(server):
    with AwsProxy(server.url) as running:
        yield running


def test_without_a_rule_everything_passes(proxy, server):
    assert httpx.get(f"{proxy.url}/b/key").json() == {"whole": True}
    assert (len(server.requests), proxy.count("s3", "GetObject"), proxy.faults) == (1, 1, 0)


def test_a_rule_strikes_after_so_many_and_so_often(proxy):
    proxy.rule(slow_down(), service="s3", resource="b/*", after=1, times=2)
    assert [httpx.get(f"{proxy.url}/b/key").status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_a_lost_answer_reached_the_endpoint_and_a_reset_did_not(proxy, server):
    for fault, reached in ((lost_answer(), 1), (reset(), 1)):
        proxy.clear()
        proxy.rule(fault)
        with pytest.raises(httpx.TransportError):
            httpx.put(f"{proxy.url}/b/key", content=b"x")
        assert len(server.requests) == reached


def test_an_answer_can_be_cut(proxy):
    proxy.rule(cut(3))
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{proxy.url}/b/key")


def test_each_service_says_no_in_its_own_way(proxy):
    proxy.rule(denied(), service="glue")
    proxy.rule(expired(), service="s3")
    refused = httpx.post(proxy.url, headers=GLUE, content=b"{}")
    assert (refused.status_code, refused.json()["__type"]) == (403, "AccessDeniedException")
    assert "<Code>ExpiredToken</Code>" in httpx.get(f"{proxy.url}/b/key").text


def test_a_service_can_have_an_endpoint_of_its_own(server):
    with FaultServer() as other:
        other.route("/", json_text('{"other": true}'))
        with AwsProxy(server.url, glue=other.url) as proxy:
            assert httpx.post(proxy.url, headers=GLUE, content=b"{}").json() == {"other": True}
            assert httpx.get(f"{proxy.url}/b/key").json() == {"whole": True}
