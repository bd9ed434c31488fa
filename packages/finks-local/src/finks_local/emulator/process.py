"""The emulator as a child process: started on loopback, asked for its health, reset, stopped."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from finks.errors import ConflictError, SourceUnavailableError
from finks.loopback import HOST, free_port, refuse_taken_port

from finks_local.emulator.environment import emulator_python

_LIFELINE: Final = Path(__file__).with_name("lifeline.py")
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_ATTEMPTS: Final = 5

CHOOSE_PORTS: Final = "finks local up --port P --endpoint-port Q"
"""How other ports are chosen, for an error."""

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """How the emulator runs.

    Attributes:
        directory: Its logs, its temporary files and, where it keeps data, the data.
        port: A port on loopback; 0 takes a free one.
        enforce_iam: Check signatures and permissions as AWS does. The key `test` is the account's root.
        keep: Keep what the services hold over a stop. S3 objects are written as they come; all else is written
            when the emulator ends, so `kill -9` of it loses what changed since it was started.
    """

    directory: Path
    port: int = 0
    enforce_iam: bool = False
    keep: bool = False


@dataclass
class Emulator:
    """A running emulator.

    Attributes:
        url: Its address, for `AWS_ENDPOINT_URL`.
        log: Where its output goes.
    """

    options: EmulatorOptions
    port: int
    log: Path
    _process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, options: EmulatorOptions) -> Emulator:
        """Start one and wait until it answers.

        Raises:
            ConfigurationError: Its environment cannot be made, or the port is taken.
            ConflictError: Another one works in the directory.
            SourceUnavailableError: It did not answer in a minute.
        """
        python = emulator_python()
        for folder in ("tmp", "state", "s3"):
            (options.directory / folder).mkdir(parents=True, exist_ok=True)
        with _sole_use(options.directory) as lock:
            if options.port:
                refuse_taken_port(options.port, CHOOSE_PORTS)
                return cls._start_on(python, options, options.port, lock)
            # Another process may take a port between the moment that it is found free and its use.
            for _ in range(_ATTEMPTS - 1):
                try:
                    return cls._start_on(python, options, free_port(), lock)
                except SourceUnavailableError:
                    continue
            return cls._start_on(python, options, free_port(), lock)

    @classmethod
    def _start_on(cls, python: Path, options: EmulatorOptions, port: int, lock: int) -> Emulator:
        log = options.directory / "emulator.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603
                [str(python), "-P", str(_LIFELINE)],
                env=_environment(options, port),
                cwd=options.directory,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        emulator = cls(options, port, log, process)
        try:
            emulator._wait_until_healthy()
        except BaseException:
            emulator.stop()
            raise
        return emulator

    @property
    def url(self) -> str:
        """The address, for `AWS_ENDPOINT_URL`."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def reset(self) -> None:
        """Empty every service."""
        httpx.post(f"{self.url}/_ministack/reset", timeout=60, trust_env=False).raise_for_status()

    def stop(self) -> None:
        """End it, with time to save what it keeps; whatever is left of its process group is killed."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.running:
            if healthy(self.url):
                return
            time.sleep(0.05)
        raise SourceUnavailableError(
            "The emulator did not start.",
            where=self.url,
            got=_tail(self.log),
            hint=f"The whole log is {self.log}.",
        )


@contextmanager
def _sole_use(directory: Path) -> Generator[int]:
    """A lock on the directory, as a descriptor that the emulator's process inherits and so holds while it lives.

    One whose starter was killed ends by itself and saves what it keeps, so it is worth waiting for.
    """
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        wait_for_lock(descriptor, directory, _STOP_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def wait_for_lock(descriptor: int, directory: Path, seconds: float) -> None:
    """Take an exclusive lock.

    Raises:
        ConflictError: Somebody else kept it all that time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ConflictError(
                    "Another local AWS works in the directory.",
                    where=str(directory),
                    hint="Stop it, or choose another directory: finks local up --directory PATH.",
                ) from None
            time.sleep(0.05)


def healthy(url: str, seconds: float = 2.0) -> bool:
    """Whether an emulator answers at an address within so many seconds."""
    try:
        return httpx.get(f"{url}/_ministack/health", timeout=seconds, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _environment(options: EmulatorOptions, port: int) -> dict[str, str]:
    """Nothing of the caller's own environment but the path and the language: no key of a real account gets in.

    Without Docker's socket the emulator leaves the machine's containers alone.
    """
    folder = options.directory
    keep = "1" if options.keep else "0"
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "AUTH": "true" if options.enforce_iam else "false",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "BIND_HOST": HOST,
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        "GATEWAY_PORT": str(port),
        "HOME": str(folder),
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": keep,
        "S3_DATA_DIR": str(folder / "s3"),
        "S3_PERSIST": keep,
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
    }


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
