"""What the emulator's process runs: the emulator, for as long as the process that started it lives.

Standard input is a pipe that the starter holds open. When it ends, however the starter ended, the emulator is told
to end too, and saves what it keeps. The emulator's own Athena, which invents answers, is replaced by one that says
where the real one is. Run by the emulator's own interpreter, so nothing of finks is imported here.
"""

import json
import os
import signal
import sys
import threading

import ministack.app  # pyright: ignore[reportMissingImports]  # it is in the emulator's environment only


def _end_with_the_starter() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _not_here(*_: object) -> tuple[int, dict[str, str], bytes]:
    """Answers a request to Athena that the emulator has found to be signed and permitted."""
    told = {"__type": "AthenaIsElsewhere", "message": "Athena is the endpoint's: set AWS_ENDPOINT_URL_ATHENA."}
    return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(told).encode()


ministack.app.SERVICE_HANDLERS["athena"] = _not_here
threading.Thread(target=_end_with_the_starter, daemon=True).start()
sys.argv = ["ministack"]
ministack.app.main()
