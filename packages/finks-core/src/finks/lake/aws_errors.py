"""What AWS refuses or fails at, as finks errors that say what to do. boto3 and pyarrow's S3 client tell it differently.

Everything here reads the text and the codes of errors; nothing needs boto3.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pyiceberg.exceptions import CommitStateUnknownException, NoSuchNamespaceError

from finks.errors import ConfigurationError, CredentialsError, FinksError, RetryableError

SERVICE: Final = "finks.service"
"""Where `Aws` notes in an answer which service it is from: an error of boto3 does not say."""

DENIED: Final = frozenset({"accessdenied", "accessdeniedexception", "unauthorizedoperation", "forbidden", "403"})
EXPIRED: Final = frozenset({"expiredtoken", "expiredtokenexception", "requestexpired"})
UNKNOWN_KEY: Final = frozenset(
    {
        "invalidaccesskeyid",
        "invalidclienttokenid",
        "signaturedoesnotmatch",
        "unrecognizedclientexception",
        "invalidsignatureexception",
        "invalidtoken",
        "missingauthenticationtoken",
    }
)
MISSING: Final = frozenset({"nosuchbucket"})
TRANSIENT: Final = frozenset(
    {
        "slowdown",
        "throttling",
        "throttlingexception",
        "throttledexception",
        "requestthrottled",
        "toomanyrequestsexception",
        "provisionedthroughputexceededexception",
        "serviceunavailable",
        "serviceunavailableexception",
        "internalerror",
        "internalfailure",
        "internalserviceexception",
        "internalservererror",
        "operationtimeoutexception",
        "requesttimeout",
        "networkconnection",
        "nosuchupload",
        "500",
        "502",
        "503",
        "504",
    }
)
"""Codes in small letters and without separators: boto3 says `SlowDown`, pyarrow says `SLOW_DOWN`."""

_PERMISSIONS: Final = {
    "HeadObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObject",
}
"""The permission of an S3 operation where it has another name (Service Authorization Reference, Amazon S3)."""

_ARROW: Final = re.compile(
    r"AWS Error (?P<code>[A-Z_]+)(?: \(HTTP status (?P<status>\d+)\))? during (?P<operation>\w+) operation: "
    r"(?P<message>.*)",
    re.DOTALL,
)
_OBJECT: Final = re.compile(r"(?:key '(?P<key>[^']*)' in )?bucket '(?P<bucket>[^']*)'")
_ASKED: Final = re.compile(r"not authorized to perform: (?P<action>[\w:*-]+)(?: on resource: (?P<resource>\S+))?")
_EMBEDDED: Final = re.compile(r"(ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|SlowDown|InvalidToken)")
_UNREACHABLE: Final = frozenset(
    {
        "ConnectionError",
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "IncompleteReadError",
        "ResponseStreamingError",
        "HTTPClientError",
    }
)
_NO_CREDENTIALS: Final = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
)
_SOMETHING: Final = "its resource"
_REQUEST: Final = re.compile(r" \(Request ID: [^)]*\)")


@dataclass(frozen=True, slots=True)
class Failure:
    """One refusal or failure of AWS.

    Attributes:
        code: In small letters, without separators.
        permission: What the call needs, for example `s3:PutObject`.
        resource: What it was about, an ARN where one is known.
    """

    code: str
    permission: str
    resource: str
    message: str


@contextmanager
def told() -> Generator[None]:
    """Turn what AWS raises in a `with` block into finks errors; everything else passes."""
    try:
        yield
    except FinksError:
        raise
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        raise explained from error


def explain(error: BaseException) -> FinksError | None:
    """The finks error for an error of AWS; None for any other."""
    found = next((made for cause in _causes(error) if (made := _explain(cause)) is not None), None)
    if isinstance(error, CommitStateUnknownException):
        return (
            RetryableError(
                "Whether the last commit landed is not known; nothing was deleted.",
                got=str(found.got if found is not None and found.got else error),
                hint="Run the same command again: it reads from the tables what has landed.",
            )
            if found is None or isinstance(found, RetryableError)
            else found
        )
    return found


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _explain(error: BaseException) -> FinksError | None:
    failure = _of_boto(error) or _of_arrow(error)
    if failure is not None:
        return _judge(failure)
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("botocore")}
    if kinds & _NO_CREDENTIALS:
        return CredentialsError("AWS credentials cannot be had.", got=str(error), hint=_CREDENTIALS)
    if kinds & _UNREACHABLE:
        return RetryableError("AWS cannot be reached.", got=str(error), hint=_AGAIN)
    if isinstance(error, NoSuchNamespaceError):
        return ConfigurationError(
            "A Glue database of the lake is missing.", got=str(error), hint="Was it deleted, or is this another region?"
        )
    return None


_AGAIN: Final = "Run the same command again later; what has landed stays landed."
_CREDENTIALS: Final = "Sign in again, or set AWS_PROFILE or the AWS_… variables of valid credentials."


def _judge(failure: Failure) -> FinksError | None:
    code = failure.code
    if code in EXPIRED:
        return CredentialsError(
            "The AWS credentials have expired.", where=failure.permission, got=failure.message, hint=_CREDENTIALS
        )
    if code in UNKNOWN_KEY:
        return CredentialsError(
            "AWS does not know these credentials.", where=failure.permission, got=failure.message, hint=_CREDENTIALS
        )
    if code in DENIED:
        return ConfigurationError(
            f"AWS refuses {failure.permission} on {failure.resource}.",
            where=failure.resource,
            expected=f"the permission {failure.permission} on {failure.resource}",
            got=failure.message or "access denied",
            hint="Add it to the policy of the role; docs/aws.md has the policies that finks needs.",
        )
    if code in MISSING:
        return ConfigurationError(
            "There is no such bucket.",
            where=failure.resource,
            got=failure.message,
            hint="Make it, or correct lake.path.",
        )
    if code in TRANSIENT:
        return RetryableError(
            f"AWS did not do {failure.permission}, although it was asked several times.",
            where=failure.resource,
            got=": ".join(part for part in (failure.code, failure.message) if part),
            hint=_AGAIN,
        )
    return None


def _of_boto(error: BaseException) -> Failure | None:
    """boto3's ClientError carries code, message and operation."""
    response: Any = getattr(error, "response", None)
    operation = getattr(error, "operation_name", None)
    if not isinstance(response, dict) or not isinstance(operation, str):
        return None
    answer = response.get("Error", {})
    message = _REQUEST.sub("", str(answer.get("Message", "")))
    asked = _ASKED.search(message)
    named = _PERMISSIONS.get(operation) or f"{response.get(SERVICE, 'aws')}:{operation}"
    permission = asked["action"] if asked else named
    resource = (asked["resource"] if asked else None) or _SOMETHING
    return Failure(_plain(str(answer.get("Code", ""))), permission, resource, message)


def _of_arrow(error: BaseException) -> Failure | None:
    """An OSError of pyarrow has everything in its message, and so has what DuckDB makes of it."""
    found = _ARROW.search(str(error))
    if found is None:
        return None
    message = _REQUEST.sub("", found["message"]).strip()
    embedded = _EMBEDDED.search(message)
    code = _plain(embedded[1] if embedded else found["code"])
    if code == "unknown":
        code = found["status"] or code
    permission = _PERMISSIONS.get(found["operation"], f"s3:{found['operation']}")
    return Failure(code, permission, _arn(str(error), permission), message)


def _arn(text: str, permission: str) -> str:
    """The object that an error of pyarrow is about, or its bucket; not every message has it."""
    found = _OBJECT.search(text)
    if found is None:
        return _SOMETHING
    inside = f"/{found['key']}" if found["key"] and permission != "s3:ListBucket" else ""
    return f"arn:aws:s3:::{found['bucket']}{inside}"


def _plain(code: str) -> str:
    return code.replace("_", "").replace(".", "").lower()
