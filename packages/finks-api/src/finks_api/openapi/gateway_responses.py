"""What API Gateway answers by itself, as problems of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from finks_api.problems import Problem

PROBLEMS: Final[Mapping[str, str]] = {
    "INVALID_API_KEY": "invalid-key",
    # API Gateway gives this for every path and method that it does not know: none of ours takes a signature.
    "MISSING_AUTHENTICATION_TOKEN": "not-found",
    "RESOURCE_NOT_FOUND": "not-found",
    "THROTTLED": "rate-exceeded",
    "QUOTA_EXCEEDED": "quota-exceeded",
    "BAD_REQUEST_PARAMETERS": "invalid-parameter",
    "BAD_REQUEST_BODY": "body-not-allowed",
    "UNSUPPORTED_MEDIA_TYPE": "body-not-allowed",
    "REQUEST_TOO_LARGE": "body-not-allowed",
    "DEFAULT_4XX": "refused",
    "INTEGRATION_TIMEOUT": "unavailable",
    "INTEGRATION_FAILURE": "unavailable",
    "DEFAULT_5XX": "internal",
}
"""Response type to slug. A type that is not here is answered by the default of its class.

Source: "Gateway response types for API Gateway".
"""


_REQUEST_ID: Final = "context.requestId"
_OWN_WORDS: Final = {"BAD_REQUEST_PARAMETERS": "$context.error.messageString"}
"""A detail in API Gateway's words, a JSON string: it names the parameters that are missing."""


def gateway_responses() -> dict[str, Any]:
    """The extension `x-amazon-apigateway-gateway-responses`."""
    return {kind: _response(kind, Problem.fixed(slug)) for kind, slug in PROBLEMS.items()}


def _response(kind: str, problem: Problem) -> dict[str, Any]:
    """Templates are text with `$` variables and nothing else; without one, each answer is the same bytes.

    The template is filed under application/json, the one that API Gateway looks for; the header says what it is.
    """
    headers = {_title(name): f"'{value}'" for name, value in problem.headers.items()}
    headers |= {"X-Correlation-Id": _REQUEST_ID, "X-Content-Type-Options": "'nosniff'"}
    body = problem.body().decode()
    if kind in _OWN_WORDS:
        body = body.replace(f'"{problem.detail}"', _OWN_WORDS[kind])
    return {
        "statusCode": str(problem.status),
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": body},
    }


def _title(name: str) -> str:
    """`Content-Type`, in the letters in which API Gateway knows its own header."""
    return "-".join(part.capitalize() for part in name.split("-"))
