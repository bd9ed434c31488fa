"""A lake on S3 and the Glue Data Catalog: its marker is an object, its lease is an item in DynamoDB."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyiceberg.catalog import Catalog

from finks.errors import ConfigurationError
from finks.lake.aws import Aws, aws
from finks.lake.aws_errors import told
from finks.lake.catalog import NAMESPACES
from finks.lake.lease import Holder
from finks.lake.place import MARKER, made_elsewhere, no_lake, not_empty, read_marker, write_marker

if TYPE_CHECKING:
    import duckdb

    from finks.lake.dynamo_lease import DynamoLease

LEASE_TABLE: Final = "finks-leases"


class S3Place:
    """A prefix in a bucket.

    Args:
        address: `s3://bucket/prefix`, without a slash at its end.
        database_prefix, lease_table: See `place_of`.
        lease_seconds: How long a lease lasts that is not renewed.
    """

    def __init__(
        self, address: str, database_prefix: str | None, lease_table: str | None, lease_seconds: float
    ) -> None:
        self._address = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._wanted = {"database_prefix": database_prefix, "lease_table": lease_table}
        self._lease_seconds = lease_seconds
        self._aws: Aws = aws()

    @property
    def address(self) -> str:
        """`s3://bucket/prefix`."""
        return self._address

    @property
    def data(self) -> str:
        """The prefix itself: the zones are below it."""
        return self._address

    def is_free(self) -> bool:
        """See `Place`."""
        with told():
            if self._marker() is not None:
                return False
            self._check_free()
            return True

    def open(self, *, create: bool = False) -> Catalog:
        """See `Place`."""
        from finks.lake.glue import ZoneCatalog

        with told():
            marker = self._marker()
            if marker is None:
                if not create:
                    raise no_lake(self._address, f"a prefix with {MARKER}", "nothing")
                marker = self._create()
            return ZoneCatalog(self._aws, self._address, marker["database_prefix"])

    @contextmanager
    def hold(self, catalog: Catalog, *, run_id: str, command: str, clock: Callable[[], datetime]) -> Generator[Holder]:
        """See `Place`."""
        from finks.lake.glue import ZoneCatalog

        assert isinstance(catalog, ZoneCatalog)
        with (
            self._lease().hold(run_id=run_id, command=command, clock=clock) as (holder, check),
            catalog.guarded(check),
        ):
            yield holder

    @contextmanager
    def join(self, catalog: Catalog, *, run_id: str) -> Generator[Holder]:
        """See `Place`."""
        from finks.lake.glue import ZoneCatalog

        assert isinstance(catalog, ZoneCatalog)
        holder, check = self._lease().join(run_id)
        with catalog.guarded(check):
            yield holder

    def holder(self) -> Holder | None:
        """See `Place`."""
        return self._lease().current()

    def orphan(self) -> Holder | None:
        """See `Place`."""
        return self._lease().orphan()

    def keep(self, name: str, text: str) -> None:
        """See `Place`. An object appears whole or not at all."""
        with told():
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=text.encode())

    def kept(self, name: str) -> str | None:
        """See `Place`."""
        with told():
            content = self._read(name)
            return None if content is None else content.decode()

    def kept_names(self, prefix: str) -> list[str]:
        """See `Place`."""
        with told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(prefix)
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            return sorted(key[len(self._key("")) :] for key in keys)

    @property
    def apart(self) -> tuple[str, ...]:
        """See `Place`."""
        return (*(f"{zone}/" for zone in NAMESPACES), "athena/")

    @contextmanager
    def rebuild(self, marker: str, *, run_id: str, command: str, clock: Callable[[], datetime]) -> Generator[Catalog]:
        """See `Place`."""
        from finks.lake.dynamo_lease import DynamoLease
        from finks.lake.glue import ZoneCatalog

        made = read_marker(marker, self._address)
        lease = DynamoLease(self._aws.client("dynamodb"), made["lease_table"], self._address, self._lease_seconds)
        with told(), lease.hold(run_id=run_id, command=command, clock=clock) as (_, check):
            for zone in NAMESPACES:
                self._claim(f"{made['database_prefix']}{zone}", f"{self._address}/{zone}")
            catalog = ZoneCatalog(self._aws, self._address, made["database_prefix"])
            catalog.guard = check
            yield catalog
            check()
            self.keep(MARKER, marker)

    @contextmanager
    def scratch(self, run_id: str) -> Generator[Path]:
        """See `Place`. Every build has a temporary directory of its own, which goes with it."""
        with tempfile.TemporaryDirectory(prefix="finks-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """See `Place`."""
        from finks.lake.s3_files import SCHEME, LakeFiles

        if not connection.filesystem_is_registered(SCHEME):
            connection.register_filesystem(LakeFiles(self._aws, self._address))

    def file(self, location: str) -> str:
        """See `Place`."""
        from finks.lake.s3_files import SCHEME

        return f"{SCHEME}://{location.removeprefix('s3://')}"

    @property
    def _client(self) -> Any:
        return self._aws.client("s3")

    def _read(self, name: str) -> bytes | None:
        client = self._client  # before `try`: an error of making it would be raised a second time by `except`
        try:
            return client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()
        except client.exceptions.NoSuchKey:
            return None

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _lease(self) -> DynamoLease:
        from finks.lake.dynamo_lease import DynamoLease

        with told():
            marker = self._marker()
            table = marker["lease_table"] if marker is not None else self._wanted["lease_table"] or LEASE_TABLE
            return DynamoLease(self._aws.client("dynamodb"), table, self._address, self._lease_seconds)

    def _marker(self) -> dict[str, Any] | None:
        content = self._read(MARKER)
        if content is None:
            return None
        marker = read_marker(content.decode(errors="replace"), f"{self._address}/{MARKER}")
        if marker["location"] != self._address:
            raise made_elsewhere(marker["location"], self._address, "Open the original, or fill a new lake.")
        for name, wanted in self._wanted.items():
            if wanted is not None and marker[name] != wanted:
                raise ConfigurationError(
                    "The lake was made with another setting.",
                    where=f"lake.{name}",
                    expected=repr(marker[name]),
                    got=repr(wanted),
                    hint="Leave the setting out: a lake remembers it.",
                )
        return marker

    def _check_free(self) -> None:
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._key(""), MaxKeys=1).get("Contents", [])
        if found:
            raise not_empty(self._address, "an empty prefix", found[0]["Key"])

    def _create(self) -> dict[str, Any]:
        """The databases first, then the marker: whoever finds a marker finds a whole lake."""
        self._check_free()
        prefix = self._wanted["database_prefix"] or ""
        for zone in NAMESPACES:
            self._claim(f"{prefix}{zone}", f"{self._address}/{zone}")
        text = write_marker(
            self._address, database_prefix=prefix, lease_table=self._wanted["lease_table"] or LEASE_TABLE
        )
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._key(MARKER), Body=text.encode(), IfNoneMatch="*")
        except self._client.exceptions.ClientError as error:
            # Another process made the lake at the same moment, or our own first answer was lost.
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
        marker = self._marker()
        assert marker is not None
        return marker

    def _claim(self, database: str, location: str) -> None:
        """Make a Glue database whose tables are at `location`; an existing one must be there already."""
        glue = self._aws.client("glue")
        try:
            glue.create_database(DatabaseInput={"Name": database, "LocationUri": location})
        except glue.exceptions.AlreadyExistsException:
            found = glue.get_database(Name=database)["Database"].get("LocationUri", "")
            if found.rstrip("/") != location:
                raise ConfigurationError(
                    "A Glue database of this name belongs to something else.",
                    where=f"Glue database {database}",
                    expected=location,
                    got=found or "a database without a location",
                    hint="Set lake.database_prefix, so that this lake has databases of its own.",
                ) from None
