"""What a request to AWS asks for, read from the wire, and how a service says no."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
_S3: Final = {
    ("GET", "list-type"): "ListObjectsV2",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("POST", "delete"): "DeleteObjects",
    ("PUT", "partNumber"): "UploadPart",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_VERBS: Final = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_BUCKET_VERBS: Final = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        service: The name in the signature, for example `s3`, `glue`, `dynamodb`.
        operation: As in the service's API reference, for example `PutObject`.
        resource: `bucket/key`; the `database.table` of Glue; the table of DynamoDB; else empty.
    """

    service: str
    operation: str
    resource: str


def call_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
    """What a request asks for.

    Args:
        target: Path and query.
        headers: Names in any case.
    """
    given = {name.lower(): value for name, value in headers.items()}
    signed = _SCOPE.search(given.get("authorization", ""))
    service = signed["service"] if signed else "s3"
    if "x-amz-target" in given:
        return Call(service, given["x-amz-target"].rpartition(".")[2], _named(body))
    if service == "s3":
        return _s3_call(method, target)
    form = dict(parse_qsl(body.decode(errors="replace")))
    return Call(service, form.get("Action", method), "")


def _s3_call(method: str, target: str) -> Call:
    parts = urlsplit(target)
    path = unquote(parts.path).lstrip("/")
    query = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    special = next((name for (verb, word), name in _S3.items() if verb == method and word in query), None)
    verbs = _VERBS if "/" in path.rstrip("/") else _BUCKET_VERBS
    return Call("s3", special or verbs.get(method, method), path)


def _named(body: bytes) -> str:
    try:
        asked: dict[str, Any] = json.loads(body or b"{}")
    except ValueError:
        return ""
    table = asked.get("Name") or asked.get("TableInput", {}).get("Name") or asked.get("DatabaseInput", {}).get("Name")
    return ".".join(part for part in (asked.get("DatabaseName"), table) if part) or asked.get("TableName", "")


def refusal(call: Call, code: str, message: str) -> tuple[str, bytes]:
    """The content type and the body of an error, as the service of this call writes it."""
    if call.service == "s3":
        text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return "application/xml", text.encode()
    if call.service in {"sts", "iam", "sns"}:
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return "text/xml", text.encode()
    return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
