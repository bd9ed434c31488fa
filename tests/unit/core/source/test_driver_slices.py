"""Driving a plugin's generator: pages, stops, the plugin's own mistakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from finks.errors import CredentialsError, InvariantError
from finks.redact import Redactor
from finks.source import Action, Outcome, Rate, Request, Verdict
from finks.source.driver import Driver
from finks.testing import replies

GOOD = replies.json_text('[{"name": "a"}]')


def paged(server, last: int):
    """A generator that asks for the pages 0 to `last`."""

    def steps(stream, slice):
        for number in range(last + 1):
            yield Request(f"{server.url}/things", {"page": str(number)})

    return steps


def test_each_response_of_the_generator_becomes_a_page(server, make_api, fetch):
    server.route("/things", GOOD)
    pages = fetch(make_api(steps=paged(server, 2)))
    assert [page.number for page in pages] == [0, 1, 2]
    assert [request.params["page"] for request in server.requests] == ["0", "1", "2"]


def test_the_generator_receives_the_response_it_asked_for(server, make_api, fetch):
    received = []

    def steps(stream, slice):
        received.append((yield Request(f"{server.url}/things")))

    server.route("/things", GOOD)
    [page] = fetch(make_api(steps=steps))
    assert received == [page.response]


def test_a_failed_page_ends_its_slice(server, make_api, fetch):
    server.route("/things", GOOD, replies.json_text("no", 400), GOOD)
    pages = fetch(make_api(steps=paged(server, 5)))
    assert [page.verdict.outcome for page in pages] == [Outcome.OK, Outcome.FAILED]


def test_paging_in_a_circle_ends_in_a_failed_page(server, make_api, fetch):
    def steps(stream, slice):
        while True:
            yield Request(f"{server.url}/things", {"cursor": "same"})

    server.route("/things", GOOD)
    [page] = fetch(make_api(steps=steps))
    assert page.verdict.outcome is Outcome.FAILED


@pytest.mark.parametrize("action", [Action.SKIP_STREAM, Action.STOP_SOURCE])
def test_after_a_stop_nothing_is_called_any_more(server, make_api, fetch, action):
    verdict = Verdict(Outcome.FAILED, action, "no", "CredentialsError")
    server.route("/things", GOOD)
    source = make_api(judge=lambda response: verdict)
    driver = Driver(source)
    assert fetch(source, driver)[0].verdict == verdict
    assert fetch(source, driver) == []
    assert driver.stopped(source.streams()[0]) == verdict
    assert (driver.stopped("another") == verdict) is (action is Action.STOP_SOURCE)
    assert len(server.requests) == 1


def test_a_slice_cut_by_a_stop_ends_in_a_failed_page(server, make_api, fetch):
    source = make_api(steps=paged(server, 3), rate=Rate(calls=1000, burst=10, per_day=2))
    server.route("/things", GOOD)
    pages = fetch(source)
    assert [page.verdict.outcome for page in pages] == [Outcome.OK, Outcome.FAILED]


def test_a_used_up_day_stops_the_source_before_a_call(server, make_api, fetch):
    source = make_api(rate=Rate(calls=1000, per_day=1))
    driver = Driver(source)
    server.route("/things", GOOD)
    assert len(fetch(source, driver)) == 1
    assert fetch(source, driver) == []
    stopped = driver.stopped("things")
    assert stopped is not None
    assert stopped.error == "QuotaExhaustedError"


def failing(stream, slice):
    yield {}["missing"]


def yielding_text(stream, slice):
    yield "http://vendor.test"


def judging_badly(response):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "part", [{"steps": failing}, {"steps": yielding_text}, {"judge": judging_badly}], ids=["fetch", "yield", "classify"]
)
def test_a_mistake_in_the_plugin_names_plugin_stream_and_slice(server, make_api, fetch, part):
    server.route("/things", GOOD)
    with pytest.raises(InvariantError, match=r"(?s)'api'.*stream things, slice things/AAPL/all"):
        fetch(make_api(**part), key="AAPL")


def test_an_error_that_the_plugin_raises_on_purpose_passes(make_api, fetch):
    def steps(stream, slice):
        raise CredentialsError("no key")
        yield

    with pytest.raises(CredentialsError, match="no key"):
        fetch(make_api(steps=steps))


def test_the_secret_header_goes_to_the_own_host_only(server, make_api, fetch, canary):
    def steps(stream, slice):
        yield Request(f"{server.url}/things", {"page": "0"})
        yield Request(server.url.replace("127.0.0.1", "localhost") + "/things", {"page": "1"})

    server.route("/things", GOOD)
    fetch(make_api(steps=steps))
    assert [request.headers.get("apikey") for request in server.requests] == [canary, None]


def test_a_page_is_judged_after_redaction_and_otherwise_unchanged(server, make_api, fetch, canary):
    body = f'[{{"name": "{canary}"}}]'
    server.route("/things", replies.json_text(body, x_echo=canary))
    source = make_api(judge=lambda response: Verdict(Outcome.OK, reason=f"{response.body!r} for {canary}"))
    [page] = fetch(source, Driver(source, redactor=Redactor()))
    assert page.response.body == b'[{"name": "[redacted]"}]'
    assert canary not in repr(replace(page))
