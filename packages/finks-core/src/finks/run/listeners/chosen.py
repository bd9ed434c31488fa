"""Who is told when a run has ended, by the settings."""

from __future__ import annotations

from finks.run.listeners import alerting, lineage
from finks.run.listeners.observing import metrics_listeners
from finks.run.runner import RunListener
from finks.run.settings import Settings


def listeners(settings: Settings, link: str | None = None) -> list[RunListener]:
    """The listeners that the settings ask for.

    Args:
        settings: The settings.
        link: Where this process's run can be looked at, for example in a scheduler's window.

    Raises:
        MissingExtraError: One of them needs an extra that is not installed.
        ConfigurationError: The settings of a notifier, or the calendar, are wrong.
    """
    told = lineage.listener(settings)
    # The alerts come last: they are also of what the others could not do.
    return [*metrics_listeners(settings), *([told] if told is not None else []), alerting.listener(settings, link)]
