"""The package that is uploaded to Lambda: what the lock file names and this project's wheels, less what is not used.

Everything comes from wheels whose hashes the lock file has. The same inputs give the same bytes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from finks.errors import ConfigurationError, FinksError, MissingExtraError

UNZIPPED_LIMIT: Final = 250 * 2**20
"""Bytes that a function and its layers may have, unzipped (AWS Lambda Developer Guide, Lambda quotas)."""

PROJECTS: Final = ("finks-core", "finks-api")

UNUSED: Final = ("boto3", "click", "httpx", "polars", "pyiceberg-core", "requests", "rich", "sqlalchemy")
"""Packages that the handler never imports, and boto3, which Lambda's Python has."""

_NEEDLESS: Final = re.compile(
    r"(^|/)__pycache__/"
    r"|^(bin/|\.lock$)"
    r"|\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)$"
    r"|^pyarrow/(include|includes|src|tests)/"
    r"|^pyarrow/.*\.(pyx|pxd|pxi|h|cc|cpp)$"
    r"|^pyarrow/lib(arrow_flight|arrow_python_flight)\."
    r"|^pyarrow/(_flight|_substrait|_pyarrow_cpp_tests)\."
    r"|^hive_metastore/"
    r"|^zstandard/(_cffi\.|backend_cffi\.py)"
    # One library under three names; the loader asks for the one with the version of the interface.
    r"|^pyarrow/libarrow_python(_parquet_encryption)?\.so(\.\d+\.\d+\.\d+)?$"
)
_TASK: Final = "/var/task"
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_COLD: Final = (
    "import time; began = time.perf_counter(); import finks_api.aws.handler; print(time.perf_counter() - began)"
)

Architecture = Literal["x86_64", "aarch64"]


@dataclass(frozen=True, slots=True)
class Target:
    """What Lambda runs the package on.

    Attributes:
        python: Version of Python, for example `3.12`.
        architecture: Of the processor; Lambda calls aarch64 `arm64`.
    """

    python: str = "3.12"
    architecture: Architecture = "x86_64"

    @property
    def platform(self) -> str:
        """What uv calls it: Lambda's Python is on Amazon Linux 2023, with glibc 2.34."""
        return f"{self.architecture}-manylinux_2_34"

    @property
    def is_here(self) -> bool:
        """Whether this Python is one of that kind."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (here, os.uname().machine) == (self.python, self.architecture)


@dataclass(frozen=True, slots=True)
class Package:
    """What was built.

    Attributes:
        zipped, unzipped: Bytes.
        import_seconds: How long the handler's import took in a new process; None where this Python is not the
            target's: then nothing is compiled either.
    """

    path: Path
    zipped: int
    unzipped: int
    import_seconds: float | None


def build(project: Path, output: Path, target: Target) -> Package:
    """Build the package.

    Args:
        project: A checkout of this project.
        output: The zip file; replaced whole.

    Raises:
        MissingExtraError: uv is not installed.
        ConfigurationError: There is no lock file, or uv failed.
        FinksError: The package is larger than Lambda takes, or lacks something.
    """
    if not (project / "uv.lock").exists():
        raise ConfigurationError(
            "The package is built from a checkout of finks.", where=str(project), expected="uv.lock", got="none"
        )
    with tempfile.TemporaryDirectory(prefix="finks-zip-") as folder:
        content = Path(folder, "content")
        install(project, content, target, Path(folder))
        _remove_needless(content)
        if target.is_here:
            _compile(content)
        unzipped = sum(file.stat().st_size for file in content.rglob("*") if file.is_file())
        if unzipped > UNZIPPED_LIMIT:
            raise FinksError("The package is too large.", expected=f"at most {UNZIPPED_LIMIT}", got=str(unzipped))
        seconds = _import_seconds(content) if target.is_here else None
        write_zip(content, output)
        return Package(output, output.stat().st_size, unzipped, seconds)


def install(project: Path, content: Path, target: Target, scratch: Path) -> None:
    """Put what the lock file names, and the project's own wheels, into a folder."""
    pruned = [part for name in UNUSED for part in ("--prune", name)]
    wanted = scratch / "requirements.txt"
    _uv(
        project, "export", "--frozen", "--package", "finks-api", "--extra", "lambda", "--no-dev", "--no-emit-workspace",
        *pruned, "--output-file", str(wanted),
    )  # fmt: skip
    wheels = scratch / "wheels"
    for name in PROJECTS:
        _uv(project, "build", "--package", name, "--wheel", "--out-dir", str(wheels))
    into = [
        "pip", "install", "--target", str(content), "--no-deps", "--only-binary", ":all:", "--link-mode", "copy",
        "--python-platform", target.platform, "--python-version", target.python,
    ]  # fmt: skip
    _uv(project, *into, "--require-hashes", "--requirements", str(wanted))
    _uv(project, *into, *(str(wheel) for wheel in sorted(wheels.glob("*.whl"))))


def write_zip(content: Path, output: Path) -> None:
    """Write a folder as a zip file, of which nothing but names and contents of the files decides the bytes."""
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_name(f".{output.name}.part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in content.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(content).as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    draft.replace(output)


def isolated(content: Path, code: str) -> list[str]:
    """The command that runs code as Lambda would: with the package and boto3, and nothing else that is installed here.

    Args:
        content: The unzipped package.
    """
    runtime = content.with_name("runtime")
    runtime.mkdir(exist_ok=True)
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "urllib3"):
        found = _folder_of(name)
        if not (runtime / name).exists():
            (runtime / name).symlink_to(found)
    paths = f"import sys; sys.path[:0] = {[str(content), str(runtime)]!r}; "
    return [sys.executable, "-I", "-S", "-B", "-c", paths + code]


def _folder_of(name: str) -> Path:
    import importlib.util

    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingExtraError(f"{name} is not installed.", hint="pip install 'finks-api[lambda]'")
    return Path(spec.origin).parent


def _compile(content: Path) -> None:
    """Compile all modules: Lambda cannot keep what it compiles, and would do it at every cold start.

    Each is bound to its source by the package alone, and names the path that it has in Lambda.
    """
    compiling = [
        sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
        "-s", str(content), "-p", _TASK, str(content),
    ]  # fmt: skip
    subprocess.run(compiling, env={"PYTHONHASHSEED": "0"}, check=True)  # noqa: S603


def _import_seconds(content: Path) -> float:
    found = subprocess.run(isolated(content, _COLD), env={}, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode:
        raise FinksError("The handler cannot be imported from its package.", got=found.stderr.strip()[-2000:])
    return float(found.stdout)


def _remove_needless(content: Path) -> None:
    for file in [path for path in content.rglob("*") if path.is_file()]:
        if _NEEDLESS.search(file.relative_to(content).as_posix()):
            file.unlink()


def _uv(project: Path, *arguments: str) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise MissingExtraError("uv is not installed.", hint="https://docs.astral.sh/uv/getting-started/installation/")
    command = [uv, "--quiet", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ConfigurationError(
            f"uv {arguments[0]} failed.", where=str(project), got=done.stderr.strip()[-2000:], hint="See what it says."
        )
