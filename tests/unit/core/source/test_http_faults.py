"""Every way an answer goes wrong on the wire is named, bounded in time and bounded in memory."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from finks.errors import ConfigurationError
from finks.source import Limits, Outcome, Request
from finks.testing import replies

GOOD = replies.json_text('[{"name": "a"}, {"name": "b"}]')
ONE_TRY = Limits(attempts=1)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        pytest.param(replies.truncated(GOOD), "truncated", id="shorter than its length"),
        pytest.param(replies.truncated(replies.chunked(GOOD)), "truncated", id="incomplete chunks"),
        pytest.param(replies.truncated_silently(GOOD), "truncated", id="no length, cut"),
        pytest.param(replies.until_close(GOOD), "truncated", id="no length, whole"),
        pytest.param(replies.cut_gzip(GOOD), "truncated", id="unfinished gzip"),
        pytest.param(replies.corrupt_gzip(GOOD), "bad_encoding", id="corrupt gzip"),
        pytest.param(replies.json_text(b"plain", content_encoding="gzip"), "bad_encoding", id="not gzip at all"),
        pytest.param(replies.json_text(b"x", content_encoding="br"), "bad_encoding", id="unknown encoding"),
        pytest.param(replies.reset(), "unreachable", id="reset"),
    ],
)
def test_a_broken_answer_is_a_fault_without_a_body(server, make_api, fetch, reply, fault):
    server.route("/things", reply)
    [page] = fetch(make_api(limits=ONE_TRY))
    assert (page.response.fault, page.response.body, page.verdict.outcome) == (fault, b"", Outcome.FAILED)


@pytest.mark.parametrize(
    "reply",
    [GOOD, replies.chunked(GOOD), replies.gzipped(GOOD), replies.gzipped(replies.until_close(GOOD))],
    ids=["length", "chunked", "gzip", "gzip until close"],
)
def test_a_whole_answer_arrives_byte_for_byte(server, make_api, fetch, reply):
    server.route("/things", reply)
    [page] = fetch(make_api())
    assert (page.response.fault, page.response.body, page.verdict.outcome) == ("", GOOD.body, Outcome.OK)
    assert page.response.wire_bytes == len(reply.body)


def test_a_refused_connection_is_unreachable(server, make_api, fetch):
    [page] = fetch(make_api(server.refusing_url, limits=ONE_TRY))
    assert (page.response.fault, page.response.status) == ("unreachable", 0)


def test_a_byte_a_second_ends_at_the_total_deadline(server, make_api, fetch):
    server.route("/things", replies.slow(GOOD, 0.05))
    began = time.monotonic()
    [page] = fetch(make_api(limits=Limits(deadline=0.5)))
    assert page.response.fault == "timeout"
    assert time.monotonic() - began < 1.5


def test_a_gzip_bomb_never_unfolds_in_memory(server, make_api, fetch):
    server.route("/things", replies.gzip_bomb(200 * 2**20))
    source = make_api()
    fetch(make_api(server.refusing_url, limits=ONE_TRY))  # what is imported on the way is not the bomb's
    tracemalloc.start()
    try:
        [page] = fetch(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (page.response.fault, page.response.attempts) == ("too_large", 1)
    assert peak < 32 * 2**20


@pytest.mark.parametrize("reply", [replies.endless(), GOOD], ids=["endless", "declared"])
def test_more_wire_bytes_than_allowed_are_refused(server, make_api, fetch, reply):
    server.route("/things", reply)
    [page] = fetch(make_api(limits=Limits(wire_bytes=10)))
    assert (page.response.fault, page.response.body) == ("too_large", b"")
    assert page.response.wire_bytes < 2**20


def test_more_decoded_bytes_than_allowed_are_refused(server, make_api, fetch):
    server.route("/things", replies.gzipped(replies.json_text(b" " * 10_000)))
    [page] = fetch(make_api(limits=Limits(decoded_bytes=9_999)))
    assert page.response.fault == "too_large"


def test_an_unframed_answer_is_taken_where_the_source_allows_it(server, make_api, fetch):
    server.route("/things", replies.until_close(GOOD))
    [page] = fetch(make_api(limits=Limits(allow_unframed=True)))
    assert page.verdict.outcome is Outcome.OK


def test_a_redirect_is_a_failure_and_is_not_followed(server, make_api, fetch):
    elsewhere = server.route("/elsewhere", GOOD)
    server.route("/things", replies.Reply(status=302, headers={"location": elsewhere}))
    [page] = fetch(make_api())
    assert page.verdict.outcome is Outcome.FAILED
    assert [request.path for request in server.requests] == ["/things"]


def test_html_with_status_200_is_no_data(server, make_api, fetch):
    server.route("/things", replies.html())
    [page] = fetch(make_api(limits=ONE_TRY))
    assert page.verdict.outcome is Outcome.FAILED


def test_no_cookie_is_carried_from_call_to_call(server, make_api, fetch):
    server.route("/things", replies.json_text("", 503, set_cookie="session=1; Path=/"), GOOD)
    fetch(make_api())
    assert ["cookie" in request.headers for request in server.requests] == [False, False]


def test_the_query_of_the_address_is_kept(server, make_api, fetch):
    def steps(stream, slice):
        yield Request(f"{server.url}/things?a=1")

    server.route("/things", GOOD)
    fetch(make_api(steps=steps))
    assert server.requests[0].params == {"a": "1"}


def test_an_address_without_a_transport_is_a_configuration_error(make_api, fetch):
    def steps(stream, slice):
        yield Request("ftp://example.org/x")

    with pytest.raises(ConfigurationError, match="expected: an absolute https:"):
        fetch(make_api(steps=steps))
