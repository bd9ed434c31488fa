"""The optional packages that the simulator takes its data and its server from."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from finks.errors import MissingExtraError


def package_file(package: str, path: str) -> Path:
    """A data file of an installed package, which is not imported.

    Raises:
        MissingExtraError: The package or its file is not there.
    """
    spec = find_spec(package)
    file = Path(spec.origin).parent / path if spec is not None and spec.origin else None
    if file is None or not file.exists():
        raise missing(package)
    return file


def missing(package: str) -> MissingExtraError:
    """The error that tells how to install the simulator."""
    return MissingExtraError(
        "The simulated FMP needs packages that are not installed.",
        where=package,
        hint="pip install 'finks-connectors[simulator]'",
    )
