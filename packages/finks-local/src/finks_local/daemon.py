"""The local AWS in the background: started once per directory, found again, stopped.

Who runs it is known by a lock on the directory, which the system frees however the holder ends; `state.json` beside it
says where it listens.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import httpx
import platformdirs
from finks.errors import ConflictError, FinksError, SourceUnavailableError

from finks_local.emulator.environment import emulator_python
from finks_local.emulator.process import wait_for_lock
from finks_local.variables import variables
from finks_local.wire import RESET_HEADER

if TYPE_CHECKING:
    from finks_local.stack import Stack

_LOCK: Final = "daemon.lock"
_STATE: Final = "state.json"
_LOG: Final = "daemon.log"
_READY_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 40.0
_LOOK_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How the local AWS runs.

    Attributes:
        directory: Its data, logs and temporary files.
        port, endpoint_port: Where the emulator and the endpoint listen on loopback; 0 takes a free one.
        enforce_iam: Check signatures and permissions as AWS does.
    """

    directory: Path
    port: int
    endpoint_port: int
    enforce_iam: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A local AWS that runs, or ran.

    Attributes:
        pid, emulator_pid: The two processes.
        emulator, endpoint: Their addresses.
        started: Seconds since 1970.
    """

    pid: int
    emulator_pid: int
    emulator: str
    endpoint: str
    enforce_iam: bool
    started: float

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point AWS clients to it."""
        return variables(self.emulator, self.endpoint)


def default_directory() -> Path:
    """Where the local AWS keeps its data unless another directory is named: the user's state directory."""
    return platformdirs.user_state_path("finks-local")


def serve(options: Options) -> None:
    """Run the local AWS in this process until it is told to end, or its emulator ends.

    Raises:
        ConflictError: Another process runs it in the directory.
        SourceUnavailableError: The emulator ended by itself.
    """
    from finks_local.stack import Stack  # so that no other command pays for the servers

    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    options.directory.mkdir(parents=True, exist_ok=True)
    with _held(options.directory):
        _use_own_temporary_directory(options.directory / "tmp")
        with Stack.start(
            options.directory,
            port=options.port,
            endpoint_port=options.endpoint_port,
            enforce_iam=options.enforce_iam,
            keep=True,
        ) as stack:
            _write(options, stack)
            while not over.wait(_LOOK_SECONDS):
                if not stack.emulator.running:
                    raise SourceUnavailableError("The emulator ended.", where=str(stack.emulator.log))
        (options.directory / _STATE).unlink(missing_ok=True)


def _use_own_temporary_directory(folder: Path) -> None:
    """What queries spill goes where the next start removes it, if `kill -9` left any."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tempfile.tempdir = str(folder)


def up(options: Options) -> State:
    """Start the local AWS in the background, unless it runs; return once it answers.

    Raises:
        ConfigurationError: A port is taken, or the emulator's environment cannot be made.
        ConflictError: It runs with other settings.
        SourceUnavailableError: It did not start.
    """
    emulator_python()
    running = _found_or_awaited(options.directory)
    if running is not None and is_healthy(running):
        _refuse_other_settings(running, options)
        return running
    down(options.directory)
    options.directory.mkdir(parents=True, exist_ok=True)
    (options.directory / _STATE).unlink(missing_ok=True)
    asked = {**asdict(options), "directory": str(options.directory.absolute())}
    log = options.directory / _LOG
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "finks_local.daemon", json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return _wait_until_ready(options, process, log)


def down(directory: Path) -> bool:
    """Stop the local AWS of a directory, with time to save what it keeps.

    Returns:
        Whether it ran.
    """
    state = _read(directory)
    if not _is_held(directory):
        return False
    if state is not None:
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGTERM)
    if not _wait_until_free(directory, _STOP_SECONDS) and state is not None:
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGKILL)
        _wait_until_free(directory, _STOP_SECONDS)
    return True


def find(directory: Path) -> State | None:
    """The local AWS that runs in a directory; None when none does, or when it has only begun to start."""
    return _read(directory) if _is_held(directory) else None


def _found_or_awaited(directory: Path) -> State | None:
    """The same, but one that has begun to start is waited for."""
    deadline = time.monotonic() + _READY_SECONDS
    while _is_held(directory) and time.monotonic() < deadline:
        state = _read(directory)
        if state is not None:
            return state
        time.sleep(0.05)
    return None


def is_healthy(state: State) -> bool:
    """Whether both servers answer."""
    return bool(health(state).get("emulator"))


def health(state: State) -> Mapping[str, object]:
    """What the endpoint says of itself; nothing when it does not answer."""
    try:
        answer = httpx.get(f"{state.endpoint}/_finks/health", timeout=_PATIENCE_SECONDS, trust_env=False)
        return answer.raise_for_status().json()
    except httpx.HTTPError:
        return {}


def reset(state: State) -> None:
    """Empty everything that a running local AWS holds."""
    answer = httpx.post(f"{state.endpoint}/_finks/reset", headers={RESET_HEADER: "1"}, timeout=120, trust_env=False)
    answer.raise_for_status()


def discard(directory: Path) -> None:
    """Remove what a local AWS that is down has kept.

    Raises:
        ConflictError: It has begun to run.
    """
    if not directory.exists():
        return
    with _held(directory):
        for name in ("emulator", "results"):
            shutil.rmtree(directory / name, ignore_errors=True)
        for file in directory.glob("endpoint.sqlite*"):
            file.unlink()


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        wait_for_lock(descriptor, directory, 1)
        yield
    finally:
        os.close(descriptor)


def _is_held(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _wait_until_free(directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_held(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _wait_until_ready(options: Options, process: subprocess.Popen[bytes], log: Path) -> State:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        state = _read(options.directory)
        if state is not None and state.pid == process.pid:
            return state
        if process.poll() is not None:
            break
        time.sleep(0.05)
    # Whoever loses a race of two starts has what the winner started.
    if process.poll() == ConflictError.exit_code and (other := _found_or_awaited(options.directory)) is not None:
        return other
    raise SourceUnavailableError(
        "The local AWS did not start.",
        where=str(log),
        got="\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]),
    )


def _write(options: Options, stack: Stack) -> None:
    state = State(
        pid=os.getpid(),
        emulator_pid=stack.emulator.pid,
        emulator=stack.emulator.url,
        endpoint=stack.endpoint.url,
        enforce_iam=options.enforce_iam,
        started=time.time(),
    )
    draft = options.directory / f"{_STATE}.new"
    draft.write_text(json.dumps(asdict(state)) + "\n", encoding="utf-8")
    draft.replace(options.directory / _STATE)


def _read(directory: Path) -> State | None:
    try:
        return State(**json.loads((directory / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _refuse_other_settings(running: State, options: Options) -> None:
    wanted = {
        "the emulator's port": (options.port, int(running.emulator.rpartition(":")[2])),
        "the endpoint's port": (options.endpoint_port, int(running.endpoint.rpartition(":")[2])),
        "enforcement": (options.enforce_iam, running.enforce_iam),
    }
    for name, (asked, found) in wanted.items():
        if asked != found and not (asked == 0 and name != "enforcement"):
            raise ConflictError(
                f"The local AWS runs already, and {name} is another.",
                where=str(options.directory),
                expected=str(asked),
                got=str(found),
                hint="Run `finks local down` first, or choose another --directory.",
            )


def log_to_stderr() -> None:
    """Log what the servers say, but not every call that one makes to the other."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def main() -> None:
    """The background process: its options come as JSON in the first argument."""
    log_to_stderr()
    asked: dict[str, Any] = json.loads(sys.argv[1])
    asked["directory"] = Path(asked["directory"])
    try:
        serve(Options(**asked))
    except FinksError as error:
        _log.error("%s", error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
