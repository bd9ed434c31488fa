"""The Glue catalog and the S3 that the endpoint itself works on: real ones or any that speak their protocols."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from pyarrow.fs import FileSystem, S3FileSystem
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table
from pyiceberg.typedef import EMPTY_DICT, Properties

REQUEST_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
"""Arrow's own limits, of 3 and 1 seconds, fail on a busy machine."""

_CONFIG: Final = Config(max_pool_connections=32, retries={"mode": "standard"})


class _FileIO(PyArrowFileIO):
    """One client of S3 for every table: to make one takes longer than to read a table's metadata."""

    def __init__(self, filesystem: S3FileSystem) -> None:
        super().__init__()

        def files(scheme: str, netloc: str | None = None) -> FileSystem:
            return filesystem

        self.fs_by_scheme = files


class IcebergCatalog(GlueCatalog):
    """The Iceberg tables of a Glue catalog.

    Args:
        glue: A boto3 client.
        filesystem: S3.
    """

    def __init__(self, glue: Any, filesystem: S3FileSystem) -> None:
        super().__init__("awsdatacatalog", client=glue)
        self._io = _FileIO(filesystem)

    def table(self, row: Any) -> Table:
        """The table of a row that Glue gave already."""
        return self._convert_glue_to_iceberg(row)

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        return self._io


@dataclass(frozen=True)
class Backend:
    """Where the catalog and the data are, and as whom they are used. Safe to share between threads.

    Args:
        endpoint: Address of S3, and of Glue unless that has its own; None is AWS.
        region: For example `us-east-1`.
        access_key: With `secret_key`; None takes what boto3 finds.
        secret_key: Never shown.
        session_token: Of temporary credentials. Never shown.
        glue_endpoint: Address of Glue where it differs from S3's.
    """

    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    glue_endpoint: str | None = None

    def client(self, service: str) -> Any:
        """A boto3 client of `glue`, `s3` or another service of the endpoint."""
        endpoint = self._glue if service == "glue" else self.endpoint
        return self._session.client(service, endpoint_url=endpoint, config=_CONFIG)

    @cached_property
    def glue(self) -> Any:
        """The shared boto3 client of Glue."""
        return self.client("glue")

    @cached_property
    def s3(self) -> Any:
        """The shared boto3 client of S3."""
        return self.client("s3")

    @cached_property
    def filesystem(self) -> S3FileSystem:
        """S3 as pyarrow reads and writes it; its paths are `bucket/key`."""
        where: dict[str, Any] = {}
        if self.endpoint is not None:
            address = urlsplit(self.endpoint)
            where = {"endpoint_override": address.netloc, "scheme": address.scheme, "force_virtual_addressing": False}
        return S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            session_token=self.session_token,
            region=self.region,
            request_timeout=REQUEST_SECONDS,
            connect_timeout=CONNECT_SECONDS,
            allow_delayed_open=True,  # a small file is then one request, not three
            **where,
        )

    @cached_property
    def catalog(self) -> IcebergCatalog:
        """The Iceberg tables of the Glue catalog."""
        return IcebergCatalog(self.glue, self.filesystem)

    @property
    def _glue(self) -> str | None:
        return self.glue_endpoint or self.endpoint

    @cached_property
    def _session(self) -> Any:
        return boto3.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.session_token,
            region_name=self.region,
        )
