"""The data files of a lake on S3 for DuckDB: read only, and none but the lake's own. No extension is needed."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any, Final

from fsspec import AbstractFileSystem
from pyarrow import NativeFile
from pyarrow.fs import FileInfo, FileSelector, FileType

from finks.lake.aws import Aws

SCHEME: Final = "finks"


class LakeFiles(AbstractFileSystem):
    """`finks://bucket/key` for DuckDB. What fsspec would write with is not there, so nothing can be written.

    Args:
        aws: The account.
        address: `s3://bucket/prefix`; nothing outside can be opened.
    """

    protocol = SCHEME
    cachable = False

    def __init__(self, aws: Aws, address: str) -> None:
        super().__init__()
        self._aws = aws
        self._root = address.removeprefix("s3://")

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Name, size and type of a file."""
        (found,) = self._aws.files().get_file_info([self._inside(path)])
        if found.type == FileType.NotFound:
            raise FileNotFoundError(path)
        return _entry(found)

    def modified(self, path: str) -> datetime:
        """When a file was written."""
        return self.info(path)["mtime"]

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """What is in a folder."""
        entries = [_entry(found) for found in self._aws.files().get_file_info(FileSelector(self._inside(path)))]
        return entries if detail else [entry["name"] for entry in entries]

    def _open(self, path: str, mode: str = "rb", *arguments: Any, **options: Any) -> _File:
        if mode != "rb":
            raise PermissionError(f"{path}: the lake is read only here")
        return _File(self._aws.files().open_input_file(self._inside(path)))

    def _inside(self, path: str) -> str:
        name = str(self._strip_protocol(path))
        if not f"{name}/".startswith(f"{self._root}/") or ".." in name.split("/"):
            raise PermissionError(f"{path} is not a file of the lake")
        return name


class _File:
    """An open file. DuckDB's threads share it, and seek before they read: so each has a position of its own."""

    def __init__(self, file: NativeFile) -> None:
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
        """Let go of it."""
        self._file.close()


def _entry(found: FileInfo) -> dict[str, Any]:
    kind = "directory" if found.type == FileType.Directory else "file"
    return {"name": found.path, "size": found.size, "type": kind, "mtime": found.mtime}
