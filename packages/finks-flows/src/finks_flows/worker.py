"""A Prefect worker that ends well: `python -m finks_flows.worker --pool finks`.

Prefect's own `worker start` kills the runs beside it at once when it is told to end, in the middle of what they do,
and they stay `Running`. This one passes SIGTERM on to them, waits until each has ended at its boundary, and then ends.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psutil

from finks_flows import environment

if TYPE_CHECKING:
    from prefect.workers.base import BaseWorker

DRAIN_SECONDS: Final = 90.0
"""How long runs may take to end after SIGTERM. A container needs a longer time to stop than this."""

_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker runs.

    Attributes:
        pool: Its work pool, which exists.
        kind: The pool's type.
        name: What the server knows it by; a random one when None.
        healthcheck: Answer on PREFECT_WORKER_WEBSERVER_PORT, 8080, whether it works.
    """

    pool: str
    kind: str
    name: str | None = None
    healthcheck: bool = False


def serve(options: WorkerOptions) -> None:
    """Work until SIGTERM or SIGINT; then end the runs, and then the worker."""
    asyncio.run(_serve(options))


async def _serve(options: WorkerOptions) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    # A pool that the worker made by itself would not be the one that `finks deploy` declares.
    worker = _worker_type(options.kind)(work_pool_name=options.pool, name=options.name, create_pool_if_not_found=False)
    working = asyncio.create_task(worker.start(with_healthcheck=options.healthcheck))
    told = asyncio.create_task(over.wait())
    await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        await _drain()
        working.cancel()
    told.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _drain() -> None:
    """Tell every run beside this worker to end, one that begins meanwhile too, and wait until all have."""
    told: set[int] = set()
    deadline = time.monotonic() + DRAIN_SECONDS
    while (runs := psutil.Process().children()) and time.monotonic() < deadline:
        for run in runs:
            if run.pid not in told:
                told.add(run.pid)
                with suppress(psutil.NoSuchProcess):
                    run.terminate()
        await asyncio.sleep(_LOOK_SECONDS)


def _worker_type(kind: str) -> type[BaseWorker[Any, Any, Any]]:
    from prefect.plugins import load_prefect_collections
    from prefect.utilities.dispatch import lookup_type
    from prefect.workers.base import BaseWorker

    load_prefect_collections()
    return lookup_type(BaseWorker, kind)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m finks_flows.worker", description="Run a Prefect worker.")
    parser.add_argument("--pool", default="finks", help="the work pool")
    parser.add_argument("--type", default="process", help="the pool's type")
    parser.add_argument("--name", help="what the server knows the worker by")
    parser.add_argument("--with-healthcheck", action="store_true", help="answer on port 8080 whether it works")
    asked = parser.parse_args()
    for name, value in environment.RUNS.items():
        os.environ.setdefault(name, value)
    serve(WorkerOptions(asked.pool, asked.type, asked.name, asked.with_healthcheck))


if __name__ == "__main__":
    main()
