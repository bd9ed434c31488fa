"""An emulator for the engine's tests, and statements run on it."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finks_local.backend import Backend
from finks_local.emulator import Emulator, EmulatorOptions
from finks_local.engine import Engine, Outcome, Request
from finks_local.sql.types import Column

BUCKET = "lake"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=UTC)


@dataclass
class Result:
    """An outcome whose rows were taken."""

    columns: Sequence[Column]
    rows: list[tuple[Any, ...]]
    outcome: Outcome
    scanned: int

    @property
    def values(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self.rows]


@dataclass
class Athena:
    """A database of one test's own, and statements in it."""

    engine: Engine
    backend: Backend
    database: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def root(self) -> str:
        """The folder of this test's data."""
        return f"s3://{BUCKET}/{self.database}"

    def request(self, **changes: Any) -> Request:
        """The circumstances of a statement."""
        number = f"{self.database}-{next(self._numbers)}"
        given = {"query_id": number, "database": self.database, "now": NOW, "staging": f"{self.root}/staging/"}
        return Request(**{**given, **changes})

    def run(self, statement: str, **changes: Any) -> Result:
        """Run a statement and take its rows."""
        outcome = self.engine.run(statement.format(root=self.root), self.request(**changes))
        try:
            rows = [tuple(row.values()) for batch in outcome.batches for row in renamed(batch).to_pylist()]
            return Result(outcome.columns, rows, outcome, outcome.bytes_scanned())
        finally:
            outcome.close()

    def rows(self, statement: str, **changes: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.run(statement, **changes).rows

    def table(self, name: str) -> dict[str, Any]:
        """A table's row in Glue."""
        return self.backend.glue.get_table(DatabaseName=self.database, Name=name)["Table"]

    def put(self, key: str, body: bytes | pa.Table) -> None:
        """Write an object, a table as Parquet."""
        if isinstance(body, pa.Table):
            buffer = io.BytesIO()
            pq.write_table(body, buffer)
            body = buffer.getvalue()
        self.backend.s3.put_object(Bucket=BUCKET, Key=f"{self.database}/{key}", Body=body)

    def objects(self, prefix: str = "") -> list[str]:
        """The objects under a prefix of this test's data, without it."""
        start = f"{self.database}/{prefix}"
        pages = self.backend.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=start)
        return [item["Key"].removeprefix(start) for page in pages for item in page.get("Contents", [])]


def renamed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with a name of its own for each column."""
    return batch.rename_columns([str(i) for i in range(batch.num_columns)])


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator."""
    running = Emulator.start(EmulatorOptions(tmp_path_factory.mktemp("emulator")))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def backend(emulator: Emulator) -> Backend:
    """The emulator's Glue and S3, with a bucket."""
    backend = Backend(endpoint=emulator.url, access_key="test", secret_key="test")
    backend.s3.create_bucket(Bucket=BUCKET)
    return backend


_databases = itertools.count(1)


@pytest.fixture
def athena(backend: Backend) -> Athena:
    """A new database."""
    athena = Athena(Engine(backend), backend, f"db{next(_databases)}")
    athena.run(f"CREATE DATABASE {athena.database}")
    return athena


@pytest.fixture
def cancel() -> threading.Event:
    """To be set by a test."""
    return threading.Event()
