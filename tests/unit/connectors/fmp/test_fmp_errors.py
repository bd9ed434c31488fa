"""Every answer that the vendor is known to give when it does not give data, served over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from finks.source.model import Action, Outcome, Request, Response
from finks_connectors.fmp.errors import LIMIT_ATTEMPTS, classify
from finks_connectors.fmp.simulator import SimulatedFmp
from hypothesis import given
from hypothesis import strategies as st

F, N, U, E = Outcome.FAILED, Outcome.NOT_ENTITLED, Outcome.UNKNOWN_KEY, Outcome.EMPTY
GO, AGAIN, SKIP, STOP = Action.ACCEPT, Action.RETRY, Action.SKIP_STREAM, Action.STOP_SOURCE

ANSWERS = [
    ("bad_gateway", 502, F, AGAIN, "SourceUnavailableError"),
    ("bad_key", 401, F, STOP, "CredentialsError"),
    ("bad_key_200", 200, F, STOP, "CredentialsError"),
    ("bandwidth", 429, F, STOP, "QuotaExhaustedError"),
    ("empty_body", 200, F, AGAIN, "SourceUnavailableError"),
    ("error_with_query", 200, F, GO, "SourceUnavailableError"),
    ("exclusive_200", 200, N, SKIP, "EntitlementError"),
    ("html_200", 200, F, AGAIN, "SourceUnavailableError"),
    ("invalid_name", 200, U, GO, "SourceUnavailableError"),
    ("legacy", 403, N, SKIP, "EntitlementError"),
    ("limit_reach", 429, F, AGAIN, "QuotaExhaustedError"),
    ("limit_reach_200", 200, F, AGAIN, "QuotaExhaustedError"),
    ("missing_symbol", 400, F, GO, "SourceUnavailableError"),
    ("nan", 200, F, GO, "MalformedBodyError"),
    ("no_data", 200, U, GO, "SourceUnavailableError"),
    ("nothing", 200, E, GO, "SourceUnavailableError"),
    ("page_over_maximum", 400, F, GO, "SourceUnavailableError"),
    ("restricted_endpoint", 402, N, SKIP, "EntitlementError"),
    ("restricted_limit", 402, N, GO, "EntitlementError"),
    ("restricted_symbol", 402, N, GO, "EntitlementError"),
    ("truncated_json", 200, F, AGAIN, "SourceUnavailableError"),
    ("unknown_exchange", 400, U, GO, "SourceUnavailableError"),
    ("wrong_path", 404, F, SKIP, "ConfigurationError"),
]


@pytest.fixture(scope="module")
def vendor():
    """One vendor for the module: no test here changes its facts."""
    with SimulatedFmp() as running:
        yield running


@pytest.mark.parametrize(("fault", "status", "outcome", "action", "error"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_the_answer_is_classified_by_its_body_before_its_status(vendor, ask, fault, status, outcome, action, error):
    vendor.fail(fault)
    response = ask("historical-price-eod/full", symbol="AAPL", first="2013-02-01")
    verdict = classify(response, "AAPL")
    assert response.status == status
    assert (verdict.outcome, verdict.action, verdict.error) == (outcome, action, error)
    assert verdict.reason or outcome is Outcome.EMPTY


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Error Message": "Limit Reach . Please upgrade"}'])
def test_a_limit_that_outlasts_the_waiting_is_the_daily_quota(body):
    verdict = classify(replace(answer(429, body), attempts=LIMIT_ATTEMPTS), "AAPL")
    assert (verdict.action, verdict.error) == (Action.STOP_SOURCE, "QuotaExhaustedError")


def test_a_number_that_is_json_is_left_to_the_contract(vendor, ask):
    vendor.fail("huge_number")
    response = ask("historical-price-eod/full", symbol="AAPL", first="2013-02-01")
    assert b"1e400" in response.body
    assert classify(response, "AAPL").outcome is Outcome.OK


def test_an_answer_about_another_symbol_does_not_land(ask):
    verdict = classify(ask("splits", symbol="MSFT"), "AAPL")
    assert verdict.outcome is Outcome.FAILED
    assert "MSFT" in verdict.reason


def test_an_error_word_inside_a_record_is_data():
    body = b'[{"symbol": "AAPL", "description": "Limit Reach, \\"symbol\\": \\"X\\", NaN, Invalid API KEY"}]'
    assert classify(answer(200, body), "AAPL").outcome is Outcome.OK


@pytest.mark.parametrize(
    ("status", "action"),
    [(429, AGAIN), (500, AGAIN), (503, AGAIN), (401, STOP), (403, STOP), (402, GO), (404, SKIP), (400, GO), (302, GO)],
)
@pytest.mark.parametrize("body", [b"", b"[]", b'[{"symbol": "AAPL"}]', b"what?", b"{}"])
def test_without_a_known_text_the_status_decides_and_nothing_lands(status, action, body):
    verdict = classify(answer(status, body), "AAPL")
    assert verdict.outcome in {Outcome.FAILED, Outcome.NOT_ENTITLED}
    assert verdict.action is action


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"symbol": "AAPL"}', b"hello", b"[", b"null", b"\xff\xfe", b'"x"'])
def test_a_body_that_is_no_list_never_lands(body):
    assert classify(answer(200, body), "AAPL").outcome is Outcome.FAILED


def test_an_outage_that_speaks_of_an_upgrade_is_an_outage():
    verdict = classify(answer(503, b"Service upgrade in progress"), "AAPL")
    assert (verdict.outcome, verdict.action) == (Outcome.FAILED, Action.RETRY)


@pytest.mark.parametrize("fault", ["timeout", "truncated", "unreachable", "bad_encoding"])
def test_a_broken_transfer_is_tried_again(fault):
    assert classify(replace(answer(200, b"[{}"), fault=fault), "AAPL").action is Action.RETRY


def test_an_oversized_answer_is_not_tried_again():
    assert classify(replace(answer(200, b""), fault="too_large"), "AAPL").action is Action.ACCEPT


@given(st.integers(100, 599), st.binary(max_size=60), st.sampled_from(["", "AAPL"]))
def test_only_a_list_with_status_200_lands(status, body, key):
    verdict = classify(answer(status, body), key)
    if verdict.outcome in {Outcome.OK, Outcome.EMPTY}:
        assert status == 200
        assert body.strip()[:1] == b"["
        assert body.strip()[-1:] == b"]"


def answer(status: int, body: bytes) -> Response:
    return Response(Request("http://vendor/splits"), status, body, {}, datetime(2024, 1, 1, tzinfo=UTC))
