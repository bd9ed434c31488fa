"""The local AWS as one thing: the emulator, and the endpoint for Athena and Glue in front of it.

with Stack.start() as stack:
    os.environ.update(stack.environment)
    boto3.client("s3").create_bucket(Bucket="lake")
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from finks_local.emulator import Emulator, EmulatorOptions

REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
SECRET_KEY: Final = "test"  # noqa: S105


@dataclass
class Stack:
    """A running local AWS; a context manager that stops it.

    Attributes:
        emulator: S3, Glue, DynamoDB, SNS, SQS, Lambda, IAM and the rest.
    """

    emulator: Emulator
    _open: ExitStack = field(repr=False)

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        emulator_port: int | None = None,
        enforce_iam: bool = False,
        keep: bool = False,
    ) -> Stack:
        """Start both servers and wait until they answer.

        Args:
            directory: Logs, temporary files and kept data; None for a temporary one that is removed at the end.
            emulator_port: A port on loopback; None takes a free one.
            enforce_iam: Check signatures and permissions as AWS does.
            keep: Keep data over a stop: see `EmulatorOptions`.

        Raises:
            ConfigurationError: The emulator's environment cannot be made, or a port is taken.
            SourceUnavailableError: A server did not answer in a minute.
        """
        with ExitStack() as opened:
            if directory is None:
                directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="finks-local-")))
            emulator = Emulator.start(EmulatorOptions(directory / "emulator", emulator_port, enforce_iam, keep))
            opened.callback(emulator.stop)
            return cls(emulator, opened.pop_all())

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point AWS clients here, with the dummy credentials."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.emulator.url,
            # Clients on object_store (polars, delta) refuse http without it; the SDKs look for a machine role without
            # the other.
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def reset(self) -> None:
        """Empty everything."""
        self.emulator.reset()

    def stop(self) -> None:
        """Stop both servers. Stopping again does nothing."""
        self._open.close()

    def __enter__(self) -> Self:
        """The stack itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()
