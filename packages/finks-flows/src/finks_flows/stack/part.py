"""One process of the stack: started in the background, found again by whoever asks, stopped.

A part is known by its number and the moment it began, because the system gives numbers again.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil
from finks.errors import SourceUnavailableError

from finks_flows.stack.layout import Layout

READY_SECONDS: Final = 120.0
"""A start that takes 20 s on an idle machine was seen to take 50 s on a busy one."""

_LOOK_SECONDS: Final = 0.25
_MARK: Final = "FINKS_FLOWS_STACK"
_LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Part:
    """How one process of the stack is run.

    Attributes:
        name: `postgres`, `server` or `worker`.
        command: The program and its arguments; no secret, for every account of the machine can read them.
        environment: All its variables.
        given: Those of them that are the stack's: the process is started anew when one is another.
        ready: Whether it does its work, and has said so since a moment, in seconds since 1970.
        folder: Where it works.
        account: Number of the account, and of its group, that runs it; this process's own when None.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    given: Mapping[str, str]
    ready: Callable[[float], bool]
    folder: Path
    account: tuple[int, int] | None = None

    @property
    def fingerprint(self) -> str:
        """The same as long as the process would be started in the same way."""
        return hashlib.sha256(json.dumps([list(self.command), dict(self.given)], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a started part: its number, the moment it began in seconds since 1970, and how it was started."""

    pid: int
    began: float
    fingerprint: str = field(repr=False)


def read(layout: Layout, name: str) -> Record | None:
    """The record of a part; None if it was never started, or was stopped."""
    try:
        return Record(**json.loads(_file(layout, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def process_of(record: Record | None) -> psutil.Process | None:
    """The process of a record; None when it has ended."""
    if record is None:
        return None
    with suppress(psutil.Error):
        found = psutil.Process(record.pid)
        if abs(found.create_time() - record.began) < 1 and found.status() != psutil.STATUS_ZOMBIE:
            return found
    return None


def start(layout: Layout, part: Part) -> None:
    """Start a part and wait until it does its work.

    Raises:
        SourceUnavailableError: It ended, or was not ready in `READY_SECONDS`.
    """
    log = layout.log(part.name)
    user, group = part.account or (None, None)
    began = time.time()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            part.command,
            env={**part.environment, _MARK: str(layout.directory)},
            cwd=part.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if group is None else [],
        )
    with suppress(psutil.NoSuchProcess):
        kept = Record(process.pid, psutil.Process(process.pid).create_time(), part.fingerprint)
        _file(layout, part.name).write_text(json.dumps(asdict(kept)) + "\n", encoding="utf-8")
    if wait_until_ready(part, began, READY_SECONDS, lambda: process.poll() is None):
        return
    ended = process.poll()
    raise SourceUnavailableError(
        f"The {part.name} of the stack {'did not become ready' if ended is None else 'ended'}.",
        where=str(log),
        expected=f"an answer within {READY_SECONDS:.0f} s",
        got="\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]),
    )


def wait_until_ready(part: Part, since: float, seconds: float, alive: Callable[[], bool]) -> bool:
    """Wait until a part does its work; not for one that ends, nor longer than that."""
    deadline = time.monotonic() + seconds
    while alive() and time.monotonic() < deadline:
        if part.ready(since):
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def stop(layout: Layout, name: str, number: int, seconds: float) -> bool:
    """Tell a part to end, and make it end after that time. Returns whether it ran."""
    process = process_of(read(layout, name))
    if process is not None:
        end([process], number, seconds)
    _file(layout, name).unlink(missing_ok=True)
    return process is not None


def left_behind(layout: Layout, folder: Path | None = None) -> list[psutil.Process]:
    """Processes that parts of this stack began: runs of a killed worker, back ends of a killed PostgreSQL.

    Args:
        layout: The stack's.
        folder: Only those that work in this folder. PostgreSQL's overwrite their variables, and are known by it alone.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            marked = folder is None and process.environ().get(_MARK) == str(layout.directory)
            if marked or process.cwd() == str(folder or layout.data):
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process], number: int, seconds: float) -> None:
    """End processes by a signal; by SIGKILL what has not ended in that time."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)


def _file(layout: Layout, name: str) -> Path:
    return layout.directory / "parts" / f"{name}.json"
