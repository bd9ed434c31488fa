"""AWS's JSON 1.1 protocol: a request as it came, a reply as it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
RESET_HEADER: Final = "x-finks-reset"
"""What a request to empty everything must carry."""

_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/")


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        headers: Names in lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def service(self) -> str:
        """The service's prefix in `X-Amz-Target`, for example `AmazonAthena`."""
        return self.headers.get("x-amz-target", "").partition(".")[0]

    @property
    def operation(self) -> str:
        """The operation in `X-Amz-Target`."""
        return self.headers.get("x-amz-target", "").partition(".")[2]

    @property
    def region(self) -> str:
        """The region that the signature names; `us-east-1` without one."""
        found = _CREDENTIAL.search(self.headers.get("authorization", ""))
        return found[2] if found else "us-east-1"

    def json(self) -> dict[str, Any]:
        """The body.

        Raises:
            ServiceError: It is not a JSON object.
        """
        try:
            body = json.loads(self.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceError("SerializationException", "The body is not a JSON object.")
        return body


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": CONTENT_TYPE})

    @classmethod
    def of(cls, content: Mapping[str, Any], status: int = 200) -> Reply:
        """A reply with a JSON object."""
        return cls(status, json.dumps(content).encode())

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        return json.loads(self.body or b"{}")


class ServiceError(Exception):
    """A request that is refused.

    Args:
        code: The exception's shape, for example `InvalidRequestException`.
        message: What the caller reads.
        status: The HTTP status.
        members: Other members of the exception's shape.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        super().__init__(f"{code}: {message}")

    def reply(self) -> Reply:
        """The error as it goes over the wire; clients look for the type in the body or in the header."""
        body = {"__type": self.code, "message": self.message, "Message": self.message, **self.members}
        headers = {"content-type": CONTENT_TYPE, "x-amzn-errortype": self.code}
        return Reply(self.status, json.dumps(body).encode(), headers)
