"""Ports and servers on this machine alone: what the stand-ins and the stacks for one machine are built on."""

from __future__ import annotations

import socket
import time
from threading import Thread
from typing import Any, Final

from finks.errors import ConfigurationError, SourceUnavailableError

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 20.0


def free_port() -> int:
    """A port of loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def refuse_taken_port(port: int, hint: str) -> None:
    """Raise if somebody listens on a port of loopback.

    Args:
        port: The port.
        hint: How another one is chosen.

    Raises:
        ConfigurationError: Somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigurationError(
                "A port is taken.",
                where=f"{HOST}:{port}",
                expected="a free port",
                got=error.strerror,
                hint=f"Stop what listens there, or choose another: {hint}.",
            ) from None


class LoopbackServer:
    """Serves an ASGI application in a thread of its own until it is stopped. Needs uvicorn.

    Args:
        application: The ASGI application.
        name: Of the thread, and in errors.
        host, port: Where to listen; port 0 takes a free one.
    """

    def __init__(self, application: Any, name: str, *, host: str = HOST, port: int = 0) -> None:
        import uvicorn

        self._name = name
        # asyncio turns off Nagle's delay (40 ms an answer) only where the protocol is stated.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = Thread(target=self._server.run, args=([self._socket],), name=name, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address, without a path."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Serve, and return once requests are answered.

        Raises:
            SourceUnavailableError: It did not start.
        """
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self.alive:
                raise SourceUnavailableError(f"{self._name} did not start.", where=self.url)
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        if self.alive:
            self._thread.join()
        self._socket.close()


__all__ = ["HOST", "LoopbackServer", "free_port", "refuse_taken_port"]
