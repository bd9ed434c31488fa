"""Who is told when a run has ended, by the settings."""

from __future__ import annotations

from finks.run import lineage
from finks.run.observing import metrics_listeners
from finks.run.runner import RunListener
from finks.run.settings import Settings


def listeners(settings: Settings) -> list[RunListener]:
    """The listeners that the settings ask for.

    Raises:
        MissingExtraError: One of them needs an extra that is not installed.
    """
    told = lineage.listener(settings)
    return [*metrics_listeners(settings), *([told] if told is not None else [])]
