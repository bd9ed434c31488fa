"""One run at a time per lake, in a directory: an operating system lock on a file, and beside it who holds it.

The lock, not the file's existence, is what counts: when the holder dies, even by `kill -9`, the
system frees it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from finks.errors import LakeBusyError, LeaseLostError

LOCK: Final = "run.lock"
HOLDER: Final = "run.json"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lake.

    Attributes:
        started_at: ISO 8601, UTC.
    """

    pid: int
    host: str
    command: str
    run_id: str
    started_at: str


def new_holder(run_id: str, command: str, clock: Callable[[], datetime]) -> Holder:
    """The process that asks, as the holder."""
    return Holder(os.getpid(), socket.gethostname(), command, run_id, clock().isoformat())


@contextmanager
def hold(path: Path, *, run_id: str, command: str, clock: Callable[[], datetime]) -> Generator[Holder]:
    """Hold the lake in `path` for the length of a `with` block.

    Args:
        path: The lake's directory; it must exist.
        run_id: The run's id.
        command: What the user typed, without secrets.
        clock: The time, aware, in UTC.

    Raises:
        LakeBusyError: Another run holds it; the error says who and since when.
    """
    holder = new_holder(run_id, command, clock)
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(descriptor, path)
        draft = path / f"{HOLDER}.new"
        draft.write_text(json.dumps(asdict(holder)) + "\n", encoding="utf-8")
        draft.replace(path / HOLDER)
        try:
            yield holder
        finally:
            (path / HOLDER).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Take the lock; `current` in another process may hold it for an instant, so try a few times."""
    for wait in (0.02, 0.05, 0.1, None):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait is None:
                raise busy(str(path), _read(path)) from None
            time.sleep(wait)
        else:
            return


def current(path: Path) -> Holder | None:
    """Who holds the lake now; None when nobody does."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(descriptor)
    return None


def orphan(path: Path) -> Holder | None:
    """Who held the lake last and died; the next run overwrites it."""
    return _read(path) if current(path) is None else None


def check(path: Path, holder: Holder) -> None:
    """Find out whether the same run still holds the lake.

    Raises:
        LeaseLostError: It does not.
    """
    found = current(path)
    if found != holder:
        raise lost(str(path), holder.run_id, found)


def joined(address: str, holder: Holder | None, run_id: str, hint: str = "") -> Holder:
    """The holder of a lake, where it is the run that a job belongs to.

    Raises:
        LakeBusyError: Another run holds the lake.
        LeaseLostError: No run does.
    """
    if holder is None:
        raise lost(address, run_id, None)
    if holder.run_id != run_id:
        raise busy(address, holder, hint)
    return holder


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads((path / HOLDER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def busy(address: str, holder: Holder | None, hint: str = "") -> LakeBusyError:
    """The error for a lake that another run holds."""
    got = "a run that has only just begun" if holder is None else f"{_described(holder)} since {holder.started_at}"
    return LakeBusyError(
        "Another run holds the lake.",
        where=address,
        expected="one run at a time",
        got=got,
        hint=f"Let it end, or stop it; then run the same command again.{hint}",
    )


def lost(address: str, run_id: str, holder: Holder | None) -> LeaseLostError:
    """The error for a run, or a job of it, that finds its lake free or held by another."""
    return LeaseLostError(
        "The run does not hold the lake any more, so nothing was committed.",
        where=address,
        expected=f"the lease of run {run_id}",
        got=f"{_described(holder)} holds it" if holder else "no lease",
        hint="Did the run end, or was its machine suspended or cut off? Run the same command again.",
    )


def _described(holder: Holder) -> str:
    return f"`{holder.command}` (run {holder.run_id}, process {holder.pid} on {holder.host})"
