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

from finks_local.emulator import Emulator, EmulatorOptions, GlueGateway
from finks_local.emulator.glue_gateway import SERVICE
from finks_local.emulator.process import refuse_taken_port
from finks_local.server import EndpointServer
from finks_local.store import Store

REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
SECRET_KEY: Final = "test"  # noqa: S105


@dataclass
class Stack:
    """A running local AWS; a context manager that stops it.

    Attributes:
        emulator: S3, DynamoDB, SNS, SQS, Lambda, IAM and the rest.
        endpoint: Athena, and Glue as AWS answers.
    """

    emulator: Emulator
    endpoint: EndpointServer
    _store: Store = field(repr=False)
    _open: ExitStack = field(repr=False)

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        port: int = 0,
        endpoint_port: int = 0,
        enforce_iam: bool = False,
        keep: bool = False,
    ) -> Stack:
        """Start both servers and wait until they answer.

        Args:
            directory: Logs, temporary files and kept data; None for a temporary one that is removed at the end.
            port, endpoint_port: Where the emulator and the endpoint listen on loopback; 0 takes a free one.
            enforce_iam: Check signatures and permissions as AWS does.
            keep: Keep data over a stop: see `EmulatorOptions`.

        Raises:
            ConfigurationError: The emulator's environment cannot be made, or a port is taken.
            SourceUnavailableError: A server did not answer in a minute.
        """
        with ExitStack() as opened:
            if directory is None:
                directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="finks-local-")))
            if endpoint_port:
                refuse_taken_port(endpoint_port)
            emulator = Emulator.start(EmulatorOptions(directory / "emulator", port, enforce_iam, keep))
            opened.callback(emulator.stop)
            store = Store(directory / "endpoint.sqlite" if keep else None)
            opened.callback(store.close)
            gateway = GlueGateway(emulator.url, store)
            opened.callback(gateway.close)
            endpoint = EndpointServer({SERVICE: gateway.answer}, endpoint_port, dict)
            endpoint.start()
            opened.callback(endpoint.stop)
            return cls(emulator, endpoint, store, opened.pop_all())

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point AWS clients here, with the dummy credentials."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ENDPOINT_URL_GLUE": self.endpoint.url,
            # Clients on object_store (polars, delta) refuse http without it; the SDKs look for a machine role without
            # the other.
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def reset(self) -> None:
        """Empty everything."""
        self.emulator.reset()
        self._store.clear()

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
