"""The local AWS as one thing: the emulator, and the endpoint for Athena and Glue in front of it.

with Stack.start() as stack:
    os.environ.update(stack.environment)
    boto3.client("s3").create_bucket(Bucket="lake")
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from finks.loopback import LoopbackServer, refuse_taken_port

from finks_local.athena.regions import Regions
from finks_local.athena.results import Results
from finks_local.athena.service import SERVICE as ATHENA
from finks_local.athena.service import AthenaService
from finks_local.athena.statements import check
from finks_local.backend import Backend
from finks_local.emulator.forwarding import Forwarding
from finks_local.emulator.glue_gateway import SERVICE as GLUE
from finks_local.emulator.glue_gateway import GlueGateway
from finks_local.emulator.process import CHOOSE_PORTS, Emulator, EmulatorOptions, healthy
from finks_local.engine import Engine
from finks_local.server import application
from finks_local.store import Store
from finks_local.variables import ACCESS_KEY, SECRET_KEY, variables
from finks_local.wire import Call

_PATIENCE_SECONDS: Final = 20.0


@dataclass
class Stack:
    """A running local AWS; a context manager that stops it.

    Attributes:
        directory: Where its logs, its temporary files and its data are.
        emulator: S3, DynamoDB, SNS, SQS, Lambda, IAM and the rest.
        endpoint: Athena, and Glue as AWS answers.
    """

    directory: Path
    emulator: Emulator
    endpoint: LoopbackServer
    _athena: Regions = field(repr=False)
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
            ConflictError: Another local AWS works in the directory.
            SourceUnavailableError: A server did not answer in a minute.
        """
        with ExitStack() as opened:
            if directory is None:
                directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="finks-local-")))
            if endpoint_port:
                refuse_taken_port(endpoint_port, CHOOSE_PORTS)
            emulator = Emulator.start(EmulatorOptions(directory / "emulator", port, enforce_iam, keep))
            opened.callback(emulator.stop)
            store = Store(directory / "endpoint.sqlite" if keep else None)
            opened.callback(store.close)
            forwarding = Forwarding(emulator.url)
            opened.callback(forwarding.close)
            gateway = GlueGateway(forwarding, store)
            stack: Stack
            refusal = forwarding.refusal if enforce_iam else _nothing_against
            athena = Regions(lambda region: stack._service(region), refusal)
            endpoint = LoopbackServer(
                application(
                    {ATHENA: athena.answer, GLUE: gateway.answer},
                    health=lambda: stack.health(),
                    reset=lambda: stack.reset(),
                ),
                "The endpoint",
                port=endpoint_port,
            )
            stack = cls(directory, emulator, endpoint, athena, store, opened)
            opened.callback(endpoint.stop)
            endpoint.start()
            opened.callback(athena.close)
            stack._open = opened.pop_all()
            return stack

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point AWS clients here, with the dummy credentials."""
        return variables(self.emulator.url, self.endpoint.url)

    def health(self) -> Mapping[str, object]:
        """Whether the emulator answers, and how many queries are queued and run."""
        return {"emulator": healthy(self.emulator.url, _PATIENCE_SECONDS), "queries": self._athena.active}

    def reset(self) -> None:
        """Empty everything."""
        self._athena.close()
        self.emulator.reset()
        self._store.clear()
        shutil.rmtree(self.directory / "results", ignore_errors=True)

    def stop(self) -> None:
        """Stop both servers. Stopping again does nothing."""
        self._open.close()

    def _service(self, region: str) -> AthenaService:
        backend = Backend(
            endpoint=self.emulator.url,
            region=region,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            glue_endpoint=self.endpoint.url,
        )
        results = Results(self.directory / "results" / region, backend.filesystem)
        return AthenaService(Engine(backend), check, backend.glue, results, self._store.within(region))

    def __enter__(self) -> Self:
        """The stack itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def _nothing_against(_call: Call) -> None:
    """Without enforcement any caller may do anything."""
