"""Where the key document is kept: a file, or an object in S3. Both change at once, and no change undoes another."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from finks.errors import ConfigurationError, ConflictError

ATTEMPTS: Final = 5
"""How often a change of an object is tried while others change it too."""

Change = Callable[[bytes | None], bytes]
"""What is kept now, None for nothing, to what is to be kept."""


class KeyPlace(Protocol):
    """Keeps one document."""

    @property
    def address(self) -> str:
        """The file, or `s3://bucket/key`."""
        ...

    def read(self) -> bytes | None:
        """What is kept; None for nothing."""
        ...

    def edit(self, change: Change) -> None:
        """Keep what `change` makes of what is kept; when it raises, nothing changes."""
        ...


def key_place(address: str | Path) -> KeyPlace:
    """The place at an address.

    Raises:
        ConfigurationError: It is neither a file's nor `s3://bucket/key`.
    """
    text = str(address)
    if text.startswith("s3://"):
        return KeyObject(text)
    if "://" in text:
        raise ConfigurationError(
            "The API's keys cannot be kept there.", where="api.keys", expected="a file, or s3://bucket/key", got=text
        )
    return KeyFile(Path(address))


class KeyFile:
    """A file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        # Through a symbolic link, so that a change does not put a file in the link's place.
        self._path = path.resolve()

    @property
    def address(self) -> str:
        """See `KeyPlace`."""
        return str(self._path)

    def read(self) -> bytes | None:
        """See `KeyPlace`. Raises ConfigurationError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused("read", error) from None

    def edit(self, change: Change) -> None:
        """See `KeyPlace`. Raises ConfigurationError."""
        try:
            with self._alone():
                self._write(change(self.read()))
        except OSError as error:
            raise self._refused("written", error) from None

    @contextmanager
    def _alone(self) -> Generator[None]:
        """One change at a time. The lock is on the directory, so that no file is left for it."""
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: bytes) -> None:
        draft = self._path.with_name(f".{self._path.name}.part")
        draft.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)

    def _refused(self, done: str, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The API's key document cannot be {done}.", where=self.address, got=error.strerror or str(error)
        )


class KeyObject:
    """An object in S3. Who may read it and how it is encrypted is the bucket's to say."""

    def __init__(self, address: str) -> None:
        from finks.lake.aws import aws

        self._address = address
        self._bucket, _, self._key = address.removeprefix("s3://").partition("/")
        if not self._bucket or not self._key or self._key.endswith("/"):
            raise ConfigurationError(
                "The address of the API's keys is not one of an object.",
                where="api.keys",
                expected="s3://bucket/key",
                got=address,
            )
        self._client: Any = aws().client("s3")

    @property
    def address(self) -> str:
        """See `KeyPlace`."""
        return self._address

    def read(self) -> bytes | None:
        """See `KeyPlace`. Raises the errors of AWS as those of finks."""
        return self._read()[0]

    def edit(self, change: Change) -> None:
        """See `KeyPlace`. S3 takes it only if the object is still the one that was read.

        Raises:
            ConflictError: Others kept changing it.
        """
        for _ in range(ATTEMPTS):
            before, tag = self._read()
            if self._write(change(before), tag):
                return
        raise ConflictError(
            "The API's key document was changed by others at the same time.",
            where=self.address,
            hint="Run the same command again.",
        )

    def _read(self) -> tuple[bytes | None, str | None]:
        from finks.lake.aws_errors import told

        with told():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
            except self._client.exceptions.NoSuchKey:
                return None, None
            return answer["Body"].read(), answer["ETag"]

    def _write(self, content: bytes, tag: str | None) -> bool:
        """Whether it was kept. `tag` is of the object that it replaces (Amazon S3, conditional writes)."""
        from finks.lake.aws_errors import told

        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        with told():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key, Body=content, ContentType="application/json", **condition
                )
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                    raise
                return False
        return True
