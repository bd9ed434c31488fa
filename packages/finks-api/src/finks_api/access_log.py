"""The access log: a line of JSON for each request, in ASCII, whatever the request held."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Final, NamedTuple, TextIO

from finks.redact import MASK

from finks_api.keys.model import KEY

LOGGER: Final = "finks.api.access"

_LONGEST: Final = 1024
# Escapes everything but printable ASCII, so no path can end a line or turn a terminal's text around.
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Line(NamedTuple):
    """What is said of a request. Neither its key nor its query, which has the page token.

    Attributes:
        key: The id of the key; None where there was none, or no valid one.
        status: None when the client went before it was answered.
        bytes: Of the answer's body, as sent.
    """

    time: datetime
    key: str | None
    method: str
    path: str
    status: int | None
    bytes: int
    milliseconds: float
    request_id: str
    release: str | None

    def json(self) -> str:
        """The line. A key that somebody put into the path is hidden."""
        said: dict[str, str | int | float | None] = {
            "time": self.time.isoformat(timespec="milliseconds"),
            "key": self.key,
            "method": self.method[:16],
            "path": _without_key(self.path)[:_LONGEST],
            "status": self.status,
            "bytes": self.bytes,
            "ms": round(self.milliseconds, 3),
            "request": self.request_id,
        }
        if self.release is not None:
            said["release"] = self.release
        return _encode(said)


def _without_key(text: str) -> str:
    return KEY.sub(MASK, text) if "finks" in text else text


def configure_access_log(stream: TextIO) -> None:
    """Write the lines to a stream, as they are. Without it they go where the host's logging sends them."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
