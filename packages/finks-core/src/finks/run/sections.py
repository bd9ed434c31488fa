"""The sections of the settings: what each setting is, its default and its limits."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from finks.lake.athena import AthenaOptions
from finks.lake.place import LEASE_SECONDS, Place, place_of
from finks.lineage.index import TABLE
from finks.run.schedule.cron import check_cron, check_zone

EARLIEST = date(1900, 1, 1)
"""A logical date before this is a mistake; arithmetic with it could leave the calendar."""


class Section(BaseModel):
    """A table of the settings file: nothing in it that is not known, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S3Address = Annotated[str, StringConstraints(pattern=r"^s3://")]


HttpAddress = Annotated[str, StringConstraints(pattern=r"^https?://")]


class LakeSettings(Section):
    """Where the data lives. What begins with `database` or `lease` is for a lake on S3; AWS itself is set as usual."""

    path: S3Address | Path = Field(
        default=Path("lake"),
        description="The lake's directory, relative to the settings file; or s3://bucket/prefix, with Glue as catalog.",
    )
    database_prefix: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9_]*$",
        description="Stands before the zones' names in the names of the Glue databases; a lake remembers its own.",
    )
    lease_table: str | None = Field(
        default=None,
        pattern=r"^[a-zA-Z0-9_.-]{3,255}$",
        description="The DynamoDB table of leases; finks-leases for a new lake, which remembers it.",
    )
    lineage_table: str = Field(
        default=TABLE,
        pattern=r"^[a-zA-Z0-9_.-]{3,255}$",
        description="The DynamoDB table with the index of lineage, for a lake on S3.",
    )
    lease_seconds: float = Field(
        default=LEASE_SECONDS, ge=1, description="How long a run that died still holds a lake on S3."
    )

    def place(self) -> Place:
        """Where the lake is. Raises ConfigurationError."""
        return place_of(
            self.path,
            database_prefix=self.database_prefix,
            lease_table=self.lease_table,
            lease_seconds=self.lease_seconds,
        )


class ObserveSettings(Section):
    """What a run leaves to be looked at, beside its report."""

    environment: str = Field(
        default="dev",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Names the installation in traces and metrics.",
    )
    traces: Literal["none"] | HttpAddress | Path = Field(
        default="none",
        description="none, a file of spans as lines of JSON, or the full address of an OTLP endpoint.",
    )
    metrics: Literal["none", "emf", "cloudwatch"] = Field(
        default="none", description="Nowhere, lines of the embedded metric format on standard error, or CloudWatch."
    )
    logs: Literal["text", "json"] = Field(
        default="text", description="Progress as text, or every event and log record as a line of JSON."
    )


class RunSettings(Section):
    """How a run behaves."""

    logical_date: date | None = Field(
        default=None, ge=EARLIEST, description="The date that the run is for; today (UTC) when absent."
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Calls under way at once, per source.")
    batch_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Bytes of response bodies gathered before a Bronze commit."
    )
    batch_slices: int = Field(default=500, ge=1, description="Slices gathered before a Bronze commit.")
    max_rejected: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of a stream's records that may be rejected before Gold is held back.",
    )


class ScheduleSettings(Section):
    """When the nightly run is due, and for which day."""

    cron: Annotated[str, AfterValidator(check_cron)] = Field(
        default="30 20 * * *", description="When: five cron fields, in `zone`."
    )
    zone: Annotated[str, AfterValidator(check_zone)] = Field(
        default="America/New_York", description="The IANA time zone of `cron`, and of a day when there is no calendar."
    )
    calendar: str | None = Field(
        default=None,
        min_length=1,
        description="An exchange of exchange_calendars, whose sessions are the days that count, for example XNYS; "
        "every day counts when absent.",
    )

    @property
    def tzinfo(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


class BackupSettings(Section):
    """Where the lake is backed up to."""

    target: S3Address | Path | None = Field(
        default=None, description="A directory, or s3://bucket/prefix, for this lake's backups alone; none when absent."
    )
    keep: int = Field(default=7, ge=1, description="How many backups stay; each can be restored.")
    max_age_hours: float = Field(
        default=26, gt=0, description="Hours after which `finks doctor` warns that the newest backup is old."
    )


class RefineSettings(Section):
    """Where Bronze becomes Silver."""

    engine: Literal["process", "spark", "glue"] = Field(
        default="process", description="In the run's own process, in a Spark process beside it, or as an AWS Glue job."
    )
    command: tuple[str, ...] = Field(
        default=(), description="The words that start a Spark job here; this Python and finks.run.spark when absent."
    )
    glue_job: str | None = Field(default=None, min_length=1, description="The name of the Glue job.")
    timeout: float = Field(default=7200, gt=0, description="Seconds after which a Spark or Glue job is ended.")
    poll: float = Field(default=15, gt=0, description="The most seconds between two looks at a Spark or Glue job.")


class BackfillSettings(Section):
    """What a backfill leaves alone."""

    reserve: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the vendor's daily calls that a backfill leaves, besides those that the nightly run "
        "still needs.",
    )


class GoldSettings(Section):
    """How Silver becomes Gold."""

    project: Path | None = Field(default=None, description="The dbt project; the one that finks ships when absent.")
    enabled: bool = Field(default=True, description="Whether a run builds and publishes Gold.")
    engine: Literal["duckdb", "athena"] = Field(
        default="duckdb", description="What runs the dbt project's SQL. Athena needs a lake on S3."
    )
    timeout: float = Field(default=1800, gt=0, description="Seconds after which a dbt build is ended.")
    runner: Literal["process", "ecs"] = Field(
        default="process", description="Whether Gold is built beside the run, or in a task on ECS."
    )


class EcsSettings(Section):
    """The task on ECS that builds Gold."""

    cluster: str = Field(default="default", min_length=1, description="The cluster.")
    task_definition: str | None = Field(
        default=None, min_length=1, description="The task definition, with or without its revision."
    )
    container: str = Field(default="finks", min_length=1, description="Its container whose command is `finks`.")
    launch_type: Literal["FARGATE", "EC2"] = Field(default="FARGATE", description="What the task runs on.")
    subnets: tuple[str, ...] = Field(default=(), description="The subnets that it may run in.")
    security_groups: tuple[str, ...] = Field(default=(), description="Its security groups; the VPC's if absent.")
    public_ip: bool = Field(default=False, description="Whether it gets a public address.")
    timeout: float = Field(
        default=3600, gt=0, description="Seconds after which the task is ended; its start counts, unlike gold.timeout."
    )
    poll: float = Field(default=10, gt=0, description="The most seconds between two looks at it.")


class LineageSettings(Section):
    """What is told of where data came from."""

    enabled: bool | None = Field(
        default=None, description="Whether a run tells its lineage; absent: when the extra `lineage` is installed."
    )
    url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = Field(
        default=None, description="An OpenLineage HTTP endpoint, for example Marquez, that gets every event too."
    )


class AthenaSettings(Section):
    """How queries run on Athena, for a lake on S3."""

    workgroup: str = Field(default="primary", min_length=1, description="The workgroup of queries and of Gold's build.")
    output: S3Address | None = Field(
        default=None, description="s3://bucket/prefix for results; `athena/` below the lake's address when absent."
    )
    max_bytes: int | None = Field(
        default=None,
        ge=1,
        description="The most bytes that one query may scan; the workgroup's cap if absent.",
    )
    timeout: float = Field(default=1800, gt=0, description="Seconds after which a query is stopped.")

    def options(self) -> AthenaOptions:
        """The same for `Lake.open`."""
        return AthenaOptions(**self.model_dump())
