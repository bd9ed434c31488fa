"""The data files of a lake on S3 for DuckDB: read only, and none but the lake's own. No extension is needed.

A data file of Iceberg never changes, so it is opened once, and a small one is read once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
from fsspec import AbstractFileSystem
from pyarrow.fs import FileSystem

from finks.lake.aws import Aws

SCHEME: Final = "finks"
SMALL_FILE: Final = 4 * 1024 * 1024
"""A file of at most so many bytes is read whole: one request instead of one for each column."""

CACHE_BYTES: Final = 128 * 1024 * 1024
"""How many bytes of small files are kept."""

_UNCHANGED: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LakeFiles(AbstractFileSystem):
    """`finks://bucket/key` for DuckDB. What fsspec would write or list with is not there.

    Args:
        aws: The account.
        address: `s3://bucket/prefix`; nothing outside can be opened.
    """

    protocol = SCHEME
    cachable = False

    def __init__(self, aws: Aws, address: str) -> None:
        super().__init__()
        self._opened = _Opened(aws)
        self._root = address.removeprefix("s3://")

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Name, size and type of a file."""
        name = self._inside(path)
        return {"name": name, "size": self._opened.file(name).size(), "type": "file"}

    def modified(self, path: str) -> datetime:
        """The same for ever."""
        return _UNCHANGED

    def _open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, path: str, mode: str = "rb", *arguments: Any, **options: Any
    ) -> _Cursor:
        if mode != "rb":
            raise PermissionError(f"{path}: the lake is read only here")
        return _Cursor(self._opened.file(self._inside(path)))

    def _inside(self, path: str) -> str:
        name = str(self._strip_protocol(path))
        if not name.startswith(f"{self._root}/") or ".." in name.split("/"):
            raise PermissionError(f"{path} is not a file of the lake")
        return name


class _Opened:
    """The open files, the small ones in memory, the latest used last."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._system: FileSystem | None = None
        self._files: OrderedDict[str, pa.NativeFile] = OrderedDict()
        self._bytes = 0

    def file(self, name: str) -> pa.NativeFile:
        """The open file. It is never closed, because others may be reading it; the garbage collector does that."""
        with self._lock:
            # The credentials may have been renewed; an open file has those of its time.
            system = self._aws.files()
            if system is not self._system:
                self._files.clear()
                self._system, self._bytes = system, 0
            if name in self._files:
                self._files.move_to_end(name)
                return self._files[name]
        file = _small_in_memory(system.open_input_file(name))
        with self._lock:
            if name not in self._files:
                self._files[name] = file
                self._bytes += _held(file)
            while self._bytes > CACHE_BYTES:
                self._bytes -= _held(self._files.popitem(last=False)[1])
        return file


def _small_in_memory(file: pa.NativeFile) -> pa.NativeFile:
    size = file.size()
    return pa.BufferReader(file.read_at(size, 0)) if size <= SMALL_FILE else file


def _held(file: pa.NativeFile) -> int:
    """Bytes of memory that an open file holds."""
    return file.size() if isinstance(file, pa.BufferReader) else 0


class _Cursor:
    """One use of an open file. DuckDB's threads share it, and seek before they read: each has a position of its own."""

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file
        self._position = threading.local()

    def seek(self, position: int) -> int:
        """Go to a byte."""
        self._position.value = position
        return position

    def tell(self) -> int:
        """The byte that is read next."""
        return getattr(self._position, "value", 0)

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        found = self._file.read_at(size, self.tell())
        self.seek(self.tell() + len(found))
        return found

    def close(self) -> None:
        """End this use; the file stays open for others."""
