"""What an FMP answer means. The body is read before the status, because the vendor's statuses mislead.

An error may come with status 200, "no data" is `200 []`, a wrong path is `404 []`, and plain text is labelled
`application/json`. Everything here is pure. The texts are the vendor's own, as quoted by clients and issue
threads (FinRobot#73, blocksense#1275, fmp-data, FinanceToolkit, fmpdotnet's measurements of 2026-08).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import cast

from finks.source.model import Action, Outcome, Response, Verdict

# A refusal by the minute ends with the minute. One that is still there after this many calls with back-off
# between them is the day's quota, which the vendor words the same.
LIMIT_ATTEMPTS = 5

_ECHOED_SYMBOL = re.compile(rb'"symbol"\s*:\s*"((?:[^"\\]|\\.)*)"')
_NOT_JSON_NUMBERS = (b"NaN", b"Infinity")
_ERROR_NAMES = ("Error Message", "error", "message")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A text of the vendor, in lower case, and what it means."""

    text: str
    verdict: Verdict


def _not_entitled(action: Action, reason: str) -> Verdict:
    return Verdict(Outcome.NOT_ENTITLED, action, reason, "EntitlementError")


BAD_KEY = Verdict(Outcome.FAILED, Action.STOP_SOURCE, "the vendor refused the API key", "CredentialsError")
BANDWIDTH = Verdict(Outcome.FAILED, Action.STOP_SOURCE, "the plan's bandwidth is used up", "QuotaExhaustedError")
TOO_MANY_CALLS = Verdict(Outcome.FAILED, Action.RETRY, "too many calls", "QuotaExhaustedError")
QUOTA = Verdict(
    Outcome.FAILED,
    Action.STOP_SOURCE,
    "too many calls, still refused after waiting: the day's quota",
    "QuotaExhaustedError",
)
ENDPOINT = _not_entitled(Action.SKIP_STREAM, "the plan does not include this endpoint")
LEGACY = _not_entitled(Action.SKIP_STREAM, "a legacy endpoint, closed to this key")
SYMBOL = _not_entitled(Action.ACCEPT, "the plan does not include this symbol")
PARAMETER = _not_entitled(Action.ACCEPT, "the plan does not include this parameter value")
WRONG_PATH = Verdict(Outcome.FAILED, Action.SKIP_STREAM, "the vendor knows no such path (404)", "ConfigurationError")

# In order: the first text found decides. Narrow texts stand before the wide ones that they contain.
_RULES = (
    _Rule("invalid api key", BAD_KEY),
    _Rule("bandwidth limit reach", BANDWIDTH),
    _Rule("limit reach", TOO_MANY_CALLS),
    _Rule("legacy endpoint", LEGACY),
    _Rule("value set for 'symbol'", SYMBOL),
    _Rule("us stocks only", SYMBOL),
    _Rule("premium query parameter", PARAMETER),
    _Rule("restricted endpoint", ENDPOINT),
    _Rule("exclusive endpoint", ENDPOINT),
    _Rule("special endpoint", ENDPOINT),
    _Rule("premium endpoint", ENDPOINT),
    _Rule("query error: invalid or missing query parameter", Verdict(Outcome.FAILED, reason="a parameter is missing")),
    _Rule("maxmium query parameter", Verdict(Outcome.FAILED, reason="the page number is over the maximum")),
    _Rule("invalid exchange provided", Verdict(Outcome.UNKNOWN_KEY, reason="the vendor does not know this exchange")),
    _Rule("invalid name", Verdict(Outcome.UNKNOWN_KEY, reason="the vendor does not know this name")),
    _Rule("no data for this symbol", Verdict(Outcome.UNKNOWN_KEY, reason="no data for this symbol, or a wrong call")),
    _Rule("error with query", Verdict(Outcome.FAILED, reason="the vendor could not answer the query")),
    _Rule("upgrade", ENDPOINT),
)


def classify(response: Response, key: str, attempts: int = LIMIT_ATTEMPTS) -> Verdict:
    """What a whole or broken answer means for the slice of `key`.

    Args:
        response: The answer; its `attempts` counts the calls made so far.
        key: The symbol that was asked for; empty for none.
        attempts: The most calls for one page: a refusal that is still there after them is the day's quota.
    """
    if response.fault:
        transient = response.fault in {"timeout", "truncated", "unreachable", "bad_encoding"}
        return _failed(response.detail or response.fault, retry=transient)
    verdict = _classify_body(response.status, response.body.strip(), key)
    if verdict is TOO_MANY_CALLS and response.status == 429 and response.attempts >= attempts:
        return QUOTA
    return verdict


def error_message(body: bytes) -> str:
    """The vendor's words in a body that is not a list: of its error object, or the plain text; empty for neither."""
    if body.startswith(b"<"):
        return ""
    if not body.startswith(b"{"):
        return body[:500].decode("utf-8", "replace")
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    record = cast("dict[str, object]", parsed)
    words = [str(record[name]) for name in _ERROR_NAMES if record.get(name)]
    return words[0][:500] if words else ""


def echoed_symbols(body: bytes) -> set[str]:
    """The symbols that the rows of a body say they are about, without parsing it."""
    return {symbol.decode("utf-8", "replace") for symbol in set(_ECHOED_SYMBOL.findall(body))}


def _classify_body(status: int, body: bytes, key: str) -> Verdict:
    if body.startswith(b"["):
        return _classify_list(status, body, key)
    message = error_message(body)
    return _classify_message(status, message) or _classify_rest(status, body, message)


def _classify_list(status: int, body: bytes, key: str) -> Verdict:
    if status == 404:
        return WRONG_PATH
    if status != 200:
        return _by_status(status)
    if not body.endswith(b"]"):
        return _failed("the JSON list is cut off", retry=True)
    if body[1:-1].strip() == b"":
        return Verdict(Outcome.EMPTY)
    # The search costs far less than a parse; only a hit, which may lie inside a text, is worth one.
    if any(word in body for word in _NOT_JSON_NUMBERS) and not _is_strict_json(body):
        return _failed("NaN or Infinity: not JSON", error="MalformedBodyError")
    strangers = echoed_symbols(body) - {key} if key else set()
    if strangers:
        return _failed(f"the answer is about {', '.join(sorted(strangers)[:3])}, not {key}", error="MalformedBodyError")
    return Verdict(Outcome.OK)


def _classify_message(status: int, message: str) -> Verdict | None:
    lowered = message.lower()
    for rule in _RULES:
        if rule.text in lowered:
            # An outage's own text ("upgrade in progress") is no word about the plan or the request.
            if status >= 500 and rule.verdict.action not in {Action.RETRY, Action.STOP_SOURCE}:
                return None
            return rule.verdict
    return None


def _classify_rest(status: int, body: bytes, message: str) -> Verdict:
    if status != 200:
        return _by_status(status)
    if not body:
        return _failed("an empty body", retry=True)
    if body.startswith(b"<"):
        return _failed("HTML instead of JSON", retry=True)
    if message and body.startswith(b"{"):
        return _failed(f"the vendor answered: {message[:200]}")
    if body.startswith(b"{"):
        return _failed("an object where a list was expected", error="MalformedBodyError")
    return _failed("neither JSON nor an error text that is known", retry=True, error="MalformedBodyError")


def _by_status(status: int) -> Verdict:
    if status == 429:
        return TOO_MANY_CALLS
    if status >= 500:
        return _failed(f"HTTP {status}", retry=True)
    if status in {401, 403}:
        return BAD_KEY
    if status == 402:
        return PARAMETER
    if status == 404:
        return WRONG_PATH
    return _failed(f"HTTP {status}")


def _failed(reason: str, *, retry: bool = False, error: str = "SourceUnavailableError") -> Verdict:
    return Verdict(Outcome.FAILED, Action.RETRY if retry else Action.ACCEPT, reason, error)


def _is_strict_json(body: bytes) -> bool:
    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True
