"""Where a lake is: a directory or a prefix in S3. A place owns the marker, the catalog, the lease and the reports.

`place_of` is the only function that tells the two kinds apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from pyiceberg.catalog import Catalog

from finks.errors import ConfigurationError
from finks.lake.lease import Holder

if TYPE_CHECKING:
    import duckdb

FORMAT: Final = 1
MARKER: Final = "lake.json"
LEASE_SECONDS: Final = 60.0

_SCHEME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_S3: Final = re.compile(r"^s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[^/]+)*/?$")


class Place(Protocol):
    """What a lake requires of the place that holds it."""

    @property
    def address(self) -> str:
        """The directory, or `s3://bucket/prefix`."""
        ...

    def is_free(self) -> bool:
        """Whether there is no lake, and one can be made.

        Raises:
            ConfigurationError: The place holds something else.
        """
        ...

    def open(self, *, create: bool = False) -> Catalog:
        """The catalog of the lake.

        Args:
            create: Make the lake when the place is free.

        Raises:
            ConfigurationError: There is no lake (and `create` is false), the place holds something else, the lake
                was copied or moved there, is damaged, or a newer finks wrote it.
        """
        ...

    def hold(
        self, catalog: Catalog, *, run_id: str, command: str, clock: Callable[[], datetime]
    ) -> AbstractContextManager[Holder]:
        """Hold the lake, one run at a time, for the length of a `with` block.

        Args:
            catalog: The lake's catalog; it commits nothing once the lease is lost.
            command: What the user typed, without secrets.
            clock: The time, aware, in UTC.

        Raises:
            LakeBusyError: Another run holds it; the error says who and since when.
        """
        ...

    def join(self, catalog: Catalog, *, run_id: str) -> AbstractContextManager[Holder]:
        """Work on the lake as a part of the run that holds it, for the length of a `with` block.

        Args:
            catalog: The lake's catalog; it commits nothing once the run does not hold the lake any more.
            run_id: The run that holds the lake, in another process.

        Raises:
            LakeBusyError: Another run holds it; the error says who and since when.
            LeaseLostError: No run holds it.
        """
        ...

    def holder(self) -> Holder | None:
        """Who holds the lake now; None when nobody does."""
        ...

    def orphan(self) -> Holder | None:
        """Who held the lake last and died without letting go; None when nobody did, or somebody holds it now."""
        ...

    def keep(self, name: str, text: str) -> None:
        """Write a small file of the lake, whole or not at all, for example `runs/<run id>.json`."""
        ...

    def kept(self, name: str) -> str | None:
        """The text of a small file of the lake; None when there is none."""
        ...

    def kept_names(self, prefix: str) -> list[str]:
        """The names of the lake's small files that begin with `prefix`, for example `runs/`, in order."""
        ...

    @property
    def apart(self) -> tuple[str, ...]:
        """How the names of what is no small file of the lake begin: its tables, its catalog, its lock, builds."""
        ...

    def rebuild(
        self, marker: str, *, run_id: str, command: str, clock: Callable[[], datetime]
    ) -> AbstractContextManager[Catalog]:
        """Hold the place for the length of a `with` block, and yield a catalog that takes tables.

        When the block ends well, the catalog is the lake's, and the lake has this marker. In a directory it is a new
        catalog until then; on S3 the databases are those of the marker, and what is done to them is done.

        Args:
            marker: The text of the lake's marker.
            command: What the user typed, without secrets.
            clock: The time, aware, in UTC.

        Raises:
            LakeBusyError: A run holds the lake.
        """
        ...

    def scratch(self, run_id: str) -> AbstractContextManager[Path]:
        """A local directory for one run's build. What is left of earlier builds in the same place is removed."""
        ...

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB open the lake's data files."""
        ...

    def file(self, location: str) -> str:
        """The name by which an attached DuckDB opens a data file, or a folder of them."""
        ...

    @property
    def data(self) -> str:
        """The location below which all data files are."""
        ...


def place_of(
    address: str | Path,
    *,
    database_prefix: str | None = None,
    lease_table: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Place:
    """The place at an address.

    Args:
        address: A directory, or `s3://bucket/prefix` for a lake on S3 with the Glue Data Catalog.
        database_prefix: On S3, what stands before a zone's name in the name of its Glue database. A lake remembers
            its own; None takes that, and no prefix for a new lake.
        lease_table: On S3, the DynamoDB table of leases; None as for `database_prefix`.
        lease_seconds: On S3, how long a run that died holds the lake.

    Raises:
        ConfigurationError: The address is neither a directory's nor one in S3.
        MissingExtraError: The address is in S3, and boto3 is not installed.
    """
    text = str(address)
    if isinstance(address, str) and _S3.match(text):
        from finks.lake.s3_place import S3Place

        return S3Place(text.rstrip("/"), database_prefix, lease_table, lease_seconds)
    if _SCHEME.match(text):
        raise ConfigurationError(
            "This address cannot hold a lake.",
            where="lake.path",
            expected="a directory, or s3://bucket/prefix in small letters",
            got=text,
        )
    from finks.lake.local_place import LocalPlace

    return LocalPlace(Path(address))


def no_lake(address: str, expected: str, got: str) -> ConfigurationError:
    """The error for a place without a lake."""
    return ConfigurationError(
        "There is no lake here.",
        where=address,
        expected=expected,
        got=got,
        hint="Run `finks demo` or `finks run` to make one, or correct the path.",
    )


def not_empty(address: str, expected: str, got: str) -> ConfigurationError:
    """The error for a place that holds something else."""
    return ConfigurationError(
        "The path is not a lake and is not empty.",
        where=address,
        expected=f"{expected}, or a lake",
        got=got,
        hint="Choose another place for the lake.",
    )


def read_marker(text: str, where: str) -> dict[str, Any]:
    """The content of a marker that this version of finks understands.

    Raises:
        ConfigurationError: It is damaged, or another version wrote it.
    """
    try:
        content = json.loads(text)
        found = content["format"]
        location = content["location"] if found == FORMAT else ""
        if not isinstance(location, str):
            raise TypeError(location)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "The lake's marker cannot be read.",
            where=where,
            expected=f'{{"format": {FORMAT}, "location": "<address>"}}',
            got=repr(error),
        ) from error
    if found != FORMAT:
        raise ConfigurationError(
            "Another version of finks wrote this lake.",
            where=where,
            expected=f"format {FORMAT}",
            got=f"format {found}",
            hint="Install the version of finks that wrote it.",
        )
    return content


def write_marker(location: str, **more: str) -> str:
    """The text of a new lake's marker."""
    return json.dumps({"format": FORMAT, "location": location, **more}) + "\n"


def made_elsewhere(location: str, address: str, hint: str) -> ConfigurationError:
    """The error for a lake that was copied or moved: Iceberg's metadata holds absolute locations."""
    return ConfigurationError(
        "The lake was made elsewhere: its tables name their files by absolute paths.",
        where=address,
        expected=location,
        got=address,
        hint=hint,
    )
