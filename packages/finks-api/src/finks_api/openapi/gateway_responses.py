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


def gateway_responses() -> dict[str, Any]:
    """The extension `x-amazon-apigateway-gateway-responses`."""
    return {kind: _response(Problem.fixed(slug)) for kind, slug in PROBLEMS.items()}


def _response(problem: Problem) -> dict[str, Any]:
    """Templates are text with `$` variables and nothing else; ours has none, so each answer is the same bytes.

    The template is filed under application/json, the one that API Gateway looks for; the header says what it is.
    """
    headers = {_title(name): f"'{value}'" for name, value in problem.headers.items()}
    return {
        "statusCode": str(problem.status),
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": problem.body().decode()},
    }


def _title(name: str) -> str:
    """`Content-Type`, in the letters in which API Gateway knows its own header."""
    return "-".join(part.capitalize() for part in name.split("-"))
