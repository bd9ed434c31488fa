"""Every variable that finks sets for Prefect's processes, and why. The stack, the worker and the images use these.

What Prefect does without them is a trap each time: it calls home, starts a second server by itself, forgets a run
whose process was killed. docs/flows.md lists the traps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOGGING: Final = Path(__file__).with_name("logging.yml")

HEARTBEAT_SECONDS: Final = 30
"""How often a run says that it lives; the least that Prefect takes."""

CLIENT: Final[Mapping[str, str]] = {
    # Prefect's clients tell who uses them unless this is set.
    "DO_NOT_TRACK": "1",
    # Without an address Prefect starts a server of its own in the background, on SQLite, and waits 20 s for it.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_LOGGING_CONFIG_PATH": str(LOGGING),
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}
"""For everything that talks to a Prefect server."""

RUNS: Final[Mapping[str, str]] = {
    **CLIENT,
    # A killed run stays `Running` for ever unless its heartbeats are missed: see the automation for zombies.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
    # Two runs that begin together should not wait for each other's polling; the default is 10 s.
    "PREFECT_WORKER_QUERY_SECONDS": "5",
}
"""For a worker and for the runs that it starts, which inherit them."""

SERVER: Final[Mapping[str, str]] = {
    **CLIENT,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Both cost up to 20 s of every start. Migrations are run once per version; blocks register when they are saved.
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
    # Old events, runs and what they leave behind are deleted; without it the database only grows.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "true",
    # The defaults, 5 and 10 s, fail on a machine under load.
    "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "30",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
}
"""For a Prefect server."""


def server(*, database: str, address: str, auth: str | None) -> dict[str, str]:
    """What a server needs.

    Args:
        database: `postgresql+asyncpg://user:password@host:port/name`.
        address: Where browsers find it, `http://host:port`.
        auth: `user:password` that callers must give; None for none.
    """
    return {
        **SERVER,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
        # The default lets any page that a browser has open call the API.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        **({"PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}),
    }


def client(*, api: str, auth: str | None) -> dict[str, str]:
    """What everything needs that talks to the server at `api`."""
    return {**CLIENT, "PREFECT_API_URL": api, **({"PREFECT_API_AUTH_STRING": auth} if auth else {})}


def runs(*, api: str, auth: str | None, results: Path) -> dict[str, str]:
    """What a worker needs, and the runs that it starts.

    Args:
        api: The server.
        auth: `user:password` for it.
        results: Where results that a task is told to keep are kept.
    """
    return {**RUNS, **client(api=api, auth=auth), "PREFECT_LOCAL_STORAGE_PATH": str(results)}


def inherited() -> dict[str, str]:
    """The variables of this process but Prefect's: a profile or a variable of the user must not lead elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
