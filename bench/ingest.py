"""finks beside dlt on the same work, in turns: CPU seconds, wall, peak memory and their ratios.

The work: 500 symbols × 1,260 sessions (630,000 daily bars) as JSON over loopback. dlt merges on symbol
and date into DuckDB. finks also keeps every response byte for byte, holds each record against its
contract with exact decimals, and keeps every version. The vendor runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SESSIONS = 1260


@dataclass(frozen=True)
class Cost:
    """What one whole process cost."""

    cpu: float
    wall: float
    peak_mb: float


@contextmanager
def vendor(symbols: int) -> Iterator[str]:
    """The vendor's base URL while it runs."""
    command = [sys.executable, str(HERE / "vendor.py"), str(symbols), str(SESSIONS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def environment() -> dict[str, str]:
    """What both tools run under: compiled bytecode is kept, as in any ordinary installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONWARNINGS": "ignore"}


def measure(python: str, script: Path, url: str, symbols: int) -> Cost:
    """Run `script` once in a new directory and wait for it; its row count must be right."""
    directory = tempfile.mkdtemp(prefix="finks-bench-")
    try:
        start = time.monotonic()
        process = subprocess.Popen(
            [python, str(script), url, str(symbols), directory], stdout=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        rows = int(output.split()[-1]) if output.split() else 0
        if process.returncode or rows != symbols * SESSIONS:
            sys.exit(f"{script.name}: exit code {process.returncode}, {rows} rows")
        return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def dlt_python() -> str:
    """The interpreter of dlt's own environment, made from the locked script."""
    subprocess.run(["uv", "sync", "--quiet", "--script", str(HERE / "dlt_load.py")], check=True)
    found = subprocess.run(
        ["uv", "python", "find", "--script", str(HERE / "dlt_load.py")], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    tools = {"finks": (sys.executable, HERE / "finks_load.py"), "dlt": (dlt_python(), HERE / "dlt_load.py")}
    costs: dict[str, list[Cost]] = {name: [] for name in tools}
    with vendor(1) as url:
        for python, script in tools.values():
            measure(python, script, url, 1)  # so that no counted run compiles bytecode
    with vendor(arguments.symbols) as url:
        for turn in range(arguments.runs):
            for name, (python, script) in tools.items():
                costs[name].append(measure(python, script, url, arguments.symbols))
                print(f"run {turn + 1} {name}: {costs[name][-1]}", file=sys.stderr)
    print(f"{arguments.symbols * SESSIONS:,} bars, medians of {arguments.runs} runs in turns")
    print(f"{'':<14}{'cpu s':>10}{'wall s':>10}{'peak MB':>10}")
    medians = {
        name: [statistics.median(getattr(c, field) for c in runs) for field in ("cpu", "wall", "peak_mb")]
        for name, runs in costs.items()
    }
    for name, values in medians.items():
        print(f"{name:<14}" + "".join(f"{value:>10.2f}" for value in values))
    ratios = [a / b for a, b in zip(medians["finks"], medians["dlt"], strict=True)]
    print(f"{'finks / dlt':<14}" + "".join(f"{ratio:>10.3f}" for ratio in ratios))


if __name__ == "__main__":
    main()
