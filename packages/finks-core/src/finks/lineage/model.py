"""What is known of one job of one run, before it becomes OpenLineage events; and the edges that an index keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset under the name that OpenLineage's naming specification gives it.

    Attributes:
        namespace, name: As in OpenLineage: `s3://bucket` and a key, `file` and a path, `https://host` and a path.
        label: What finks calls it, for example `silver.fmp_daily_bars`; the address itself for a vendor's.
        glue: Its second name in the Glue Data Catalog, namespace and name; empty where it has none.
    """

    namespace: str
    name: str
    label: str
    glue: tuple[str, str] | None = None


class Column(NamedTuple):
    """One column of a dataset, by the dataset's label."""

    dataset: str
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One column in the schema of a dataset."""

    name: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of the inputs made a column of an output.

    Attributes:
        direct: Per output column the input columns that its value is computed from.
        indirect: The input columns that decide which rows there are: of filters, joins and groups.
        note: Per output column what was done, where one word says it.
    """

    direct: Mapping[str, tuple[Column, ...]]
    indirect: tuple[Column, ...] = ()
    note: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Port:
    """A dataset as one job read or wrote it.

    Attributes:
        version: The Iceberg snapshot that was read, or the last one written; None when it has none.
        rows: How many rows were read or written; None when it is not known.
        columns: Of an output, where its columns come from.
    """

    dataset: Dataset
    fields: tuple[Field, ...] = ()
    version: int | None = None
    rows: int | None = None
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class JobRun:
    """One job of one run.

    Attributes:
        step: The step that it is part of: `ingest`, `refine`, `build`, `publish`, or `run` for the run itself.
        name: Unique within the lake, for example `refine.fmp_daily_bars`.
        error: Why it failed; empty when it did not.
        stopped: It ended early because it was asked to.
        sql, dialect: The statement that it ran, if it is one.
        facts: What only finks knows: snapshots, the release, the logical date.
    """

    step: str
    name: str
    started_at: datetime
    finished_at: datetime
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    error: str = ""
    stopped: bool = False
    sql: str = ""
    dialect: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a dbt project reads and does not make.

    Attributes:
        label: `silver.<table>`.
        relation: Database, schema and name by which queries name it.
        columns: Those that the project declares.
    """

    label: str
    relation: tuple[str, str, str]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """What a dbt build made of one model, as its artifacts tell it.

    Attributes:
        name: The model's name.
        relation: Database, schema and name of what it made.
        inputs: Labels of what it reads: `silver.<table>`, or `build.<model>`.
        sql: The compiled query.
        dialect: The adapter: `duckdb` or `athena`.
        status: As dbt says it: `success`, `error`, `skipped`.
        rows: How many rows it wrote; None when the engine does not say.
    """

    name: str
    relation: tuple[str, str, str]
    inputs: tuple[str, ...]
    fields: tuple[Field, ...]
    sql: str
    dialect: str
    status: str
    message: str
    started_at: datetime
    finished_at: datetime
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` had a part in `target`, through a job.

    Attributes:
        source, target: Labels of datasets.
        run_id, at: The last run in which the job did so, and when it ended.
        columns: Per column of the target the columns of the source that its value comes from; None when that is
            not known.
    """

    source: str
    target: str
    job: str
    run_id: str
    at: datetime
    columns: Mapping[str, tuple[str, ...]] | None = None
