"""`finks schedule`: a schedule in the foreground, without a server."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType

import typer

from finks.cli.runs import ConfigOption, QuietOption
from finks.run.runner import STOPPED
from finks.run.schedule.loop import Loop
from finks.run.schedule.sessions import sessions_of
from finks.run.settings import load_settings

COMMAND = "from finks.cli.main import main; main()"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("schedule")(schedule)


@dataclass(slots=True)
class Child:
    """Runs `finks run --schedule` as a process of its own, so that nothing it does or loses can end the loop."""

    arguments: list[str]
    stopped: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def run(self, tick: datetime) -> int:
        """Run once; returns the exit code."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, "-c", COMMAND, "run", "--schedule", "--at", tick.isoformat(), *self.arguments]
        )
        if self.stopped:  # between the loop's look and the start
            self._process.terminate()
        code = self._process.wait()
        self._process = None
        return code if code >= 0 else 128 - code

    def stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal: a run under way ends at its next boundary, and the loop with it."""
        self.stopped = True
        if self._process is not None:
            self._process.terminate()


def schedule(config: ConfigOption = None, quiet: QuietOption = False) -> None:
    """Run at every tick of the schedule, in the foreground, until a signal ends it. Needs no server."""
    settings = load_settings(config)
    sessions_of(settings.schedule.calendar, settings.schedule.tzinfo)  # an unknown one is to be said at once
    child = Child(_arguments(config, quiet))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, child.stop)
    Loop(settings.schedule, child.run, lambda: child.stopped, lambda line: typer.echo(line, err=True)).start()
    raise typer.Exit(STOPPED)


def _arguments(config: Path | None, quiet: bool) -> list[str]:
    return [*(["--config", str(config)] if config is not None else []), *(["--quiet"] if quiet else [])]
