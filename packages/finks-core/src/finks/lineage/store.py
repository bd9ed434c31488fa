"""Raw events in the lake: NDJSON in the standard's format, one file for each run and step.

`lineage/date=YYYY-MM-DD/run=<run id>/<step>.ndjson` below the lake's place. A run's events are the same however often
they are told, and a file is written whole, so writing again changes nothing. Any tool that takes OpenLineage events
can read them in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from finks.errors import ConfigurationError
from finks.lake.place import Place

FOLDER = "lineage"

_RUN = re.compile(r"/run=([0-9a-f-]{36})/")

RawEvent = dict[str, Any]


def day_of(run_id: str) -> date:
    """The day (UTC) on which a run began: a UUIDv7 starts with the milliseconds since 1970.

    Raises:
        ConfigurationError: It is not the id of a run.
    """
    try:
        value = UUID(run_id)
    except ValueError:
        value = None
    if value is None or value.version != 7:
        raise ConfigurationError("This is not the id of a run.", where="run id", expected="a UUIDv7", got=run_id)
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC).date()


def folder_of(run_id: str) -> str:
    """Where a run's events are, below the lake's place."""
    return f"{FOLDER}/date={day_of(run_id)}/run={run_id}"


class EventStore:
    """The raw events of one lake.

    Args:
        place: Where the lake is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def keep(self, run_id: str, step: str, events: Iterable[RawEvent]) -> None:
        """Write the events of one step of a run, all at once."""
        lines = "".join(f"{json.dumps(event, sort_keys=True)}\n" for event in events)
        self._place.keep(f"{folder_of(run_id)}/{step}.ndjson", lines)

    def runs(self) -> list[str]:
        """The runs that there are events of, the oldest first."""
        names = self._place.kept_names(f"{FOLDER}/")
        return sorted({part for name in names for part in _RUN.findall(name)})

    def of_run(self, run_id: str) -> Iterator[RawEvent]:
        """The events of one run."""
        folder = folder_of(run_id)
        for name in self._place.kept_names(f"{folder}/"):
            for line in (self._place.kept(name) or "").splitlines():
                yield json.loads(line)
