"""What the emulator's process runs: the emulator, for as long as the process that started it lives.

Standard input is a pipe that the starter holds open. When it ends, however the starter ended, the emulator is told
to end too, and saves what it keeps. Run by the emulator's own interpreter, so nothing of finks is imported here.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_the_starter() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=_end_with_the_starter, daemon=True).start()
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
