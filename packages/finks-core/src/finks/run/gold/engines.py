"""What can run the dbt project's SQL: DuckDB in dbt's own process, or Athena on a lake on S3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.settings import Settings

BUILD_DATABASE = "finks"
"""Where a build writes: this schema or Glue database, and those of the layers, which add `_<layer>` to its name."""


class GoldEngine(Protocol):
    """What a dbt build requires of its engine."""

    @property
    def extra(self) -> str:
        """The extra of finks-core that brings the dbt adapter."""
        ...

    def environment(self, scratch: Path) -> Mapping[str, str]:
        """The variables that the project's profile reads.

        Args:
            scratch: The build's own directory.
        """
        ...

    @property
    def silver(self) -> str:
        """The schema or Glue database of the Silver tables."""
        ...

    def read(self, scratch: Path, schema: str, name: str) -> pa.Table:
        """A table that a finished build made. Text is `string`, whichever engine made it: a release compares types."""
        ...


class DuckDbEngine:
    """DuckDB over the lake's files, wherever they are; the build is a file in the scratch directory."""

    extra = "gold"
    silver = "silver"

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def environment(self, scratch: Path) -> Mapping[str, str]:
        """See `GoldEngine`."""
        return {
            "FINKS_GOLD_ENGINE": "duckdb",
            "FINKS_LAKE": self._lake.place.address,
            "FINKS_GOLD_DATABASE": str(_database(scratch)),
        }

    def read(self, scratch: Path, schema: str, name: str) -> pa.Table:
        """See `GoldEngine`."""
        import duckdb

        with duckdb.connect(str(_database(scratch)), read_only=True) as connection:
            return connection.table(f'"{schema}"."{name}"').to_arrow_table()


class AthenaEngine:
    """Athena over the lake's Glue databases; the build is in databases beside them, its files in the lake's prefix.

    Args:
        lake: A lake on S3.
        workgroup: Athena's workgroup.

    Raises:
        ConfigurationError: The lake is not on S3.
    """

    extra = "athena"

    def __init__(self, lake: Lake, workgroup: str) -> None:
        from finks.lake.glue import ZoneCatalog

        if not isinstance(lake.catalog, ZoneCatalog):
            raise ConfigurationError(
                "Athena reads only a lake on S3.",
                where="gold.engine",
                expected="lake.path = s3://bucket/prefix",
                got=f"lake.path = {lake.place.address}",
                hint='Set gold.engine = "duckdb", or move to a lake on S3.',
            )
        self._lake = lake
        self._catalog = lake.catalog
        self._workgroup = workgroup
        self.silver = lake.catalog.database("silver")

    def environment(self, scratch: Path) -> Mapping[str, str]:
        """See `GoldEngine`."""
        from finks.lake.aws import aws

        return {
            "FINKS_GOLD_ENGINE": "athena",
            "FINKS_GOLD_SCHEMA": f"{self.silver.removesuffix('silver')}{BUILD_DATABASE}",
            "FINKS_ATHENA_WORK_GROUP": self._workgroup,
            "FINKS_ATHENA_RESULTS": f"{self._lake.place.address}/athena/results/",
            "FINKS_ATHENA_TABLES": f"{self._lake.place.address}/athena/tables/",
            "AWS_REGION": aws().region,
        }

    def read(self, scratch: Path, schema: str, name: str) -> pa.Table:
        """See `GoldEngine`. From the files of the Iceberg table, not from a query's result: the types are exact."""
        rows = self._catalog.load_table((schema, name)).scan().to_arrow()
        fields = [pa.field(item.name, _narrow(item.type)) for item in rows.schema]
        return rows.cast(pa.schema(fields))


def gold_engine(lake: Lake, settings: Settings) -> GoldEngine:
    """The engine that the settings choose.

    Raises:
        ConfigurationError: It cannot read a lake of this kind.
    """
    if settings.gold.engine == "athena":
        return AthenaEngine(lake, settings.athena.workgroup)
    return DuckDbEngine(lake)


def _database(scratch: Path) -> Path:
    return scratch / "gold.duckdb"


def _narrow(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind
