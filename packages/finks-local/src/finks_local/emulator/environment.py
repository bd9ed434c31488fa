"""The emulator's own Python environment. It pins another botocore than ours, so it is never a dependency.

Made once per user and Python version from `requirements.txt`, by uv, from the package index that uv is set up for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs
import uv
from finks.errors import ConfigurationError

HOME: Final = "FINKS_LOCAL_HOME"
"""The environment variable that says where emulator environments are kept."""

VERSION: Final = "1.5.33"
"""The emulator's version; `requirements.txt` has the same."""

_REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")


def home() -> Path:
    """Where emulator environments are kept: `FINKS_LOCAL_HOME`, or the user's cache directory."""
    chosen = os.environ.get(HOME)
    return Path(chosen) if chosen else platformdirs.user_cache_path("finks-local")


def emulator_python() -> Path:
    """The interpreter of the emulator's environment, which is made first where it is absent.

    Several processes may ask at once: one makes it, the others wait. It appears whole or not at all.

    Raises:
        ConfigurationError: uv could not make it; the error has the command and what uv said.
    """
    folder = _folder()
    python = folder / "bin" / "python"
    if not python.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            if not python.exists():
                _build(folder)
    return python


def is_made() -> bool:
    """Whether the environment is there already."""
    return _folder().exists()


def _folder() -> Path:
    return home() / f"ministack-{VERSION}-py{sys.version_info.major}{sys.version_info.minor}"


@contextmanager
def _locked(path: Path) -> Generator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _build(folder: Path) -> None:
    """Build beside the place, then move there. What an interrupted build left is removed first."""
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    _uv("venv", "--quiet", "--no-project", "--python", sys.executable, str(draft))
    _uv("pip", "install", "--quiet", "--no-deps", "--python", str(draft), "--requirement", str(_REQUIREMENTS))
    draft.rename(folder)


def _uv(*arguments: str) -> None:
    command = [uv.find_uv_bin(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ConfigurationError(
            "The emulator's Python environment cannot be made.",
            where=" ".join(command),
            got=done.stderr.strip()[-2000:],
            hint=f"Run the command by hand to see more; {HOME} chooses another directory.",
        )
