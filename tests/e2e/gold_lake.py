"""A lake whose Silver is filled, processes that build its Gold, and what is alive of them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from finks.lake import Lake
from finks.run.events import ignore
from finks.run.gold.publishing import GoldRun
from finks.run.jobs import Launcher, ProcessLauncher
from finks.run.report import RunReport
from finks.run.settings import Settings
from finks.run.steps import Course, LocalSteps
from finks_connectors.demo.command import LAST_SESSION

FINKS = str(Path(sys.executable).with_name("finks"))


def dbt_processes(lake: Path) -> list[int]:
    """The dbt processes that build this lake's Gold."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0] if words else "Z"
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z" and b"dbt.cli.main" in words and any(str(lake).encode() in word for word in words):
            found.append(int(entry.name))
    return found


def wait_for(what: Callable[[], object]) -> None:
    """Wait until something is so. The test's own time limit ends it."""
    while not what():
        time.sleep(0.05)


def is_building(lake: Path) -> bool:
    """Whether dbt has come as far as its models: the database of the build is there."""
    return bool(dbt_processes(lake)) and any(lake.glob("scratch/*/gold.duckdb"))


def start_gold(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `finks gold` in a directory."""
    return subprocess.Popen(
        [FINKS, "gold", "--quiet", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def build_gold(
    settings: Settings,
    launcher: Launcher | None,
    stop: Callable[[], bool] = lambda: False,
    run_id: str = "run-1",
) -> RunReport:
    """The last stage of a run that holds the lake."""
    lake = Lake.open(settings.lake.place())
    report = RunReport(run_id=run_id, logical_date=LAST_SESSION, lake=lake.place.address, started_at=lake._clock())
    course = Course(LocalSteps(), ignore)
    with lake.hold(run_id=run_id, command="a test"):
        asyncio.run(GoldRun(lake, settings, report, course, stop, launcher).run())
    return report


def by_finks() -> ProcessLauncher:
    """Runs a job's arguments as the container of an ECS task does: as those of the `finks` command."""
    return ProcessLauncher([FINKS], {"PATH": os.environ["PATH"]})
