"""Folders of files, in a directory or in S3 below a prefix: what a backup is written to, and a lake as plain files.

A file appears whole or not at all, on both.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from finks.errors import ConfigurationError
from finks.lake.aws_errors import told

CHUNK_BYTES: Final = 1024 * 1024
PART: Final = ".part"
"""What the name of a file ends with while it is written."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file.

    Attributes:
        name: Its path below the store, with slashes.
        size: In bytes.
        modified: Another text whenever the file was written again.
    """

    name: str
    size: int
    modified: str


class Store(Protocol):
    """A folder of files."""

    @property
    def address(self) -> str:
        """The directory, or `s3://bucket/prefix`."""
        ...

    def files(self, prefix: str = "") -> Iterator[FileInfo]:
        """Every file whose name begins with `prefix`, in order of their names."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """A file's bytes, in pieces.

        Raises:
            FileNotFoundError: There is no such file.
        """
        ...

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file; when `content` raises, there is none of it."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        ...


def store_of(address: str | Path) -> Store:
    """The store at an address.

    Raises:
        ConfigurationError: The address is neither a directory's nor one in S3.
    """
    text = str(address)
    if text.startswith("s3://"):
        return S3Store(text.rstrip("/"))
    path = Path(address)
    if "://" in text or (path.exists() and not path.is_dir()):
        raise ConfigurationError(
            "Files cannot be kept there.", where=text, expected="a directory, or s3://bucket/prefix"
        )
    return LocalStore(path.resolve())


def text_of(store: Store, name: str) -> str | None:
    """A small file's text; None when it is absent."""
    try:
        return b"".join(store.read(name)).decode()
    except FileNotFoundError:
        return None


class LocalStore:
    """A directory.

    Args:
        path: The directory; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        """The directory."""
        return str(self._path)

    def files(self, prefix: str = "") -> Iterator[FileInfo]:
        """See `Store`."""
        folder = self._path / prefix.rpartition("/")[0]
        for file in sorted(found for found in folder.rglob("*") if found.is_file()):
            name = file.relative_to(self._path).as_posix()
            if name.startswith(prefix) and not name.endswith(PART):
                facts = file.stat()
                yield FileInfo(name, facts.st_size, str(facts.st_mtime_ns))

    def read(self, name: str) -> Iterator[bytes]:
        """See `Store`."""
        try:
            with (self._path / name).open("rb") as file:
                while piece := file.read(CHUNK_BYTES):
                    yield piece
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _refused("A file cannot be read.", str(self._path / name), error) from error

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """See `Store`. What is written survives a loss of power."""
        target = self._path / name
        # The name is the same each time, so what a killed writer left is written over.
        draft = target.with_name(f"{target.name}{PART}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                for piece in content:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except FileNotFoundError:
            raise  # what was to be read is not there
        except OSError as error:
            raise _refused("A file cannot be written.", str(target), error) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """See `Store`. Folders that become empty go too."""
        target = self._path / name
        target.unlink(missing_ok=True)
        for folder in target.parents:
            if folder == self._path or not folder.is_dir() or any(folder.iterdir()):
                return
            folder.rmdir()


class S3Store:
    """A prefix in a bucket.

    Args:
        address: `s3://bucket/prefix`, without a slash at its end.
    """

    def __init__(self, address: str) -> None:
        from finks.lake.aws import aws

        self._address = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._aws = aws()

    @property
    def address(self) -> str:
        """`s3://bucket/prefix`."""
        return self._address

    def files(self, prefix: str = "") -> Iterator[FileInfo]:
        """See `Store`."""
        with told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(prefix)
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield FileInfo(item["Key"][len(self._key("")) :], item["Size"], item["ETag"])

    def read(self, name: str) -> Iterator[bytes]:
        """See `Store`."""
        with told():
            client = self._client
            try:
                answer = client.get_object(Bucket=self._bucket, Key=self._key(name))
            except client.exceptions.NoSuchKey:
                raise FileNotFoundError(f"{self._address}/{name}") from None
            yield from answer["Body"].iter_chunks(CHUNK_BYTES)

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """See `Store`. In parts where it is large; none are left behind when it fails."""
        from boto3.s3.transfer import TransferConfig

        # One part at a time: several files are written at once already.
        alone = TransferConfig(use_threads=False)
        with told():
            self._client.upload_fileobj(_Pieces(content), self._bucket, self._key(name), Config=alone)

    def delete(self, name: str) -> None:
        """See `Store`."""
        with told():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    @property
    def _client(self) -> Any:
        return self._aws.client("s3")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file that is read once."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = iter(content)
        self._rest = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The next bytes; fewer at the end only."""
        wanted = None if size is None or size < 0 else size
        gathered = [self._rest]
        length = len(self._rest)
        while wanted is None or length < wanted:
            piece = next(self._content, None)
            if piece is None:
                break
            gathered.append(piece)
            length += len(piece)
        whole = b"".join(gathered)
        self._rest = b"" if wanted is None else whole[wanted:]
        return whole if wanted is None else whole[:wanted]


def _refused(message: str, where: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        message,
        where=where,
        got=error.strerror or str(error),
        hint="Make room, or correct the permissions or the disk; then run the same command again.",
    )
