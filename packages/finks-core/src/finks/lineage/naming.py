"""The names of datasets, as OpenLineage's naming specification has them (openlineage.io/docs/spec/naming).

A table is named by where its files are: `file` and a path, or `s3://bucket` and a key. On S3 its name in the Glue Data
Catalog stands beside it. What a dbt build makes on its way is named by the engine: `duckdb://<lake>`, or
`awsathena://athena.<region>.amazonaws.com`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from finks.errors import FinksError
from finks.lake import Lake
from finks.lake.catalog import NAMESPACES
from finks.lineage.model import Dataset

BUILD = "build"
"""The zone of what a dbt build makes on its way to the marts."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one lake's datasets.

    Args:
        address: The lake's directory, or `s3://bucket/prefix`.
        data: The location below which its tables are.
        databases: On S3, zone to its Glue database.
        region, account: On S3, of the Glue Data Catalog; the account is empty when it is not known.
    """

    address: str
    data: str
    databases: Mapping[str, str]
    region: str = ""
    account: str = ""

    @property
    def lake(self) -> str:
        """The lake as a URI: the namespace of its jobs and of the names that finks gives."""
        return self.address if self.address.startswith("s3://") else Path(self.address).resolve().as_uri()

    def table(self, label: str) -> Dataset:
        """A table of the lake, for example `silver.fmp_daily_bars`."""
        zone, _, name = label.partition(".")
        namespace, root = _split(self.data)
        glue = None
        if self.account and zone in self.databases:
            glue = (f"arn:aws:glue:{self.region}:{self.account}", f"table/{self.databases[zone]}/{name}")
        return Dataset(namespace, f"{root}/{zone}/{name}" if root else f"{zone}/{name}", label, glue)

    def built(self, name: str, relation: tuple[str, str, str], dialect: str) -> Dataset:
        """A relation that a dbt build makes.

        Args:
            name: The model's name.
            relation: Database, schema and name.
            dialect: `duckdb` or `athena`.
        """
        engine = (
            f"awsathena://athena.{self.region}.amazonaws.com" if dialect == "athena" else f"duckdb://{self.address}"
        )
        return Dataset(engine, ".".join(relation), f"{BUILD}.{name}")


def names_of(lake: Lake) -> Names:
    """The names of a lake's datasets."""
    from finks.lake.glue import ZoneCatalog

    if not isinstance(lake.catalog, ZoneCatalog):
        return Names(lake.place.address, lake.place.data, {})
    from finks.lake.aws import aws

    databases = {zone: lake.catalog.database(zone) for zone in NAMESPACES}
    return Names(lake.place.address, lake.place.data, databases, aws().region, _account())


def _account() -> str:
    """The account's number; empty where nobody tells it, and then no Glue name is given."""
    from finks.lake.aws import aws
    from finks.lake.aws_errors import told

    try:
        with told():
            return aws().client("sts").get_caller_identity()["Account"]
    except FinksError:
        return ""


def origin(address: str) -> Dataset:
    """The dataset at a vendor's address: `https://host` and the path, or `file` and the path of a file."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        path = unquote(parts.path)
        return Dataset("file", path, f"file://{path}")
    return Dataset(f"{parts.scheme}://{parts.netloc}", parts.path or "/", address)


def _split(location: str) -> tuple[str, str]:
    """Namespace and name of a location."""
    if not location.startswith("s3://"):
        return "file", location.rstrip("/")
    bucket, _, key = location.removeprefix("s3://").rstrip("/").partition("/")
    return f"s3://{bucket}", key
