"""Reading `file:` addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from finks.source.model import Limits, Request, Response
from finks.source.transport import Clock

CONTENT_TYPES: Mapping[str, str] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}


class FileTransport:
    """One whole file per request. Status 200, or the fault `unreachable`, `too_large` or `timeout`.

    Args:
        clock: The time, aware, in UTC.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def send(self, request: Request, *, headers: Mapping[str, str], limits: Limits, deadline: float) -> Response:
        """Read the file; `headers` mean nothing here."""
        path = Path(url2pathname(urlsplit(request.url).path))
        cap = min(limits.wire_bytes, limits.decoded_bytes)
        try:
            async with asyncio.timeout(deadline):
                body = await asyncio.to_thread(_read, path, cap)
        except TimeoutError:
            return self._fault(request, "timeout", f"{path} was not read within {deadline:g} s")
        except OSError as error:
            return self._fault(request, "unreachable", f"{path} cannot be read: {error.strerror or error}")
        if len(body) > cap:
            return self._fault(request, "too_large", f"{path} has more than {cap:,} bytes")
        content_type = CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
        return Response(request, 200, body, {"content-type": content_type}, self._clock(), wire_bytes=len(body))

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _fault(self, request: Request, fault: str, detail: str) -> Response:
        return Response(request, 0, b"", {}, self._clock(), fault, detail)


def _read(path: Path, cap: int) -> bytes:
    with path.open("rb") as file:
        return file.read(cap + 1)
