"""Who is told when a run has ended, by the settings."""

from __future__ import annotations

from finks.run import lineage
from finks.run.runner import RunListener
from finks.run.settings import Settings


def listeners(settings: Settings) -> list[RunListener]:
    """The listeners that the settings ask for.

    Raises:
        MissingExtraError: One of them needs an extra that is not installed.
    """
    found = [lineage.listener(settings)]
    return [listener for listener in found if listener is not None]
