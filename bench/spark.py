"""A million Bronze records to Silver and quarantine: in process, and on Spark with two cores. One after the other.

Both refine lakes with the same responses (see million.py), and their tables must be equal. Printed: wall and CPU
seconds and the largest memory of all processes together; for Spark the start of its Java machine is part of it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests" / "integration" / "spark"
sys.path[:0] = [str(HERE), str(TESTS)]
ENGINES = ("in-process", "spark")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Cost:
    """What one engine cost, all of its processes together."""

    wall: float = 0.0
    peak_mb: float = 0.0
    cpu: dict[int, float] = field(default_factory=dict)

    def sample(self, session: int) -> None:
        """Look once at the processes of a session."""
        pages = 0
        for entry in Path("/proc").iterdir():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
            except (FileNotFoundError, ProcessLookupError):
                continue
            if stat and int(stat[3]) == session:
                pages += int(stat[21])
                self.cpu[int(entry.name)] = (int(stat[11]) + int(stat[12])) / TICKS
        self.peak_mb = max(self.peak_mb, pages * PAGE / 2**20)


def measure(engine: str, lake: Path) -> Cost:
    """Refine the lake in a new process."""
    cost = Cost()
    start = time.monotonic()
    command = [sys.executable, "-W", "ignore", __file__, "--engine", engine, "--lake", str(lake)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            cost.sample(process.pid)
            time.sleep(0.1)
    assert process.returncode == 0, engine
    cost.wall = time.monotonic() - start
    return cost


def refine(engine: str, lake: str) -> None:
    """What the measured process does."""
    from engines import by_spark, in_process
    from finks.lake import Lake
    from million import STREAM

    if engine == "in-process":
        in_process(Lake.open(lake), STREAM)
        return
    from local_spark import start

    by_spark(start(), Lake.open(lake), STREAM, rows_per_task=100_000)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--responses", type=int, default=800)
    arguments.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    arguments.add_argument("--lake", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.engine:
        return refine(chosen.engine, chosen.lake)
    from engines import assert_equal
    from finks.lake import Lake
    from million import RECORDS, STREAM, fill

    folder = Path(tempfile.mkdtemp(prefix="finks-bench-"))
    try:
        print(f"{chosen.responses * RECORDS:,} records in {chosen.responses} responses")
        for engine in ENGINES:
            fill(Lake.open(folder / engine, create=True), chosen.responses)
            cost = measure(engine, folder / engine)
            print(f"{engine:12} {cost.wall:7.1f} s wall {sum(cost.cpu.values()):7.1f} s CPU {cost.peak_mb:7.0f} MB")
        assert_equal(Lake.open(folder / ENGINES[0]), Lake.open(folder / ENGINES[1]), STREAM.name)
        print("Silver and quarantine are equal, row for row.")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
