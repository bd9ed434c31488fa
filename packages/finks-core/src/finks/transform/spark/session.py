"""A Spark session that sees a lake: the lake's Iceberg catalog under the name that finks gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pyiceberg.catalog import Catalog
from pyspark.sql import SparkSession

from finks.lake import Lake
from finks.lake.catalog import BUSY_SECONDS, DATABASE, WAREHOUSE

CATALOG: Final = "finks"
ICEBERG: Final = "org.apache.iceberg"


def lake_session(spark: SparkSession, lake: Lake, *, package: str = ICEBERG) -> SparkSession:
    """A session of its own on the same Spark, with the lake's catalog, in UTC. The given session is left as it is.

    Args:
        spark: Any session whose Spark has Iceberg's runtime on its class path.
        package: The Java package under which Iceberg is found.
    """
    session = spark.newSession()
    settings = {
        "spark.sql.session.timeZone": "UTC",
        **{f"spark.sql.catalog.{CATALOG}{key}": value for key, value in catalog_settings(lake, package).items()},
    }
    for key, value in settings.items():
        session.conf.set(key, value)
    return session


def catalog_settings(lake: Lake, package: str = ICEBERG) -> Mapping[str, str]:
    """The settings below `spark.sql.catalog.<name>`, the dot included."""
    assert lake.path is not None
    return {
        "": f"{package}.spark.SparkCatalog",
        # A table is read as it is now, not as it was up to 30 seconds ago.
        ".cache-enabled": "false",
        **_local(lake.path, package),
    }


def _local(path: Path, package: str) -> Mapping[str, str]:
    root = path.resolve()
    return {
        ".catalog-impl": f"{package}.jdbc.JdbcCatalog",
        ".uri": f"jdbc:sqlite:{root / DATABASE}?busy_timeout={BUSY_SECONDS * 1000}",
        ".warehouse": str(root / WAREHOUSE),
        ".jdbc.schema-version": "V1",
        # Looking for the tables leaves a read transaction open, and SQLite would show the catalog of then for ever.
        ".jdbc.init-catalog-tables": "false",
    }


def spark_name(catalog: Catalog, identifier: str) -> str:
    """The name of a table of the lake in a session of `lake_session`."""
    return f"{CATALOG}.{identifier}"
