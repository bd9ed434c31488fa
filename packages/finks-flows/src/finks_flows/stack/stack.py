"""The whole stack: PostgreSQL, the Prefect server on it, a worker on its pool. Started and stopped in that order."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from finks.errors import ConflictError
from finks.loopback import refuse_taken_port

from finks_flows.stack import part as parts
from finks_flows.stack import postgres, prefect
from finks_flows.stack.layout import Choices, Layout
from finks_flows.stack.part import Part
from finks_flows.worker import DRAIN_SECONDS

NAMES: Final = ("postgres", "server", "worker")
_STOPS: Final[Mapping[str, tuple[int, float]]] = {
    # It ends its runs first.
    "worker": (signal.SIGTERM, DRAIN_SECONDS + 15),
    "server": (signal.SIGTERM, 30.0),
    # Its fast shutdown: sessions are ended, data is written. SIGTERM would wait for every client to leave.
    "postgres": (signal.SIGINT, 30.0),
}

_SILENCE_SECONDS: Final = 90.0
"""A worker says every 30 s that it lives."""

_HANGS_SECONDS: Final = 60.0
"""A part that runs and does no work for so long is started anew."""

Say = Callable[[str], None]


def up(layout: Layout, *, port: int, auth: bool, say: Say) -> Choices:
    """Start PostgreSQL and the server, unless they run as asked.

    Args:
        layout: The stack's.
        port: Of the server.
        auth: Whether its API wants a password.
        say: Is told what is done.

    Raises:
        ConfigurationError: PostgreSQL is not installed, or the port is taken.
        SourceUnavailableError: A part did not become ready.
    """
    layout.make()
    with layout.alone():
        postgres.find_binaries()
        if parts.process_of(parts.read(layout, "server")) is None:
            refuse_taken_port(port, "finks flows up --port PORT")
        choices = layout.choose(port, auth)
        _ensure(layout, postgres.part(layout, choices), say)
        prefect.migrate(layout, choices)
        _ensure(layout, prefect.server(layout, choices), say)
    return choices


def work(layout: Layout, choices: Choices, pool: str, say: Say) -> None:
    """Start the worker on a pool that exists, unless it runs as asked. Raises SourceUnavailableError."""
    with layout.alone():
        _ensure(layout, prefect.worker(layout, choices, pool), say)


def down(layout: Layout) -> bool:
    """Stop every part, and what parts have left behind. Returns whether something ran."""
    if not layout.directory.exists():
        return False
    with layout.alone():
        ran = [parts.stop(layout, name, *_STOPS[name]) for name in reversed(NAMES)]
        left = parts.left_behind(layout)
        parts.end(left, signal.SIGTERM, 30.0)
    return any(ran) or bool(left)


def reset(layout: Layout) -> None:
    """Remove what a stack that is down has kept: the database, the logs, the results, the secrets.

    Raises:
        ConflictError: It runs.
    """
    if any(running(layout).values()):
        raise ConflictError("The stack runs.", where=str(layout.directory), hint="Run `finks flows down` first.")
    shutil.rmtree(layout.directory, ignore_errors=True)


def running(layout: Layout) -> dict[str, int | None]:
    """The number of each part's process; None where it does not run."""
    found = {name: parts.process_of(parts.read(layout, name)) for name in NAMES}
    return {name: process.pid if process else None for name, process in found.items()}


def find(layout: Layout) -> Choices | None:
    """What a running server was started with; None when there is none."""
    return layout.choices() if running(layout)["server"] is not None else None


def status(layout: Layout) -> dict[str, Any]:
    """Which parts run, where the server is, whether all does its work."""
    choices, alive = layout.choices(), running(layout)
    if choices is None:
        return {"healthy": False, "directory": str(layout.directory), **alive}
    answers = alive["server"] is not None and prefect.answers(layout, choices)
    return {
        "healthy": answers and all(alive.values()),
        "directory": str(layout.directory),
        **alive,
        "window": choices.address,
        "api": choices.api,
        "auth": f"user and password as in {layout.directory / 'api.secret'}" if choices.auth else "none",
        "user": os.geteuid(),
    }


def _ensure(layout: Layout, part: Part, say: Say) -> None:
    """Start a part unless it runs, does its work and would be started in the same way."""
    record = parts.read(layout, part.name)
    if parts.process_of(record) is not None and record is not None:
        since = time.time() - _SILENCE_SECONDS
        if record.fingerprint == part.fingerprint and parts.wait_until_ready(
            part, since, _HANGS_SECONDS, lambda: parts.process_of(record) is not None
        ):
            return
        say(f"{part.name}: it is stopped, to be started as it is wanted now")
        parts.stop(layout, part.name, *_STOPS[part.name])
    if part.name == "postgres":
        # A killed server's back ends hold its memory for some moments more; a new one would refuse to start.
        parts.end(parts.left_behind(layout, layout.data), signal.SIGTERM, 10.0)
    say(f"{part.name}: starting")
    parts.start(layout, part)
