"""Pages of a list: `MaxResults` and `NextToken`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from finks_local.athena.failures import invalid

T = TypeVar("T")


def page(items: Sequence[T], request: dict[str, Any], default: int = 50) -> tuple[Sequence[T], dict[str, str]]:
    """One page of a list, and `NextToken` where there are more.

    Raises:
        ServiceError: The token is not one of ours.
    """
    start = offset(request, "The nextPageToken is malformed: ")
    end = start + (request.get("MaxResults") or default)
    return items[start:end], ({"NextToken": str(end)} if end < len(items) else {})


def offset(request: dict[str, Any], refusal: str) -> int:
    """Where a page begins.

    Raises:
        ServiceError: The token is not one of ours; the text is `refusal` and the token.
    """
    token: str = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise invalid(f"{refusal}{token}")
    return int(token)
