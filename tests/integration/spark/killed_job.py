"""A refinement on Spark in processes of its own, which die all at once: at a named step, or when the test says so.

`python killed_job.py LAKE STEP` ends itself, its Java machine and its Python workers by SIGKILL after STEP.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def members(session: int) -> list[int]:
    """The processes of a session; Spark's workers leave the process group, but not the session."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def kill(session: int) -> None:
    """End every process of a session; this one, if it is of them, last."""
    for process in sorted(members(session), key=lambda number: number == os.getpid()):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def run(lake: Path, step: str, after: float | None = None) -> int:
    """Start the job in a session of its own; kill it at a step, or after some seconds. Returns its exit code."""
    command = [sys.executable, "-W", "ignore", str(HERE / "killed_job.py"), str(lake), step]
    elsewhere = {**os.environ, "TZ": "Pacific/Auckland"}  # the clock on the wall is of no account
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, env=elsewhere) as process:
        try:
            return process.wait(after if after is not None else 240)
        except subprocess.TimeoutExpired:
            kill(process.pid)
            return process.wait()


def main(lake: str, last: str) -> None:
    sys.path.insert(0, str(HERE))
    from engines import by_spark
    from finks.lake import Lake
    from local_spark import start
    from records import BARS

    def step(name: str) -> None:
        if name == last:
            kill(os.getsid(0))

    by_spark(start(), Lake.open(lake), BARS, "killed", step=step)


if __name__ == "__main__":
    main(*sys.argv[1:])
