"""What a trace says of the calls to a vendor, and what the vendor is told of the trace."""

from __future__ import annotations

from finks.observe import run_context
from finks.testing.replies import json_text
from opentelemetry.trace import StatusCode, format_span_id


def calls(spans) -> list:
    return [one for one in spans.get_finished_spans() if one.name == "GET things"]


def test_a_page_is_one_span_with_its_attempts_and_its_outcome(spans, server, make_api, fetch):
    server.route("/things", json_text("", 503), json_text('[{"name": "a"}]'))
    fetch(make_api(), key="AAPL")
    (call,) = calls(spans)
    told = dict(call.attributes)
    assert told.pop("finks.wire_bytes") == 15
    assert told == {
        "finks.source": "api",
        "finks.stream": "things",
        "finks.slice": "things/AAPL/all",
        "finks.endpoint_class": "default",
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "url.scheme": "http",
        "url.path": "/things",
        "finks.outcome": "ok",
        "finks.attempts": 2,
        "http.response.status_code": 200,
    }


def test_a_call_that_fails_is_a_failed_span(spans, server, make_api, fetch):
    server.route("/things", json_text("", 503))
    fetch(make_api())
    (call,) = calls(spans)
    assert (call.status.status_code, call.status.description) == (StatusCode.ERROR, "HTTP 503")


def test_the_vendor_is_told_where_in_the_trace_it_is_called(spans, server, make_api, fetch):
    server.route("/things", json_text("[]"))
    with run_context("run-1"):
        fetch(make_api())
    (call,) = calls(spans)
    assert server.requests[0].headers["traceparent"].split("-")[2] == format_span_id(call.context.span_id)


def test_neither_the_key_nor_the_query_is_in_a_span(spans, server, make_api, fetch, canary):
    fetch(make_api(url=f"{server.url}/{canary}"), key=canary)
    (call,) = calls(spans)
    assert call.attributes["url.path"] == "/[redacted]/things"
    assert canary not in call.to_json()
