"""A Spark session that sees a lake: the lake's Iceberg catalog under the name `finks`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

from finks.lake import Lake
from finks.lake.local_place import BUSY_SECONDS, DATABASE, LocalPlace

CATALOG: Final = "finks"
ICEBERG: Final = "org.apache.iceberg"


def lake_session(spark: SparkSession, lake: Lake, *, package: str = ICEBERG) -> SparkSession:
    """A session of its own on the same Spark, with the lake's catalog, in UTC. The given session is left as it is.

    Credentials for AWS come from the standard chain of its Java SDK, never through a setting.

    Args:
        spark: Any session whose Spark has Iceberg's runtime on its class path.
        package: The Java package under which Iceberg is found.
    """
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    for key, value in catalog_settings(lake, package).items():
        session.conf.set(f"spark.sql.catalog.{CATALOG}{key}", value)
    return session


def catalog_settings(lake: Lake, package: str = ICEBERG) -> Mapping[str, str]:
    """The settings that begin with `spark.sql.catalog.<name>`, by what follows, a dot included."""
    local = isinstance(lake.place, LocalPlace)
    return {
        "": f"{package}.spark.SparkCatalog",
        # A table is read as it is now, not as it was up to 30 seconds ago.
        ".cache-enabled": "false",
        **(_local(lake, package) if local else _on_aws(lake, package)),
    }


def _local(lake: Lake, package: str) -> Mapping[str, str]:
    database = Path(lake.place.address).resolve() / DATABASE
    return {
        ".catalog-impl": f"{package}.jdbc.JdbcCatalog",
        ".uri": f"jdbc:sqlite:{database}?busy_timeout={BUSY_SECONDS * 1000}",
        ".warehouse": lake.place.data,
        ".jdbc.schema-version": "V1",
        # Looking for the tables leaves a read transaction open, and SQLite would show the catalog of then for ever.
        ".jdbc.init-catalog-tables": "false",
    }


def _on_aws(lake: Lake, package: str) -> Mapping[str, str]:
    from finks.lake.aws import aws

    account = aws()
    endpoints = {
        f".{service}.endpoint": address for service in ("glue", "s3") if (address := account.endpoint(service))
    }
    return {
        ".catalog-impl": f"{package}.aws.glue.GlueCatalog",
        ".io-impl": f"{package}.aws.s3.S3FileIO",
        ".warehouse": lake.place.data,
        ".client.region": account.region,
        **endpoints,
        # An endpoint of one's own serves all buckets under one name.
        **({".s3.path-style-access": "true"} if ".s3.endpoint" in endpoints else {}),
    }


def spark_name(lake: Lake, identifier: str) -> str:
    """The name of a table of the lake in a session of `lake_session`.

    Args:
        identifier: Zone and table, for example `silver.fmp_daily_bars`.
    """
    database, table = lake.catalog.identifier_to_database_and_table(identifier)
    return f"{CATALOG}.{database}.{table}"
