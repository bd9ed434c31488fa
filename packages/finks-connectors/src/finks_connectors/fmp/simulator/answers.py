"""The vendor's refusals and accidents, word for word as quoted in public, and as faults to order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire. The vendor labels nearly everything as JSON, plain text too."""

    status: int
    body: bytes
    content_type: str = JSON


def _error(status: int, message: str) -> Answer:
    return Answer(status, f'{{\n  "Error Message": "{message}"\n}}'.encode())


def _text(status: int, message: str) -> Answer:
    return Answer(status, message.encode())


_SITE = "https://site.financialmodelingprep.com/"
_DEVELOPER = "https://site.financialmodelingprep.com/developer/docs"

NOTHING = Answer(200, b"[]")
WRONG_PATH = Answer(404, b"[]")
BAD_KEY = _error(401, f"Invalid API KEY. Please retry or visit our documentation to create one FREE {_DEVELOPER}")
LEGACY = _error(
    403,
    "Legacy Endpoint : Due to Legacy endpoints being no longer supported - This endpoint is only available for"
    f" legacy users who have valid subscriptions prior August 31, 2025. Please visit our pricing page {_SITE}",
)
LIMIT_REACH = _error(
    429, f"Limit Reach . Please upgrade your plan or visit our documentation for more details at {_SITE}"
)
BANDWIDTH = _error(429, f"Bandwidth Limit Reach . Please upgrade your plan or visit our documentation at {_SITE}")
RESTRICTED_ENDPOINT = _text(
    402,
    "Restricted Endpoint: This endpoint is not available under your current subscription agreement, please visit"
    f" our subscription page to upgrade your plan {_DEVELOPER}/pricing",
)


def _restricted_value(name: str) -> Answer:
    return _text(
        402,
        f"Premium Query Parameter: 'Special Endpoint : This value set for '{name}' is not available under your current"
        f" subscription please visit our subscription page to upgrade your plan at {_DEVELOPER}/pricing",
    )


RESTRICTED_SYMBOL = _restricted_value("symbol")
RESTRICTED_LIMIT = _text(402, "Premium Query Parameter: 'limit'")
RESTRICTED_VALUES = {"limit": RESTRICTED_LIMIT, "period": _restricted_value("period")}
MISSING_SYMBOL = _text(400, "Query Error: Invalid or missing query parameter - symbol")
PAGE_OVER_MAXIMUM = _text(400, "Maxmium Query Parameter: The maximum page number for this endpoint is '100'")
UNKNOWN_EXCHANGE = _text(400, "Invalid Exchange Provided.")
INVALID_NAME = _text(200, "Invalid name")
NO_DATA = _error(200, "No Data for this symbol or invalid API call. Please visit our documentation")
ERROR_WITH_QUERY = _text(200, "Error with query")
EXCLUSIVE = _error(200, "Exclusive Endpoint : This endpoint is not available under your current subscription")
BAD_GATEWAY = Answer(
    502, b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx/1.18.0</body>\r\n</html>", "text/html"
)

# A fault takes the true answer and makes the broken one of it.
Fault = Callable[[Answer], Answer]


def _always(answer: Answer, status: int | None = None) -> Fault:
    broken = answer if status is None else replace(answer, status=status)
    return lambda _true: broken


def _cut(true: Answer) -> Answer:
    """Half of the body, sent as if it were the whole: what a broken cache does."""
    return replace(true, body=true.body[: len(true.body) // 2])


def _first_number(replacement: bytes) -> Fault:
    """The first price of the body replaced, for example by `NaN`."""

    def breaks(true: Answer) -> Answer:
        for name in (b'"open": ', b'"adjOpen": ', b'"price": ', b'"dividend": ', b'"revenue": ', b'"numerator": '):
            start = true.body.find(name)
            if start >= 0:
                end = min(true.body.index(mark, start) for mark in (b",", b"\n") if mark in true.body[start:])
                return replace(true, body=true.body[: start + len(name)] + replacement + true.body[end:])
        return true

    return breaks


FAULTS: Mapping[str, Fault] = {
    "bad_gateway": _always(BAD_GATEWAY),
    "bad_key": _always(BAD_KEY),
    "bad_key_200": _always(BAD_KEY, 200),
    "bandwidth": _always(BANDWIDTH),
    "empty_body": _always(Answer(200, b"")),
    "error_with_query": _always(ERROR_WITH_QUERY),
    "exclusive_200": _always(EXCLUSIVE),
    "html_200": _always(BAD_GATEWAY, 200),
    "huge_number": _first_number(b"1e400"),
    "invalid_name": _always(INVALID_NAME),
    "legacy": _always(LEGACY),
    "limit_reach": _always(LIMIT_REACH),
    "limit_reach_200": _always(LIMIT_REACH, 200),
    "missing_symbol": _always(MISSING_SYMBOL),
    "nan": _first_number(b"NaN"),
    "no_data": _always(NO_DATA),
    "nothing": _always(NOTHING),
    "page_over_maximum": _always(PAGE_OVER_MAXIMUM),
    "restricted_endpoint": _always(RESTRICTED_ENDPOINT),
    "restricted_limit": _always(RESTRICTED_LIMIT),
    "restricted_symbol": _always(RESTRICTED_SYMBOL),
    "truncated_json": _cut,
    "unknown_exchange": _always(UNKNOWN_EXCHANGE),
    "wrong_path": _always(WRONG_PATH),
}
"""Name of a fault to what it does; for `SimulatedFmp.fail`."""
