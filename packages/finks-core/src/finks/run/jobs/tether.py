"""Runs a command for as long as the process that started it lives: `python -I tether.py COMMAND…`.

Standard input is a pipe that the starter holds open. When it ends, however the starter ended, the whole process group
is killed, this process with it. Run by its path, so nothing of finks is imported here.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def _end_with_the_starter() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _wait(number: int, frame: FrameType | None) -> None:
    """The command has the same signal, and decides when it ends."""


def main() -> int:
    """Run the command; its exit code, or 128 and the number of the signal that ended it."""
    # The command starts with the system's own handlers, even where this process was told to ignore a signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _wait)
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - the starter's
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.stdout.flush()
    os._exit(main())
