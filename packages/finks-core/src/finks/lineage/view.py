"""`Lineage`: what can be asked about where a lake's data came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.catalog import NAMESPACES, find_table
from finks.lineage.edges import Happening
from finks.lineage.graph import Graph, walk
from finks.lineage.index import TABLE, add_events, index_of
from finks.lineage.naming import BUILD
from finks.lineage.store import EventStore

if TYPE_CHECKING:
    from finks.lineage.trace import Trace

_AGAIN = "`finks lineage --rebuild` reads the recorded events again."
_ZONES = ("gold", BUILD, "silver", "bronze", "quarantine")
"""Where a name without a zone is looked for, in this order."""


class Lineage:
    """The lineage of one lake.

    Args:
        lake: The lake.
        table: On S3, the DynamoDB table with the index.
    """

    def __init__(self, lake: Lake, *, table: str = TABLE) -> None:
        self._lake = lake
        self._index = index_of(lake.place, table)
        self._store = EventStore(lake.place)

    def datasets(self) -> list[str]:
        """The names of all datasets that some run read or wrote: tables, models, and the vendors' addresses."""
        return self._index.datasets()

    def graph(self, dataset: str, columns: Collection[str] | None = None) -> Graph:
        """What a dataset came from and what came from it, as the last run of every job left it.

        Args:
            dataset: `gold.daily_portfolio_summary`, `silver.fmp_splits`, a model's name or a vendor's address. Without
                a zone, the first of gold, build, silver, bronze, quarantine that has the name counts.
            columns: Follow the values of these columns alone.

        Raises:
            ConfigurationError: No run has read or written it, or it has no such column.
        """
        name = self._named(dataset)
        if columns is not None:
            self._check_columns(name, columns)
        return walk(self._index, name, columns)

    def run(self, run_id: str) -> list[Happening]:
        """What happened in a run, in order.

        Raises:
            ConfigurationError: Nothing is known of it.
        """
        found = self._index.run(run_id)
        if not found:
            raise ConfigurationError("Nothing is known of this run.", where=run_id, hint=_AGAIN)
        return found

    def rebuild(self) -> int:
        """Build the index again from the raw events in the lake; returns how many runs there were."""
        self._index.clear()
        runs = self._store.runs()
        for run_id in runs:
            add_events(self._index, self._store.of_run(run_id))
        return len(runs)

    def trace(self, mart: str, where: Mapping[str, str], columns: Collection[str] | None = None) -> Trace:
        """The responses that made rows of a mart, as the served release has them; see `finks.lineage.trace`.

        Args:
            mart: `gold.daily_portfolio_summary`.
            where: Column to value: the rows asked for.
            columns: The columns asked for; all when None.
        """
        from finks.lineage.trace import trace

        return trace(self._lake, self._store, mart, where, columns)

    def bodies(self, trace: Trace) -> dict[str, bytes]:
        """The bodies of the responses of a trace, as the source sent them, by the responses' ids."""
        found: dict[str, bytes] = {}
        for table in sorted({response.table for response in trace.responses}):
            ids = [response.response_id for response in trace.responses if response.table == table]
            rows = self._lake.bronze(table).responses(ids, bodies=True)
            found |= dict(zip(rows["response_id"].to_pylist(), rows["body"].to_pylist(), strict=True))
        return found

    def _named(self, dataset: str) -> str:
        known = self.datasets()
        for name in (dataset, *(f"{zone}.{dataset}" for zone in _ZONES)):
            if name in known:
                return name
        if not known:
            expected, hint = "a dataset that a run read or wrote", "`finks run` records it; then ask again."
        else:
            expected = ", ".join(get_close_matches(dataset, known, 5, 0.3) or known[:5])
            hint = _AGAIN
        raise ConfigurationError("Nothing is known of this dataset.", where=dataset, expected=expected, hint=hint)

    def _check_columns(self, name: str, columns: Collection[str]) -> None:
        table = find_table(self._lake.catalog, name) if name.partition(".")[0] in NAMESPACES else None
        if table is not None:
            have = [field.name for field in table.schema().fields]
        else:
            up, down = self._index.upstream(name), self._index.downstream(name)
            have = sorted(
                {column for edge in up for column in edge.columns or ()}
                | {item for edge in down for found in (edge.columns or {}).values() for item in found}
            )
        unknown = [column for column in columns if column not in have]
        if unknown:
            raise ConfigurationError(
                "There is no such column.", where=name, expected=", ".join(have), got=", ".join(unknown)
            )
