"""What traces cost: the same ingest with and without them, in turns, and the ratios of CPU and wall time.

The work: thousands of slices of a few bars each, so that the calls, which are what is traced, weigh as much as they
can. The vendor runs in a process of its own. On means a file: a span is encoded and written when it ends.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ingest import HERE, Cost, environment

SESSIONS = 5


def measure(url: str, slices: int, traces: bool) -> Cost:
    """Load once in a new directory, in a process of its own; its rows and its spans must be right."""
    with tempfile.TemporaryDirectory(prefix="finks-bench-") as directory:
        file = Path(directory) / "trace.jsonl"
        command = [sys.executable, str(HERE / "finks_load.py"), url, str(slices), directory, *([str(file)] * traces)]
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        rows = int(process.stdout.read().split()[-1])
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        calls = sum('"name": "GET bars"' in line for line in file.open()) if traces else slices
        if process.returncode or (rows, calls) != (slices * SESSIONS, slices):
            sys.exit(f"exit code {process.returncode}, {rows} rows, {calls} calls traced")
        return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    command = [sys.executable, str(HERE / "vendor.py"), str(arguments.slices), str(SESSIONS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as vendor:
        url = f"http://127.0.0.1:{vendor.stdout.readline().strip()}"
        measure(url, arguments.slices, traces=True)  # so that no counted run compiles bytecode
        pairs = [[measure(url, arguments.slices, traces) for traces in (False, True)] for _ in range(arguments.runs)]
        vendor.stdin.close()
    print(f"{arguments.slices:,} slices, medians of {arguments.runs} runs in turns")
    print(f"{'':<10}{'cpu s':>10}{'wall s':>10}{'peak MB':>10}")
    off, on = (
        [statistics.median(getattr(pair[side], name) for pair in pairs) for name in ("cpu", "wall", "peak_mb")]
        for side in (0, 1)
    )
    for name, values in (("off", off), ("on", on)):
        print(f"{name:<10}" + "".join(f"{value:>10.2f}" for value in values))
    print(f"{'on / off':<10}" + "".join(f"{b / a:>10.3f}" for a, b in zip(off, on, strict=True)))


if __name__ == "__main__":
    main()
