"""OpenLineage events of a run, made of what is known after it. Pure; the standard's classes check what they are given.

Every job gives a START and a COMPLETE, FAIL or ABORT. All of one run carry ids that follow from the run's id and the
job's name, so the same run told twice gives the same events.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TypeVar

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    RunFacet,
    column_lineage_dataset,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    sql_job,
    symlinks_dataset,
)
from openlineage.client.serde import Serde

from finks.lineage.model import Column, Columns, Dataset, JobRun, Port

PRODUCER = f"pkg:pypi/finks-core@{version('finks-core')}"
"""Who tells: a package URL, which is a URI, as the specification asks for."""

TABLE = "TABLE"
RUN = "run"
"""The job of the run itself: the parent of all others."""

DIRECT = "DIRECT"
INDIRECT = "INDIRECT"

RawEvent = dict[str, Any]
T = TypeVar("T")


@attr.define
class FinksRunFacet(RunFacet):
    """What only finks knows of a job's run."""

    lake: str
    traceparent: str | None = attr.field(default=None)
    """W3C trace context of the run."""

    facts: dict[str, Any] = attr.field(factory=dict)
    """Snapshots, the release, the logical date: see docs/lineage.md."""

    @staticmethod
    def _get_schema() -> str:
        return f"{PRODUCER}#/FinksRunFacet"


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all events of one run have in common.

    Attributes:
        run_id: The run's id, a UUID.
        lake: The lake as a URI: the namespace of its jobs.
        traceparent: W3C trace context; empty when nothing traces.
    """

    run_id: str
    lake: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class StepEvents:
    """The events of one step of a run, in order."""

    step: str
    events: list[RawEvent] = field(default_factory=list)


def events_of(context: RunContext, jobs: Iterable[JobRun]) -> list[StepEvents]:
    """The events of a run's jobs, step by step."""
    steps: dict[str, StepEvents] = {}
    for job in jobs:
        told = steps.setdefault(job.step, StepEvents(job.step)).events
        told += [Serde.to_dict(event) for event in _events(context, job)]
    return list(steps.values())


def job_run_id(run_id: str, job: str) -> str:
    """The OpenLineage run id of a job: the run's own for the run, else one that follows from it and the name."""
    return run_id if job == RUN else str(uuid.uuid5(uuid.UUID(run_id), job))


def _facet(kind: Callable[..., T], *values: object) -> T:
    """A facet that says who made it."""
    return kind(*values, producer=PRODUCER)


def _events(context: RunContext, job: JobRun) -> Iterator[RunEvent]:
    run_facets: dict[str, RunFacet] = {
        "finks": _facet(FinksRunFacet, context.lake, context.traceparent or None, dict(job.facts))
    }
    if job.name != RUN:
        run_facets["parent"] = _facet(
            parent_run.ParentRunFacet, parent_run.Run(context.run_id), parent_run.Job(context.lake, RUN)
        )
    job_facets: dict[str, JobFacet] = {
        "jobType": _facet(job_type_job.JobTypeJobFacet, "BATCH", "FINKS", job.step.upper())
    }
    if job.sql:
        job_facets["sql"] = _facet(sql_job.SQLJobFacet, job.sql, job.dialect)
    run_id = job_run_id(context.run_id, job.name)
    yield RunEvent(
        eventType=RunState.START,
        eventTime=job.started_at.isoformat(),
        run=Run(run_id, run_facets),
        job=Job(context.lake, job.name, {"jobType": job_facets["jobType"]}),
        producer=PRODUCER,
    )
    labels = {port.dataset.label: port.dataset for port in job.inputs}
    if job.error:
        failure = _facet(error_message_run.ErrorMessageRunFacet, job.error, "Python")
        run_facets = {**run_facets, "errorMessage": failure}
    yield RunEvent(
        eventType=_end(job),
        eventTime=job.finished_at.isoformat(),
        run=Run(run_id, run_facets),
        job=Job(context.lake, job.name, job_facets),
        inputs=[_input(context, port) for port in job.inputs],
        outputs=[_output(context, port, labels) for port in job.outputs],
        producer=PRODUCER,
    )


def _end(job: JobRun) -> RunState:
    if job.stopped:
        return RunState.ABORT
    return RunState.FAIL if job.error else RunState.COMPLETE


def _input(context: RunContext, port: Port) -> InputDataset:
    dataset = InputDataset(port.dataset.namespace, port.dataset.name, facets=_facets(context, port))
    if port.rows is not None:
        statistics = _facet(input_statistics_input_dataset.InputStatisticsInputDatasetFacet, port.rows)
        dataset.inputFacets = {"inputStatistics": statistics}
    return dataset


def _output(context: RunContext, port: Port, inputs: Mapping[str, Dataset]) -> OutputDataset:
    facets = _facets(context, port)
    if port.columns is not None:
        facets["columnLineage"] = _column_lineage(port.columns, inputs)
    dataset = OutputDataset(port.dataset.namespace, port.dataset.name, facets=facets)
    if port.rows is not None:
        statistics = _facet(output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet, port.rows)
        dataset.outputFacets = {"outputStatistics": statistics}
    return dataset


def _facets(context: RunContext, port: Port) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {}
    if port.fields:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(item.name, item.type or None, item.description or None)
            for item in port.fields
        ]
        facets["schema"] = _facet(schema_dataset.SchemaDatasetFacet, fields)
    if port.version is not None:
        facets["version"] = _facet(dataset_version_dataset.DatasetVersionDatasetFacet, str(port.version))
    names = [(context.lake, port.dataset.label)] if _has_own_label(port.dataset) else []
    names += [port.dataset.glue] if port.dataset.glue else []
    if names:
        symlinks = [symlinks_dataset.Identifier(namespace, name, TABLE) for namespace, name in names]
        facets["symlinks"] = _facet(symlinks_dataset.SymlinksDatasetFacet, symlinks)
    return facets


def _has_own_label(dataset: Dataset) -> bool:
    """Whether the lake names it: a vendor's address is its own name."""
    return "://" not in dataset.label


def _column_lineage(
    columns: Columns, inputs: Mapping[str, Dataset]
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    def inputs_of(found: Iterable[Column], kind: str, note: str = "") -> list[column_lineage_dataset.InputField]:
        return [
            column_lineage_dataset.InputField(
                inputs[column.dataset].namespace,
                inputs[column.dataset].name,
                column.name,
                [column_lineage_dataset.Transformation(kind, description=note or None)],
            )
            for column in found
            if column.dataset in inputs
        ]

    fields = {
        name: column_lineage_dataset.Fields(inputs_of(found, DIRECT, columns.note.get(name, "")))
        for name, found in columns.direct.items()
    }
    return _facet(column_lineage_dataset.ColumnLineageDatasetFacet, fields, inputs_of(columns.indirect, INDIRECT))
