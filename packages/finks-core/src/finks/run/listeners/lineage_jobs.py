"""What a run did, job by job, from its report and from the snapshots that carry its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from finks.errors import DataError
from finks.lake import Lake
from finks.lake.catalog import find_table, state
from finks.lake.releases import Release
from finks.lake.silver import BOOKMARK, RUN_ID
from finks.lineage.columns import column_lineage, queries
from finks.lineage.model import Column, Columns, Dataset, Field, JobRun, Model, Port
from finks.lineage.naming import Names, origin
from finks.lineage.sql import Query
from finks.run.report import RunReport, StreamReport

STOPPED = 143
_SYSTEM = {"_known_at": "fetched_at", "_bronze_ref": "response_id"}
"""What a Silver row takes from the response itself, and not from its body."""


@dataclass(frozen=True, slots=True)
class Written:
    """A table of the lake, and what one run committed to it.

    Attributes:
        commits: The run's snapshots, the oldest first.
    """

    dataset: Dataset
    table: Table
    commits: tuple[Snapshot, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The table's columns."""
        return tuple(Field(item.name, str(item.field_type), item.doc or "") for item in self.table.schema().fields)

    @property
    def rows(self) -> int:
        """How many rows the run added."""
        summaries = [commit.summary for commit in self.commits if commit.summary is not None]
        return sum(int(summary.additional_properties.get("added-records", 0)) for summary in summaries)

    @property
    def version(self) -> int | None:
        """The run's last snapshot; the current one where it wrote none."""
        if self.commits:
            return self.commits[-1].snapshot_id
        current = self.table.current_snapshot()
        return None if current is None else current.snapshot_id

    @property
    def at(self) -> datetime:
        """When the run's last commit was made."""
        return datetime.fromtimestamp(self.commits[-1].timestamp_ms / 1000, UTC)

    def port(self, rows: int | None = None, columns: Columns | None = None) -> Port:
        """The table as a job read or wrote it."""
        return Port(self.dataset, self.fields, self.version, rows, columns)


@dataclass(frozen=True, slots=True)
class RunJobs:
    """The jobs of one run.

    Args:
        lake: The lake as the run left it.
        names: The names of its datasets.
        report: What the run did.
    """

    lake: Lake
    names: Names
    report: RunReport

    def all(self) -> Iterator[JobRun]:
        """Every job that had something to do, and the run itself."""
        yield self._run()
        for stream in self.report.streams.values():
            yield from self._ingest(stream)
            yield from self._refine(stream)
        yield from self._build()
        yield from self._publish()

    def _run(self) -> JobRun:
        report = self.report
        facts = {
            "logicalDate": str(report.logical_date), "status": report.status, "exitCode": report.exit_code,
            "release": report.gold.release,
        }  # fmt: skip
        error = "\n".join(report.problems) if report.exit_code else ""
        stopped = report.exit_code == STOPPED
        return JobRun("run", "run", report.started_at, self._end, error=error, stopped=stopped, facts=facts)

    def _ingest(self, stream: StreamReport) -> Iterator[JobRun]:
        if not stream.calls:
            return
        bronze = self._written(f"bronze.{stream.table}")
        error = "; ".join(f"{count} × {reason}" for reason, count in stream.problems.items())
        outputs = () if bronze is None else (bronze.port(bronze.rows),)
        ended = bronze.at if bronze is not None and bronze.commits else self._end
        facts = {"outcomes": stream.slices, "calls": stream.calls, "wireBytes": stream.wire_bytes}
        inputs = tuple(Port(origin(address)) for address in stream.origins)
        yield self._job("ingest", stream.table, ended, inputs, outputs, error, facts)

    def _refine(self, stream: StreamReport) -> Iterator[JobRun]:
        bronze, silver = self._written(f"bronze.{stream.table}"), self._written(f"silver.{stream.table}")
        if bronze is None or silver is None or not silver.commits:
            return
        consumed = state(silver.table, BOOKMARK)
        source = Port(bronze.dataset, bronze.fields, None if consumed is None else int(consumed))
        outputs = [silver.port(silver.rows, _refined(silver, bronze.dataset.label, stream.renames))]
        quarantine = self._written(f"quarantine.{stream.table}")
        if quarantine is not None:
            columns = {"bronze_ref": (Column(bronze.dataset.label, "response_id"),)}
            outputs.append(quarantine.port(stream.rejected, Columns(columns)))
        facts = {"bronzeSnapshot": consumed, "silverSnapshot": str(silver.version), "read": stream.read}
        yield self._job("refine", stream.table, silver.at, (source,), tuple(outputs), "", facts)

    def _build(self) -> Iterator[JobRun]:
        gold = self.report.gold
        labels = {source.relation: source.label for source in gold.sources}
        labels |= {model.relation: f"build.{model.name}" for model in gold.models}
        relations = {label: relation for relation, label in labels.items()}
        columns = {source.relation: source.columns for source in gold.sources}
        for model, query in queries(gold.models, columns):
            if model.status == "skipped":
                continue
            inputs = tuple(self._read(label, relations[label], model) for label in model.inputs)
            yield _built(self.names.built(model.name, model.relation, model.dialect), model, query, inputs, labels)

    def _publish(self) -> Iterator[JobRun]:
        releases = self.lake.releases()
        if not releases or self.report.gold.status not in {"published", "unchanged"}:
            return
        release = releases[0]
        made = {model.name: model for model in self.report.gold.models}
        for name in release.marts:
            if name in made:
                yield self._published(release, made[name])

    def _published(self, release: Release, model: Model) -> JobRun:
        mart = release.marts[model.name]
        gold = self._written(f"gold.{model.name}")
        assert gold is not None
        source = self.names.built(model.name, model.relation, model.dialect)
        columns = Columns({item.name: (Column(source.label, item.name),) for item in gold.fields})
        output = Port(gold.dataset, gold.fields, mart.snapshot_id, mart.rows, columns)
        facts = {
            "release": release.release_id,
            "silverSnapshots": {k: str(v) for k, v in release.silver_snapshots.items()},
        }
        ended = release.published_at if release.run_id == self.report.run_id else self._end
        return self._job("publish", model.name, ended, (Port(source),), (output,), "", facts)

    def _read(self, label: str, relation: tuple[str, str, str], model: Model) -> Port:
        """What a model read: a Silver table at its current snapshot, or what another model made."""
        zone, _, name = label.partition(".")
        table = self._written(label) if zone == "silver" else None
        return Port(self.names.built(name, relation, model.dialect)) if table is None else table.port()

    def _job(
        self,
        step: str,
        table: str,
        ended: datetime,
        inputs: tuple[Port, ...],
        outputs: tuple[Port, ...],
        error: str,
        facts: Mapping[str, object],
    ) -> JobRun:
        return JobRun(step, f"{step}.{table}", self.report.started_at, ended, inputs, outputs, error=error, facts=facts)

    @property
    def _end(self) -> datetime:
        return self.report.finished_at or self.report.started_at

    def _written(self, label: str) -> Written | None:
        table = find_table(self.lake.catalog, label)
        if table is None:
            return None
        own = [
            snapshot
            for snapshot in table.snapshots()
            if snapshot.summary is not None and snapshot.summary.additional_properties.get(RUN_ID) == self.report.run_id
        ]
        ordered = sorted(own, key=lambda snapshot: snapshot.sequence_number or 0)
        return Written(self.names.table(label), table, tuple(ordered))


def _refined(silver: Written, bronze: str, renames: Mapping[str, str]) -> Columns:
    """Every column comes out of the body, but for what the response itself tells."""
    vendor = {ours: theirs for theirs, ours in renames.items()}
    names = [item.name for item in silver.fields]
    direct = {name: (Column(bronze, _SYSTEM.get(name, "body")),) for name in names}
    return Columns(direct, note={name: vendor[name] for name in names if name in vendor})


def _built(
    dataset: Dataset,
    model: Model,
    query: Query | DataError,
    inputs: tuple[Port, ...],
    labels: Mapping[tuple[str, str, str], str],
) -> JobRun:
    failed = model.status != "success"
    columns = None if isinstance(query, DataError) else column_lineage(query, labels)
    fields = model.fields or tuple(Field(name) for name in (query.columns if isinstance(query, Query) else ()))
    return JobRun(
        "build",
        f"build.{model.name}",
        model.started_at,
        model.finished_at,
        inputs,
        () if failed else (Port(dataset, fields, None, model.rows, columns),),
        error=(model.message or model.status) if failed else "",
        sql=model.sql,
        dialect=model.dialect,
        facts={"model": model.name},
    )
