"""A nightly that has nothing to do: through the flow, and by the local runner, in turns in one process.

Arguments: the API of a Prefect server that runs, and a finks.toml whose sources are settled, with gold.enabled = false.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from finks_flows.environment import client

os.environ.update(client(api=sys.argv[1], auth=os.environ.get("PREFECT_API_AUTH_STRING")))

from finks.run.listeners.chosen import listeners
from finks.run.runner import Runner, RunOptions
from finks.run.settings import load_settings
from finks_flows.flows import nightly

TURNS = 10


def by_runner(config: Path) -> float:
    """Seconds of one run by the local runner."""
    settings = load_settings(config)
    start = time.perf_counter()
    Runner(settings, RunOptions(), listeners=listeners(settings)).run()
    return time.perf_counter() - start


def by_flow(config: Path) -> float:
    """Seconds of one run through the flow."""
    start = time.perf_counter()
    asyncio.run(nightly(config, return_state=True))
    return time.perf_counter() - start


def main() -> None:
    """Print the medians."""
    config = Path(sys.argv[2])
    by_runner(config), by_flow(config)
    pairs = [(by_runner(config), by_flow(config)) for _ in range(TURNS)]
    runner, flow = (statistics.median(side) for side in zip(*pairs, strict=True))
    more = statistics.median(second - first for first, second in pairs)
    print(f"local runner {runner:.2f} s, flow {flow:.2f} s, the flow costs {more:.2f} s more (medians of {TURNS})")


if __name__ == "__main__":
    main()
