"""A canary secret appears in no log, error, page or ledger line."""

from __future__ import annotations

import io
import logging
import traceback
from urllib.parse import quote

import pytest
from finks.errors import ConfigurationError, InvariantError
from finks.redact import RedactingFilter, Redactor
from finks.source import Limits, Request
from finks.source.driver import Driver
from finks.testing import replies
from hypothesis import given
from hypothesis import strategies as st

SECRET = "s3cret/with+odd=chars"


@pytest.fixture
def log() -> io.StringIO:
    """Everything that any logger writes, at the finest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize("spelt", [SECRET, quote(SECRET, safe=""), quote(SECRET)])
def test_a_secret_is_hidden_in_every_spelling(spelt: str):
    redactor = Redactor([SECRET])
    assert redactor.redact(f"before {spelt} after") == "before [redacted] after"
    assert redactor.redact_bytes(f"before {spelt} after".encode()) == b"before [redacted] after"


def test_of_a_bearer_header_the_token_alone_is_hidden_too():
    assert Redactor([f"Bearer {SECRET}"]).redact(f"token {SECRET}") == "token [redacted]"


def test_a_secret_within_another_leaves_nothing_of_either():
    assert Redactor(["abcdefgh", "abcdefghijkl"]).redact("abcdefghijkl abcdefgh") == "[redacted] [redacted]"


@given(st.binary(max_size=300))
def test_a_body_without_the_secret_is_kept_byte_for_byte(body: bytes):
    assert Redactor([SECRET]).redact_bytes(body) == body


def test_a_word_of_a_short_key_is_not_blotted_out_of_the_data():
    assert Redactor(["demo"]).redact_bytes(b'{"name": "democracy"}') == b'{"name": "democracy"}'


@pytest.mark.parametrize("name", ["apikey", "api_key", "token", "key", "secret", "password", "access_token", "APIKEY"])
def test_parameters_with_a_secrets_name_are_hidden_without_knowing_the_value(name: str):
    assert Redactor().redact(f"GET https://v.test/x?a=1&{name}=abc&b=2") == (
        f"GET https://v.test/x?a=1&{name}=[redacted]&b=2"
    )


def test_a_password_in_an_address_is_hidden():
    assert Redactor().redact("https://user:pw@v.test/x") == "https://[redacted]@v.test/x"


def test_a_request_is_described_by_its_sorted_and_redacted_parameters():
    request = Request("https://v.test/x?to=2", {"symbol": "^GSPC", "apikey": "abc", "from": "1"})
    assert Redactor().describe(request) == "GET https://v.test/x?apikey=[redacted]&from=1&symbol=^GSPC&to=2"


def test_logs_of_a_fetch_name_the_call_and_never_the_key(server, make_api, fetch, canary, log):
    server.route("/things", replies.json_text(f'["{canary}"]', x_echo=canary))
    redactor = Redactor([canary])
    source = make_api()
    with redactor.guarding_logs():
        pages = fetch(source, Driver(source, redactor=redactor))
        logging.getLogger("plugin.of.someone").warning("sending %s", canary)
        logging.getLogger("plugin").warning("dict %(key)s", {"key": canary})
        try:
            raise ValueError(canary)
        except ValueError:
            logging.getLogger("plugin").exception("it failed with %r", {"key": canary})
    assert "/things" in log.getvalue()
    assert "ValueError: [redacted]" in log.getvalue()
    assert canary not in log.getvalue() + repr(pages)
    assert quote(canary) not in log.getvalue() + repr(pages)


def test_a_wrong_log_call_breaks_nothing_and_shows_no_secret(log):
    with Redactor([SECRET]).guarding_logs():
        logging.getLogger("x").warning("%d items", SECRET)
    assert log.getvalue() == "%d items ('[redacted]',)\n"


def test_guards_of_two_redactors_hide_both_and_end_in_any_order(log):
    before = logging.getLogRecordFactory()
    first, second = Redactor(["first-secret"]).guarding_logs(), Redactor(["second-secret"]).guarding_logs()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    logging.getLogger("x").warning("second-secret")
    second.__exit__(None, None, None)
    assert "second-secret" not in log.getvalue()
    assert logging.getLogRecordFactory() is before


def test_a_filter_on_a_handler_hides_extra_fields_too(log):
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(logging.Formatter("%(message)s %(note)s"))
    handler.addFilter(RedactingFilter(Redactor([SECRET])))
    logging.getLogger().addHandler(handler)
    logging.getLogger("x").warning("hello", extra={"note": SECRET})
    logging.getLogger().removeHandler(handler)
    assert stream.getvalue() == "hello [redacted]\n"


@pytest.mark.parametrize("part", ["steps", "judge"])
def test_a_plugins_exception_does_not_carry_the_key_out(server, make_api, fetch, canary, part):
    def fail(*_):
        raise KeyError(canary)

    server.route("/things", replies.json_text("[1]"))
    with pytest.raises(InvariantError) as caught:
        fetch(make_api(**{part: fail}))
    assert canary not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("broken", ["line\nbreak-in-key", "key-with-ümlaut", " key-with-blank"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(make_api, broken):
    source = make_api()
    source._secret = broken
    with pytest.raises(ConfigurationError) as caught:
        Driver(source)
    assert broken not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("header", ["line\r\nbreak", "ümlaut"])
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(server, make_api, fetch, header):
    def steps(stream, slice):
        yield Request(f"{server.url}/things", headers={"x-note": header})

    with pytest.raises(ConfigurationError) as caught:
        fetch(make_api(steps=steps, limits=Limits(attempts=1)))
    assert header not in "".join(traceback.format_exception(caught.value))
