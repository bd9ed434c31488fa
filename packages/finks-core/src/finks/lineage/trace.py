"""Which responses made a number: from rows of a served mart back to the bodies that the source sent.

The release names the Silver snapshots that it was built of, and the recorded events of its run hold the compiled
queries. Both together build the marts again, in memory. From the rows asked for, limits are followed back through the
queries (`narrow`) to rows of Silver, and each of those names its response in Bronze.

What is listed is then proved: the marts are built a second time from the listed rows alone, and the rows asked for must
come out the same. Where they do not, more is listed, at last every row that the queries may have read. So never fewer
responses are listed than the number needs. More may be: a limit that cannot be followed is dropped.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
import pyarrow as pa
from pyiceberg.table import Table
from sqlglot import exp, parse_one

from finks.errors import ConfigurationError, DataError, InvariantError
from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.lake.dataset import import_duckdb
from finks.lake.releases import Release
from finks.lineage.columns import queries
from finks.lineage.demand import Demand, Within, added
from finks.lineage.edges import label
from finks.lineage.model import Model
from finks.lineage.narrow import Narrower
from finks.lineage.rebuild import Rebuild
from finks.lineage.sql import Query, Relation, relation_of
from finks.lineage.store import EventStore

REF: Final = "_bronze_ref"
MAX_ROWS: Final = 1000
"""Of more rows of a mart than this nobody wants the responses."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response in Bronze that had a part.

    Attributes:
        versions: How many of its records are among the rows that were followed.
    """

    table: str
    response_id: str
    request: str
    status: int
    fetched_at: datetime
    body_sha256: str | None
    wire_bytes: int
    run_id: str
    versions: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The responses behind rows of a mart.

    Attributes:
        rows: The rows asked for, as the release serves them.
        silver_snapshots: Silver table to the snapshot that the release was built of.
        limits: Silver table to the conditions by which its rows were chosen; empty for a table that was not narrowed.
        proven: The rows come out the same from what is listed alone. Otherwise every row that may have been read is
            listed.
        responses: Sorted by table and time.
    """

    mart: str
    release: int
    run_id: str
    rows: list[dict[str, Any]]
    silver_snapshots: Mapping[str, int]
    limits: Mapping[str, list[str]]
    proven: bool
    responses: list[Response]


def trace(
    lake: Lake, store: EventStore, mart: str, where: Mapping[str, str], columns: Collection[str] | None = None
) -> Trace:
    """Find the responses behind rows of a mart, as the served release has them.

    Args:
        store: The recorded events of the lake.
        mart: `gold.daily_portfolio_summary`, or the name alone.
        where: Column to value, as text: the rows asked for.
        columns: The columns asked for; all when None.

    Raises:
        ConfigurationError: There is no such mart, column or row, or the release's run recorded no lineage.
        MissingExtraError: DuckDB is not installed.
    """
    name = mart.removeprefix("gold.")
    rows = chosen(lake.gold(name).polars(), f"gold.{name}", where, columns)
    release = lake.releases()[0]
    work = Work.of(lake, release, recorded_models(store, release), name, rows, tuple(where))
    found, proven = work.run()
    return Trace(
        f"gold.{name}",
        release.release_id,
        release.run_id,
        rows.to_dicts(),
        {table: release.silver_snapshots[table] for table in sorted(found.rows)},
        found.limits,
        proven,
        [item for table in sorted(found.rows) for item in responses(lake, table, found.rows[table])],
    )


def chosen(served: pl.DataFrame, mart: str, where: Mapping[str, str], columns: Collection[str] | None) -> pl.DataFrame:
    """The rows asked for: the columns of the condition, and those asked for.

    Raises:
        ConfigurationError: There is no such column, or no such row.
    """
    wanted = list(dict.fromkeys([*where, *(served.columns if columns is None else columns)]))
    unknown = [name for name in wanted if name not in served.columns]
    if unknown:
        raise ConfigurationError(
            "There is no such column.", where=mart, expected=", ".join(served.columns), got=", ".join(unknown)
        )
    rows = served.filter(pl.col(name).cast(pl.String) == value for name, value in where.items()).select(wanted)
    if not 0 < rows.height <= MAX_ROWS:
        raise ConfigurationError(
            "These are no rows whose responses can be shown.",
            where=mart,
            expected=f"1 to {MAX_ROWS} rows",
            got=f"{rows.height} rows where {', '.join(f'{name} = {value}' for name, value in where.items())}",
        )
    return rows


def recorded_models(store: EventStore, release: Release) -> list[Model]:
    """The models of the run that made a release, from its recorded events.

    Raises:
        ConfigurationError: It recorded none.
    """
    models = [
        _model(event)
        for event in store.of_run(release.run_id)
        if event["eventType"] == "COMPLETE" and event["job"]["facets"].get("sql") and event["outputs"]
    ]
    if not models:
        raise ConfigurationError(
            "The run that made the served release recorded no lineage.",
            where=f"release {release.release_id}, run {release.run_id}",
            hint="Set lineage.enabled = true; the next run that publishes a release records how it was made.",
        )
    return models


def _model(event: Mapping[str, Any]) -> Model:
    database, schema, name = event["outputs"][0]["name"].split(".", 2)
    at = datetime.fromisoformat(event["eventTime"])
    sql = event["job"]["facets"]["sql"]
    inputs = tuple(label(source, event) for source in event["inputs"])
    model = label(event["outputs"][0], event).removeprefix("build.")
    return Model(model, (database, schema, name), inputs, (), sql["query"], sql["dialect"], "success", "", at, at)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of Silver, by table, and the conditions by which they were chosen."""

    rows: dict[str, pa.Table]
    limits: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Work:
    """One trace under way.

    Args:
        mart: The mart's relation in the build.
        rows: The rows asked for, as served.
        by: The columns of the condition that chose them.
        steps: The models that the mart is made of, in order, and their queries.
        silver: The relations that show Silver tables, and the tables' names.
    """

    lake: Lake
    release: Release
    mart: Relation
    rows: pl.DataFrame
    by: tuple[str, ...]
    steps: list[tuple[Model, Query | DataError]]
    silver: dict[Relation, str]

    @classmethod
    def of(
        cls, lake: Lake, release: Release, models: list[Model], mart: str, rows: pl.DataFrame, by: tuple[str, ...]
    ) -> Work:
        """The work for rows of a mart."""
        by_label = {f"build.{model.name}": model for model in models}
        needed: dict[str, Model] = {}
        pending = [f"build.{mart}"]
        while pending:
            name = pending.pop()
            if name in by_label and name not in needed:
                needed[name] = by_label[name]
                pending += by_label[name].inputs
        read = {relation for model in needed.values() for relation in tables_of(model)}
        silver = {relation: relation[2] for relation in sorted(read) if relation[2] in release.silver_snapshots}
        columns = {relation: _columns(lake, table) for relation, table in silver.items()}
        steps = list(queries(needed.values(), columns))
        return cls(lake, release, needed[f"build.{mart}"].relation, rows, by, steps, silver)

    def run(self) -> tuple[Found, bool]:
        """The rows of Silver, and whether they are proven to suffice."""
        whole = self.whole()
        found = self._proven(whole)
        if found is not None:
            return found, True
        rows = {table: whole.table(at) for at, table in self.silver.items()}
        return Found(rows, {table: [] for table in rows}), False

    def whole(self) -> Rebuild:
        """The Silver tables as the release's build read them; no model is built yet."""
        whole = self._new()
        snapshots = self.release.silver_snapshots
        whole.show(self.lake, {at: (f"silver.{table}", snapshots[table]) for at, table in self.silver.items()})
        return whole

    def _proven(self, whole: Rebuild) -> Found | None:
        # Whatever DuckDB or sqlglot cannot do here only means that more is listed.
        try:
            whole.build(model for model, _ in self.steps)
            for witnesses in (False, True):
                found = self._narrowed(whole, witnesses=witnesses)
                if self.reproduced(whole, found.rows):
                    return found
        except (DataError, TypeError, import_duckdb().Error):
            pass
        return None

    def _new(self) -> Rebuild:
        return Rebuild([*self.silver, *(model.relation for model, _ in self.steps)])

    def _limits(self) -> dict[str, Within]:
        return {name: Within.of(self.rows[name].to_list()) for name in self.by}

    def _narrowed(self, whole: Rebuild, *, witnesses: bool) -> Found:
        """The rows of Silver that the rows asked for are made of.

        Raises:
            DataError: A query cannot be followed.
        """
        demands: dict[Relation, list[Demand]] = defaultdict(list)
        demands[self.mart] = [Demand(frozenset(self.rows.columns), self._limits())]
        for model, query in reversed(self.steps):
            if isinstance(query, DataError):
                raise query
            narrower = Narrower(query, whole.values, witnesses)
            for demand in demands[model.relation]:
                for relation, asked in narrower.tables(demand):
                    demands[relation] = added(demands[relation], asked)
        return self._chosen(whole, {at: demands[at] for at in self.silver if demands[at]})

    def _chosen(self, whole: Rebuild, demands: Mapping[Relation, Iterable[Demand]]) -> Found:
        """Of each key the version that counts, within the limits."""
        rows: dict[str, pa.Table] = {}
        limits: dict[str, list[str]] = {}
        for at, asked in demands.items():
            table = self.silver[at]
            key = ", ".join(f'"{name}"' for name in _silver(self.lake, table).properties["finks.key"].split(","))
            conditions = sorted({demand.sql() for demand in asked})
            newest = f"row_number() over (partition by {key} order by _known_at desc, _seq desc) = 1"
            rows[table] = whole.table(at, f"where {' or '.join(conditions)} qualify {newest}")
            limits[table] = [] if "true" in conditions else [one for one in conditions if one != "(false)"]
        return Found(rows, limits)

    def reproduced(self, whole: Rebuild, rows: Mapping[str, pa.Table]) -> bool:
        """Whether the rows asked for come out the same from these rows of Silver alone."""
        rebuild = self._new()
        none = {at: whole.table(at, "limit 0") for at in self.silver}
        rebuild.load({at: rows.get(table, none[at]) for at, table in self.silver.items()})
        rebuild.build(model for model, _ in self.steps)
        again = rebuild.table(self.mart, f"where {Demand(frozenset(), self._limits()).sql()}")
        return same_rows(self.rows, pl.DataFrame(again).select(self.rows.columns))


def tables_of(model: Model) -> set[Relation]:
    """The relations that a model's query names."""
    found = parse_one(model.sql, dialect=model.dialect).find_all(exp.Table)
    return {relation_of(table) for table in found if table.db}


def same_rows(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two frames hold the same rows, in any order; doubles to nine digits, as sums of them have an order."""

    def ordered(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
        return sorted(frame.iter_rows(), key=lambda row: [str(value) for value in row if not isinstance(value, float)])

    def same(mine: Any, theirs: Any) -> bool:
        if isinstance(mine, float) and isinstance(theirs, float):
            return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-12)
        return mine == theirs

    pairs = zip(ordered(one), ordered(other), strict=False)
    return one.height == other.height and all(all(map(same, mine, theirs)) for mine, theirs in pairs)


def responses(lake: Lake, table: str, rows: pa.Table) -> list[Response]:
    """The responses that rows of a Silver table were read from, by time.

    Raises:
        InvariantError: Bronze lacks one.
    """
    versions = Counter(rows[REF].to_pylist())
    found = lake.bronze(table).responses(versions)
    missing = sorted(versions.keys() - set(found["response_id"].to_pylist()))
    if missing:
        raise InvariantError("Bronze lacks a response that Silver was read from.", where=table, got=missing[0])
    names = ("response_id", "request", "status", "fetched_at", "body_sha256", "wire_bytes", "run_id")
    rows_of = pl.DataFrame(found).select(names).iter_rows(named=True)
    listed = [Response(table=table, versions=versions[row["response_id"]], **row) for row in rows_of]
    return sorted(listed, key=lambda response: (response.fetched_at, response.response_id))


def _silver(lake: Lake, table: str) -> Table:
    stored = find_table(lake.catalog, f"silver.{table}")
    assert stored is not None
    return stored


def _columns(lake: Lake, table: str) -> list[str]:
    return [item.name for item in _silver(lake, table).schema().fields]
