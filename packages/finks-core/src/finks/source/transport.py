"""The seam between the driver and the outside world: one request in, one whole answer or fault out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from finks.errors import ConfigurationError
from finks.source.model import Limits, Request, Response

Clock = Callable[[], datetime]


class Transport(Protocol):
    """Carries requests of one kind of address. A failure is a `Response` with its `fault`, never an exception."""

    async def send(self, request: Request, *, headers: Mapping[str, str], limits: Limits, deadline: float) -> Response:
        """Make one call.

        Args:
            request: What is asked for.
            headers: All headers to send, the secret ones included; `request.headers` is already in them.
            limits: The byte caps.
            deadline: Seconds for the whole call.

        Raises:
            ConfigurationError: The request can never be sent, whatever the other side does.
        """
        ...

    async def aclose(self) -> None:
        """Release what is held open."""
        ...


class Transports:
    """Picks the transport by the address: `https:` and `http:` over the network, `file:` from the disk.

    Args:
        clock: The time, aware, in UTC.
        connections: The most network connections open at once.
        others: Transports for further schemes, or in the place of the built-in ones.
    """

    def __init__(self, clock: Clock, *, connections: int = 64, others: Mapping[str, Transport] | None = None) -> None:
        self._clock = clock
        self._connections = connections
        self._by_scheme: dict[str, Transport] = dict(others or {})

    async def send(self, request: Request, *, headers: Mapping[str, str], limits: Limits, deadline: float) -> Response:
        """Make one call through the transport of the request's scheme."""
        transport = self._transport(urlsplit(request.url).scheme.lower(), request)
        return await transport.send(request, headers=headers, limits=limits, deadline=deadline)

    async def aclose(self) -> None:
        """Close every transport that was used."""
        transports = {id(transport): transport for transport in self._by_scheme.values()}
        self._by_scheme = {}
        for transport in transports.values():
            await transport.aclose()

    def _transport(self, scheme: str, request: Request) -> Transport:
        found = self._by_scheme.get(scheme)
        if found is not None:
            return found
        if scheme in {"http", "https"}:
            from finks.source.http import HttpTransport

            made: Transport = HttpTransport(self._clock, connections=self._connections)
            self._by_scheme["http"] = self._by_scheme["https"] = made
        elif scheme == "file":
            from finks.source.file import FileTransport

            made = self._by_scheme["file"] = FileTransport(self._clock)
        else:
            raise ConfigurationError(
                "No transport carries this kind of address.",
                where=request.url.split("?")[0],
                expected="an absolute https:, http: or file: URL",
                got=scheme or "no scheme",
            )
        return made


__all__ = ["Clock", "Transport", "Transports"]
