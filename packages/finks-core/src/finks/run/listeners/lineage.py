"""After a run: its OpenLineage events are kept in the lake, indexed, and sent where the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from finks.errors import MissingExtraError
from finks.lake import Lake
from finks.lineage.index import add_events, index_of
from finks.lineage.naming import names_of
from finks.lineage.store import EventStore
from finks.observe import traceparent
from finks.run.report import RunReport
from finks.run.settings import Settings


@dataclass(frozen=True, slots=True)
class LineageListener:
    """Tells the lineage of every run. Only what it cannot keep in the lake is an error."""

    def run_ended(self, lake: Lake, settings: Settings, report: RunReport) -> None:
        """See `RunListener`."""
        from finks.lineage.events import RunContext, events_of
        from finks.lineage.send import send
        from finks.run.listeners.lineage_jobs import RunJobs

        names = names_of(lake)
        steps = events_of(
            RunContext(report.run_id, names.lake, traceparent() or ""), RunJobs(lake, names, report).all()
        )
        store = EventStore(lake.place)
        for step in steps:
            store.keep(report.run_id, step.step, step.events)
        events = [event for step in steps for event in step.events]
        add_events(index_of(lake.place, settings.lake.lineage_table), events)
        if settings.lineage.url is not None:
            failure = send(settings.lineage.url, events)
            if failure:
                report.settle(0, f"The lineage was kept, but not sent: {failure}")


def listener(settings: Settings) -> LineageListener | None:
    """The listener that the settings ask for; None when lineage is off, or its extra is not there and nobody asked.

    Raises:
        MissingExtraError: `lineage.enabled` is true, and the extra is not installed.
    """
    installed = find_spec("openlineage") is not None and find_spec("sqlglot") is not None
    if settings.lineage.enabled and not installed:
        raise MissingExtraError(
            "Lineage needs an extra.", where="lineage.enabled", hint="pip install 'finks-core[lineage]'"
        )
    wanted = installed if settings.lineage.enabled is None else settings.lineage.enabled
    return LineageListener() if wanted else None
