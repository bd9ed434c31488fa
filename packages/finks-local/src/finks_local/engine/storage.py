"""Data files on S3: listing them, and the filesystem through which DuckDB reads them.

A scan hands DuckDB made-up paths: `lake://<file>/<value>/<value>/@/bucket/key`. The partition's values and the file's
own facts stand in the path, so DuckDB derives those columns from the name of the file, and a condition on them decides
before a file is opened. Every byte read is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from fsspec import AbstractFileSystem
from pyarrow.fs import S3FileSystem

from finks_local.engine.failures import told
from finks_local.sql.errors import QueryError

NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
SCHEME: Final = "lake"
_KEY: Final = "/@/"
_AHEAD: Final = 1024 * 1024
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One object with rows.

    Args:
        location: `s3://bucket/key`.
        size: Bytes.
        values: Of the partition's columns, as Glue keeps them.
        modified: When it was written; of no use where the table keeps that itself.
    """

    location: str
    size: int
    values: tuple[str | None, ...] = ()
    modified: datetime = _NO_TIME

    @property
    def path(self) -> str:
        """The path under which DuckDB opens it."""
        facts = [str(self.size), str(int(self.modified.timestamp() * 1000))]
        values = [NULL_PARTITION if value is None else value for value in self.values]
        parts = "/".join(quote(part, safe="") for part in [*facts, *values])
        return f"{SCHEME}://{parts}{_KEY}{quote(bare(self.location), safe='/')}"


LOCATION: Final = f"'s3://' || url_decode(split_part(lake_file, '{_KEY}', 2))"
SIZE: Final = "cast(split_part(lake_file, '/', 3) as bigint)"
MODIFIED: Final = "make_timestamp(cast(split_part(lake_file, '/', 4) as bigint) * 1000)"


def partition_value(position: int) -> str:
    """DuckDB's expression of the text of a partition's value, from the column `lake_file`."""
    return f"nullif(url_decode(split_part(lake_file, '/', {5 + position})), '{NULL_PARTITION}')"


def bare(location: str) -> str:
    """`bucket/key` of an `s3://`, `s3a://` or `s3n://` location.

    Raises:
        QueryError: INVALID_TABLE_PROPERTY: it is none.
    """
    address = urlsplit(location, allow_fragments=False)
    if address.scheme not in {"s3", "s3a", "s3n"} or not address.netloc:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Location is not an S3 location: {location}")
    return location.split("://", 1)[1]


def bucket_and_key(location: str) -> tuple[str, str]:
    """The two parts of a location."""
    bucket, _, key = bare(location).partition("/")
    return bucket, key


def folder(location: str) -> str:
    """The location with one slash at its end."""
    return location.rstrip("/") + "/"


def list_files(s3: Any, location: str) -> Iterator[DataFile]:
    """Every object with rows under a location: hidden and empty ones are passed over."""
    bucket, prefix = bucket_and_key(folder(location))
    for item in list_objects(s3, location):
        below = str(item["Key"])[len(prefix) :]
        hidden = any(part.startswith(("_", ".")) for part in below.split("/"))
        if item["Size"] and not hidden and not below.endswith("_$folder$"):
            yield DataFile(f"s3://{bucket}/{item['Key']}", item["Size"], (), item["LastModified"])


def list_objects(s3: Any, location: str) -> Iterator[dict[str, Any]]:
    """Every object under a location, as S3 lists it."""
    bucket, prefix = bucket_and_key(folder(location))
    with told(location):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])


def delete_objects(s3: Any, location: str) -> None:
    """Delete every object under a location."""
    bucket, _ = bucket_and_key(location)
    batch: list[dict[str, str]] = []
    with told(location):
        for item in list_objects(s3, location):
            batch.append({"Key": item["Key"]})
            if len(batch) == 1000:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
                batch.clear()
        if batch:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def discard(s3: Any, locations: Iterable[str]) -> None:
    """Delete what a failed statement wrote, as far as that is allowed: the statement's own failure is told.

    By boto3, which leaves no marker of a folder behind, as pyarrow does.
    """
    for location in locations:
        bucket, key = bucket_and_key(location)
        with suppress(ClientError, BotoCoreError):
            s3.delete_object(Bucket=bucket, Key=key)


@dataclass
class Meter:
    """Counts the bytes that a query reads from S3.

    Args:
        limit: At more the query fails; None never.
        cancel: Once set, the query fails at its next byte.
    """

    limit: int | None = None
    scanned: int = 0
    cancel: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        """Count bytes.

        Raises:
            QueryError: As `check` does.
        """
        with self._lock:
            self.scanned += count
        self.check()

    def check(self) -> None:
        """Let the query go on only if it may.

        Raises:
            QueryError: USER_CANCELED, or EXCEEDED_SCAN_LIMIT.
        """
        if self.cancel.is_set():
            raise QueryError("USER_CANCELED", "Query was canceled")
        if self.limit is not None and self.scanned > self.limit:
            raise QueryError("EXCEEDED_SCAN_LIMIT", "Query cancelled! : Bytes scanned limit was exceeded")


class Handle:
    """An open object, read by several threads at once.

    DuckDB seeks and then reads in one thread, while other threads do the same with the same handle: a place that was
    sought is the thread's own until it reads. A read without a seek goes on where the last one ended.
    """

    def __init__(self, source: Any, meter: Meter) -> None:
        self._source = source
        self._meter = meter
        self._sought = threading.local()
        self._position = 0
        self._ahead = b""

    def seek(self, offset: int) -> int:
        """Move to a place, counted from the beginning."""
        self._sought.place = offset
        return offset

    def tell(self) -> int:
        """The place."""
        return getattr(self._sought, "place", self._position)

    def read(self, size: int) -> bytes:
        """The next bytes."""
        place = self._sought.__dict__.pop("place", None)
        if place is None:
            return self._read_on(size)
        data = self._fetch(size, place)
        self._position, self._ahead = place + len(data), b""
        return data

    def _read_on(self, size: int) -> bytes:
        """Small reads, as of a compressed file, are made of large ones."""
        if len(self._ahead) < size:
            start = self._position + len(self._ahead)
            self._ahead += self._fetch(max(size, _AHEAD), start)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        self._position += len(data)
        return data

    def _fetch(self, size: int, place: int) -> bytes:
        data = self._source.read_at(size, place)
        self._meter.add(len(data))
        return data

    def close(self) -> None:
        """Let go of the object."""
        self._source.close()


class LakeFiles(AbstractFileSystem):
    """What DuckDB may open: the paths of data files, to read."""

    protocol = SCHEME
    cachable = False

    def __init__(self, source: S3FileSystem, meter: Meter) -> None:
        super().__init__()
        self._s3 = source
        self._meter = meter

    def open(self, path: str, mode: str = "rb", **_: object) -> Handle:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Open a file to read."""
        if mode != "rb":
            raise PermissionError(f"{path} is opened to read only")
        key = _parts(path)[0]
        with told(f"s3://{key}"):
            return Handle(self._s3.open_input_file(key), self._meter)

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """The file's size, which stands in its path."""
        return {"name": path, "size": _parts(path)[1], "type": "file"}

    def exists(self, path: str, **_: object) -> bool:
        """Whether it is such a path; S3 is asked when the file is opened."""
        return _KEY in path

    def glob(self, path: str, **_: object) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The path itself: there are no patterns in paths of data files."""
        return [path]

    def modified(self, path: str) -> datetime:
        """When the file was written."""
        return datetime.fromtimestamp(int(_facts(path)[1]) / 1000, UTC)


def _facts(path: str) -> Sequence[str]:
    return path.removeprefix(f"{SCHEME}://").split("/")[:2]


def _parts(path: str) -> tuple[str, int]:
    return unquote(path.split(_KEY, 1)[1]), int(_facts(path)[0])


def path_list(files: Iterable[DataFile]) -> str:
    """DuckDB's list of the files' paths."""
    return "[" + ", ".join(text(file.path) for file in files) + "]"


def text(value: str) -> str:
    """A string literal of DuckDB."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """A quoted name of DuckDB."""
    return '"' + value.replace('"', '""') + '"'
