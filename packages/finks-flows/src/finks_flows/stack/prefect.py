"""Prefect's two processes: the server with its window, and the worker that starts runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

import httpx
from finks.errors import SourceUnavailableError
from finks.loopback import HOST

from finks_flows import environment
from finks_flows.stack import postgres
from finks_flows.stack.layout import Choices, Layout, write_private
from finks_flows.stack.part import Part

_PREFECT: Final = (sys.executable, "-m", "prefect")
_MIGRATE_SECONDS: Final = 600.0
_PATIENCE_SECONDS: Final = 5.0


def server(layout: Layout, choices: Choices) -> Part:
    """How the server is run."""
    given = _server_variables(layout, choices)
    return Part(
        name="server",
        command=[*_PREFECT, "server", "start", "--host", HOST, "--port", str(choices.port)],
        environment={**environment.inherited(), **given},
        given=given,
        ready=lambda _: answers(layout, choices),
        folder=layout.home,
    )


def worker(layout: Layout, choices: Choices, pool: str) -> Part:
    """How a worker on a pool is run. The runs that it starts inherit its variables, yours among them."""
    api, auth = choices.api, layout.auth(choices)
    given = {
        **environment.runs(api=api, auth=auth, results=layout.results),
        "PREFECT_HOME": str(layout.home),
        # A worker has the settings, and the AWS, of the last `up`: one is another, and it is started anew.
        **{name: value for name, value in os.environ.items() if name.startswith(("FINKS_", "AWS_"))},
    }
    name = f"{socket.gethostname()}-{pool}"
    return Part(
        name="worker",
        command=[sys.executable, "-m", "finks_flows.worker", "--pool", pool, "--name", name],
        environment={**environment.inherited(), **given},
        given=given,
        ready=lambda since: _seen_since(layout, choices, pool, name, since),
        folder=layout.home,
    )


def migrate(layout: Layout, choices: Choices) -> None:
    """Bring the database to this Prefect's version, once per version.

    Raises:
        SourceUnavailableError: It did not succeed.
    """
    done = layout.directory / "migrated"
    current = version("prefect")
    if done.exists() and done.read_text(encoding="utf-8") == current:
        return
    log = layout.log("migrate")
    with log.open("ab") as output:
        ended = subprocess.run(  # noqa: S603
            [*_PREFECT, "server", "database", "upgrade", "--yes"],
            env={**environment.inherited(), **_server_variables(layout, choices)},
            cwd=layout.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_MIGRATE_SECONDS,
            check=False,
        )
    if ended.returncode:
        raise SourceUnavailableError("Prefect's database could not be brought up to date.", where=str(log))
    write_private(done, current)


def answers(layout: Layout, choices: Choices) -> bool:
    """Whether the server answers, and finds its database."""
    try:
        return _call(layout, choices, "GET", "/ready").is_success
    except httpx.HTTPError:
        return False


def workers(layout: Layout, choices: Choices, pool: str) -> list[dict[str, Any]]:
    """The workers that the server knows of on a pool; none when it does not answer."""
    try:
        answer = _call(layout, choices, "POST", f"/work_pools/{pool}/workers/filter")
    except httpx.HTTPError:
        return []
    return answer.json() if answer.is_success else []


def _seen_since(layout: Layout, choices: Choices, pool: str, name: str, moment: float) -> bool:
    found = next((worker for worker in workers(layout, choices, pool) if worker["name"] == name), None)
    return found is not None and datetime.fromisoformat(found["last_heartbeat_time"]).timestamp() >= moment


def _call(layout: Layout, choices: Choices, method: str, path: str) -> httpx.Response:
    user, _, password = (layout.auth(choices) or "").partition(":")
    auth = httpx.BasicAuth(user, password) if user else None
    with httpx.Client(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
        return client.request(method, f"{choices.api}{path}", json={} if method == "POST" else None, auth=auth)


def _server_variables(layout: Layout, choices: Choices) -> dict[str, str]:
    made = environment.server(
        database=postgres.url(layout, choices), address=choices.address, auth=layout.auth(choices)
    )
    # The server's own background services are clients of its API.
    own = environment.client(api=choices.api, auth=layout.auth(choices))
    return {**own, **made, "PREFECT_HOME": str(layout.home)}
