"""A run in a process of its own that is killed at a named event or at any instant, and what a lake then holds."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from finks.lake import Lake
from finks.run.events import Event
from finks.run.runner import Runner, RunOptions
from finks.run.settings import Settings

VOLATILE = ("_known_at", "_run_id", "_bronze_ref", "bronze_ref", "run_id", "known_at", "fetched_at", "response_id")


@dataclass(frozen=True)
class KillAt:
    """An observer that ends its own process, as `kill -9` does, at the nth event of a name."""

    name: str
    nth: int = 1

    def observer(self):
        seen = 0

        def observe(event: Event) -> None:
            nonlocal seen
            seen += event.name == self.name
            if event.name == self.name and seen == self.nth:
                os.kill(os.getpid(), signal.SIGKILL)

        return observe


def _child(settings: Settings, options: RunOptions, kill: KillAt | None, environment: dict[str, str]) -> None:
    # The server that forks keeps the environment of its own start.
    os.environ.update(environment)
    runner = Runner(settings, options, kill.observer()) if kill else Runner(settings, options)
    os._exit(runner.run().exit_code)


def context() -> multiprocessing.context.ForkServerContext:
    """New processes with the imports already done."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["finks.run.runner", "finks_connectors.fmp", "finks_connectors.files"])
    return made


def run_process(settings: Settings, options: RunOptions, kill: KillAt | None = None, after: float | None = None) -> int:
    """Run once in a new process; kill it at an event, or `after` seconds. Returns its exit code (-9 when killed)."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    process = context().Process(target=_child, args=(settings, options, kill, environment))
    process.start()
    process.join(after)
    if process.is_alive():
        process.kill()
        process.join()
    code = process.exitcode
    assert code is not None
    return code


def contents(lake_path: Path | str, gold: bool) -> dict[str, list]:
    """What every table holds, without what differs from run to run by nature (times and run identifiers)."""
    lake = Lake.open(lake_path)
    found: dict[str, list] = {}
    for name in lake.tables()["silver"]:
        found[f"silver.{name}"] = comparable(lake.history(name, with_versions=True).polars())
        found[f"quarantine.{name}"] = comparable(lake.quarantine(name).polars())
        # A file is read on every run; that it was unchanged is a line of the ledger and no data.
        ledger = pl.DataFrame(lake.bronze(name).ledger()).filter(pl.col("outcome") != "unchanged")
        found[f"bronze.{name}"] = comparable(ledger.select("slice", "page", "outcome", "body_sha256"))
    if gold:
        for name in ("daily_portfolio_summary", "fct_position_daily"):
            found[f"gold.{name}"] = comparable(lake.gold(name).polars())
    return found


def comparable(frame: pl.DataFrame) -> list:
    """The rows in a fixed order."""
    kept = frame.drop([name for name in VOLATILE if name in frame.columns])
    return sorted(map(repr, kept.rows()))
