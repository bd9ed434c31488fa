"""One layer of retries: what is retried, how long it waits, when it gives up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from finks.source import Action, Limits, Outcome, Rate, Request, Response
from finks.source.driver import Driver
from finks.source.retry import Backoff, retry_after
from finks.testing import replies
from hypothesis import given
from hypothesis import strategies as st

GOOD = replies.json_text('[{"name": "a"}]')
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def response(status: int = 503, attempts: int = 1, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(Request("http://vendor.test"), status, b"", named, NOW, attempts=attempts)


@pytest.mark.parametrize(
    "failure",
    [
        replies.json_text("", 503),
        replies.json_text("", 429),
        replies.reset(),
        replies.truncated(GOOD),
        replies.corrupt_gzip(GOOD),
        replies.html(),
    ],
    ids=["503", "429", "reset", "truncated", "corrupt gzip", "html"],
)
def test_a_passing_failure_is_retried_until_the_answer_is_whole(server, make_api, fetch, failure):
    server.route("/things", failure, failure, GOOD)
    [page] = fetch(make_api())
    assert (page.verdict.outcome, page.response.attempts, page.response.body) == (Outcome.OK, 3, GOOD.body)


@pytest.mark.parametrize("status", [400, 402, 404, 301])
def test_a_lasting_refusal_is_asked_once(server, make_api, fetch, status):
    server.route("/things", replies.json_text("no", status))
    [page] = fetch(make_api())
    assert page.verdict.outcome in {Outcome.FAILED, Outcome.NOT_ENTITLED, Outcome.UNKNOWN_KEY}
    assert len(server.requests) == 1


def test_attempts_end_in_a_failed_page_that_counts_every_call_and_byte(server, make_api, fetch):
    server.route("/things", replies.json_text("down", 500))
    [page] = fetch(make_api(limits=Limits(attempts=3)))
    assert (page.verdict.outcome, page.verdict.action) == (Outcome.FAILED, Action.ACCEPT)
    assert (page.response.attempts, page.response.wire_bytes, len(server.requests)) == (3, 12, 3)


def test_retry_after_is_waited_for(server, make_api, fetch, fake_time):
    server.route("/things", replies.json_text("", 429, retry_after="17"), GOOD)
    source = make_api()
    [page] = fetch(source, Driver(source, **fake_time.timing(), random=lambda: 0.0))
    assert page.verdict.outcome is Outcome.OK
    assert fake_time.seconds == pytest.approx(17)


def test_retry_after_holds_back_the_whole_endpoint_class(server, make_api, fetch, fake_time):
    server.route("/things", replies.json_text("", 429, retry_after="17"))
    source = make_api(limits=Limits(attempts=1))
    driver = Driver(source, **fake_time.timing(), random=lambda: 0.0)
    fetch(source, driver, "first")
    fetch(source, driver, "second")
    assert fake_time.seconds == pytest.approx(17)


def test_a_wait_beyond_the_deadline_stops_the_source_at_once(server, make_api, fetch, fake_time):
    server.route("/things", replies.json_text("", 429, retry_after="86400"))
    source = make_api(limits=Limits(deadline=60))
    driver = Driver(source, **fake_time.timing())
    [page] = fetch(source, driver)
    assert (page.verdict.outcome, page.verdict.error) == (Outcome.FAILED, "QuotaExhaustedError")
    assert driver.stopped("things") == page.verdict
    assert fake_time.seconds == 0


def test_the_deadline_ends_the_retries_without_a_wait_that_would_pass_it(server, make_api, fetch, fake_time):
    server.route("/things", replies.json_text("", 503))
    source = make_api(limits=Limits(deadline=10, attempts=1000))
    [page] = fetch(source, Driver(source, **fake_time.timing(), random=lambda: 1.0))
    assert page.response.attempts == 4  # after waits of 1, 2 and 4 s the next, 8 s, would end too late
    assert fake_time.seconds == 7


@given(attempts=st.integers(1, 2000), jitter=st.floats(0, 1))
def test_backoff_is_between_zero_and_its_doubling_cap(attempts: int, jitter: float):
    backoff = Backoff(base=1, cap=60)
    wait = backoff.wait(response(attempts=attempts), None, lambda: jitter, NOW)
    assert 0 <= wait <= min(60, 2.0 ** min(attempts - 1, 6))


def test_four_waits_after_429_outlast_a_limit_per_minute():
    waits = [Backoff().wait(response(429, attempts), Rate(300), lambda: 0.0, NOW) for attempts in (1, 2, 3, 4)]
    assert sum(waits) > 60


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Thu, 01 Jan 2026 00:01:30 -0000", 90),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    assert retry_after(response(retry_after=value), NOW) == seconds
