"""Jobs in processes of this machine, each in a process group of its own, none of which outlives this process."""

from __future__ import annotations

import contextvars
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from finks.run.jobs import tether
from finks.run.jobs.model import Ending, Job, ended

GRACE: Final = 10.0
"""Seconds between asking a process to end and killing it."""

_KEPT_LINES: Final = 200

logger = logging.getLogger(__name__)
Tell = Callable[[str], None]


class Process:
    """A command and all that it starts. Should this process die, even by `kill -9`, they are killed.

    Args:
        command: The program and its arguments.
        environment: All of its variables.
        folder: Where it runs.
        tell: Is given every line of its output, standard error's too.
        ending: The signal that asks it to end.
        grace: Seconds until it is killed if it does not.
    """

    log: str | None = None

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path | None = None,
        tell: Tell = logger.debug,
        ending: signal.Signals = signal.SIGTERM,
        grace: float = GRACE,
    ) -> None:
        self._name = Path(command[0]).name
        self._ending = ending
        self._grace = grace
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process = subprocess.Popen(  # noqa: S603 - a command of finks or of the settings
            [sys.executable, "-I", str(tether.__file__), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        # A bare thread would not know which run its lines belong to.
        self._reader = threading.Thread(
            target=contextvars.copy_context().run, args=(self._read, self._process.stdout, tell), daemon=True
        )
        self._reader.start()

    @property
    def output(self) -> str:
        """The last lines of its output."""
        return "\n".join(self._lines)

    def look(self) -> Ending | None:
        """See `RunningJob`."""
        code = self._process.poll()
        if code is None:
            return None
        self._close()
        return ended(code if code >= 0 else 128 - code, where=self._name, reason=self.output[-2000:] or None)

    def stop(self) -> None:
        """See `RunningJob`. It returns when the process has ended."""
        self._signal(self._ending)
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _read(self, output: IO[bytes], tell: Tell) -> None:
        with output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                self._lines.append(line)
                tell(line)

    def _close(self) -> None:
        # What the command left behind in its group would write on, and keep its output open.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join()
        assert self._process.stdin is not None
        self._process.stdin.close()


class ProcessLauncher:
    """Runs jobs by a command of this machine.

    Args:
        command: The program; a job's arguments follow.
        environment: Variables beside those of this process.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._command = tuple(command)
        self._environment = dict(environment or {})

    def start(self, job: Job) -> Process:
        """See `Launcher`."""
        environment = {**os.environ, **self._environment, **job.environment}
        return Process([*self._command, *job.arguments], environment=environment, tell=_told(job))


def _told(job: Job) -> Tell:
    return lambda line: logger.info("%s: %s", job.name, line)
