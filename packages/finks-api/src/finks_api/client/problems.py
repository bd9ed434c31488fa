"""What an answer that is no data means to the caller: the errors of `finks.errors`."""

from __future__ import annotations

from typing import Any, Final

import orjson
from finks.errors import (
    ConfigurationError,
    CredentialsError,
    DeadlineExceededError,
    EntitlementError,
    FinksError,
    MalformedBodyError,
    QuotaExhaustedError,
    RetryableError,
    SourceUnavailableError,
)
from finks.redact import Redactor
from finks.source.model import Response

from finks_api.problems import CATALOGUE, MEDIA_TYPE, TYPE

_PASSING: Final = frozenset({429, 502, 503, 504})
_BROKEN: Final = frozenset({"unreachable", "truncated"})
_QUOTA: Final = "quota-exceeded"

_BY_SLUG: Final[dict[str, type[FinksError]]] = {
    "invalid-key": CredentialsError,
    "forbidden-dataset": EntitlementError,
    "forbidden-portfolio": EntitlementError,
}
_BY_STATUS: Final[dict[int, type[FinksError]]] = {202: DeadlineExceededError, 429: QuotaExhaustedError}
_BY_FAULT: Final[dict[str, type[FinksError]]] = {
    "timeout": DeadlineExceededError,
    "too_large": MalformedBodyError,
    "bad_encoding": MalformedBodyError,
}
_GONE_BETWEEN: Final = "The release was removed while its pages were read. The same call reads the one served now."


def is_worth_a_retry(answer: Response) -> bool:
    """Whether the same request may be answered a little later. A day's quota is not back that soon."""
    if answer.fault:
        return answer.fault in _BROKEN
    return answer.status in _PASSING and _slug(_document(answer)) != _QUOTA


def error_of(answer: Response, redactor: Redactor, *, first: bool) -> FinksError:
    """The error of an answer that is not data.

    Args:
        answer: The answer; or none at all, with its `fault`.
        redactor: Hides the key, should somebody on the way have put it into the answer.
        first: Whether it is the answer to the first page.
    """
    document = _document(answer)
    slug = _slug(document)
    known = CATALOGUE.get(slug)
    title = known.title if known is not None else _untitled(answer)
    hint = known.help if known is not None else None
    kind = _class(answer, slug)
    if slug == "expired-version" and not first:
        kind, hint = RetryableError, _GONE_BETWEEN
    return kind(
        redactor.redact(title),
        where=redactor.redact(answer.request.url.partition("?")[0]),
        got=redactor.redact(_got(answer, document)),
        hint=hint,
    )


def _class(answer: Response, slug: str) -> type[FinksError]:
    if answer.fault:
        return _BY_FAULT.get(answer.fault, SourceUnavailableError)
    found = _BY_SLUG.get(slug) or _BY_STATUS.get(answer.status)
    if found is not None:
        return found
    return SourceUnavailableError if answer.status >= 500 else ConfigurationError


def _untitled(answer: Response) -> str:
    if answer.status == 202 and not answer.fault:
        return "The query still runs. The same call goes on waiting for it."
    return "The API did not answer." if answer.fault else "The address did not answer as the API does."


def _got(answer: Response, document: dict[str, Any]) -> str:
    if answer.fault:
        return answer.detail
    detail = str(document.get("detail", ""))
    known = CATALOGUE.get(_slug(document))
    said = [str(answer.status), detail if known is None or detail != known.help else ""]
    if identifier := answer.headers.get("x-correlation-id"):
        said.append(f"request {identifier}")
    return ", ".join(each for each in said if each)


def _slug(document: dict[str, Any]) -> str:
    return str(document.get("type", "")).removeprefix(TYPE)


def _document(answer: Response) -> dict[str, Any]:
    if answer.content_type != MEDIA_TYPE:
        return {}
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
