"""Where the stack keeps what it has, and the secrets that it makes for itself."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import platformdirs
from finks.loopback import HOST, free_port

PORT: Final = 4200

_AS_ROOT: Final = Path("/var/lib/finks-flows")
"""Root's own state directory is closed to the account that runs PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What `up` chose, kept for whoever asks later.

    Attributes:
        port: Of Prefect's API and its window, on loopback.
        database_port: Of PostgreSQL, on loopback.
        auth: Whether the API wants a password.
    """

    port: int
    database_port: int
    auth: bool = False

    @property
    def address(self) -> str:
        """Where browsers find Prefect."""
        return f"http://{HOST}:{self.port}"

    @property
    def api(self) -> str:
        """Where clients find Prefect."""
        return f"{self.address}/api"


def default_directory() -> Path:
    """Where the stack keeps its data unless another directory is named."""
    return _AS_ROOT if os.geteuid() == 0 else platformdirs.user_state_path("finks-flows")


@dataclass(frozen=True, slots=True)
class Layout:
    """The directory of one stack."""

    directory: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's."""
        return self.directory / "postgres"

    @property
    def home(self) -> Path:
        """PREFECT_HOME of every process of the stack."""
        return self.directory / "prefect"

    @property
    def results(self) -> Path:
        """Results of tasks that are told to keep them."""
        return self.directory / "results"

    def log(self, name: str) -> Path:
        """What a part says."""
        return self.directory / "logs" / f"{name}.log"

    def make(self) -> None:
        """Make the directories. The account of PostgreSQL passes through the first, and reads nothing in it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.home, self.results, self.directory / "logs", self.directory / "parts"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def choices(self) -> Choices | None:
        """What `up` chose; None before the first."""
        try:
            return Choices(**json.loads((self.directory / "stack.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def choose(self, port: int, auth: bool) -> Choices:
        """Keep what `up` asks for; the database keeps the port that it has."""
        before = self.choices()
        chosen = Choices(port, before.database_port if before else free_port(), auth)
        write_private(self.directory / "stack.json", json.dumps(asdict(chosen)) + "\n")
        return chosen

    def secret(self, name: str) -> str:
        """A random secret of the stack, made when it is first asked for."""
        file = self.directory / f"{name}.secret"
        with suppress(FileNotFoundError):
            return file.read_text(encoding="utf-8").strip()
        write_private(file, secrets.token_urlsafe(24) + "\n")
        return file.read_text(encoding="utf-8").strip()

    def auth(self, choices: Choices) -> str | None:
        """`user:password` for the API; None when it wants none."""
        return f"finks:{self.secret('api')}" if choices.auth else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One `up` or `down` at a time; a second waits."""
        import fcntl

        descriptor = os.open(self.directory / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)
    draft.replace(file)
