"""Fixtures that every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
# How fast an example runs says something of the machine, nothing of the code.
settings.register_profile("finks", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("finks")

Finks = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The vendor's recorded responses; the test is skipped where they are absent."""
    folder = Path(os.environ.get("FINKS_SHARED", ROOT.parent / "shared")) / "fmp"
    if not folder.is_dir():
        pytest.skip("recorded FMP responses are absent (FINKS_SHARED)")
    return folder


@pytest.fixture(scope="session")
def finks_command() -> Finks:
    """Run the `finks` command in a directory."""

    def command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("finks")), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "COLUMNS": "200", **environment},
        )

    return command


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, finks_command: Finks):
    """The directory in which `finks demo` ran twice, and the two finished processes."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, finks_command("demo", cwd=folder), finks_command("demo", cwd=folder)
