"""Athena's API on an engine that does what the statement's first word says, and on a directory in place of S3."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from threading import Event, Lock
from types import SimpleNamespace

import pyarrow as pa
import pytest
from finks_local.athena.executions import Capacity
from finks_local.athena.results import Results
from finks_local.athena.service import AthenaService
from finks_local.engine.request import Outcome, Request
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, parse_trino
from finks_local.store import Store
from finks_local.wire import Call
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

COLUMNS = (Column("n", parse_trino("bigint")), Column("s", parse_trino("varchar")))


class ScriptedEngine:
    """`rows 2500`, `wait`, `wait-rows`, `fails-late`, `fail CODE message`, `broken`, `insert 3`, `ctas`, `ddl`."""

    def __init__(self) -> None:
        self.running = 0
        self.most_running = 0
        self.ran: list[tuple[str, Request]] = []
        self.released = Event()
        self._lock = Lock()

    def check(self, statement: str) -> None:
        if statement.startswith("malformed"):
            raise QueryError("SYNTAX_ERROR", "line 1:1: mismatched input 'malformed'")

    def run(self, statement: str, request: Request) -> Outcome:
        with self._lock:
            self.ran.append((statement, request))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            word, *rest = statement.split(" ", 2)
            return getattr(self, f"_{word.replace('-', '_')}")(request, *rest)
        finally:
            with self._lock:
                self.running -= 1

    def _rows(self, request: Request, count: str = "3") -> Outcome:
        def batches() -> Iterator[pa.RecordBatch]:
            for start in range(0, int(count), 700):
                numbers = range(start, min(start + 700, int(count)))
                texts = [None if n % 3 == 0 else f'a "{n}", b' for n in numbers]
                yield pa.record_batch([pa.array(numbers, pa.int64()), pa.array(texts, pa.string())], ["n", "s"])

        return Outcome("DML", "SELECT", COLUMNS, batches(), bytes_scanned=lambda: 77)

    def _wait(self, request: Request) -> Outcome:
        while not request.cancel.is_set() and not self.released.wait(0.01):
            pass
        if request.cancel.is_set():
            raise QueryError("USER_CANCELED", "interrupted")
        return self._rows(request)

    def _wait_rows(self, request: Request) -> Outcome:
        def batches() -> Iterator[pa.RecordBatch]:
            for number in range(100_000):
                time.sleep(0.005)
                yield pa.record_batch([pa.array([number], pa.int64()), pa.array([""], pa.string())], ["n", "s"])

        return Outcome("DML", "SELECT", COLUMNS, batches())

    def _fails_late(self, request: Request) -> Outcome:
        def batches() -> Iterator[pa.RecordBatch]:
            yield pa.record_batch([pa.array(range(5000), pa.int64()), pa.array([""] * 5000)], ["n", "s"])
            raise QueryError("DIVISION_BY_ZERO", "/ by zero")

        return Outcome("DML", "SELECT", COLUMNS, batches())

    def _fail(self, request: Request, code: str, message: str = "") -> Outcome:
        raise QueryError(code, message)

    def _broken(self, request: Request) -> Outcome:
        raise ZeroDivisionError("a defect")

    def _insert(self, request: Request, count: str) -> Outcome:
        return Outcome("DML", "INSERT", update_count=int(count), data_manifest=("s3://lake/t/a", "s3://lake/t/b"))

    def _ctas(self, request: Request) -> Outcome:
        return Outcome("DDL", "CREATE_TABLE_AS_SELECT", update_count=5, data_manifest=("s3://lake/t/a",))

    def _ddl(self, request: Request) -> Outcome:
        return Outcome("DDL", "CREATE_TABLE")

    def _show(self, request: Request, what: str) -> Outcome:
        batch = pa.record_batch([pa.array(["a", "b"])], ["tab_name"])
        return Outcome("UTILITY", "SHOW_TABLES", (Column("tab_name", parse_trino("varchar")),), iter([batch]))

    def _prepare(self, request: Request, name: str, text: str = "") -> Outcome:
        return Outcome("DDL", "PREPARE", prepare=(name, text))


class Api:
    """Calls the service as a client would; a refusal is raised as it is."""

    def __init__(self, service: AthenaService, store: Store) -> None:
        self.service = service
        self.store = store

    def __call__(self, operation: str, **request):
        headers = {"x-amz-target": f"AmazonAthena.{operation}"}
        return self.service.answer(Call("POST", "/", headers, json.dumps(request).encode())).json()

    def start(self, statement: str, **request) -> str:
        token = request.pop("ClientRequestToken", str(uuid.uuid4()))
        place = {"ResultConfiguration": {"OutputLocation": "s3://out/here/"}}
        asked = {**place, "QueryString": statement, "ClientRequestToken": token, **request}
        return self("StartQueryExecution", **asked)["QueryExecutionId"]

    def find(self, query_id: str):
        return self("GetQueryExecution", QueryExecutionId=query_id)["QueryExecution"]

    def state(self, query_id: str) -> str:
        return self.find(query_id)["Status"]["State"]

    def wait(self, query_id: str, *states: str):
        deadline = time.monotonic() + 20
        while (found := self.find(query_id))["Status"]["State"] not in (states or ("SUCCEEDED", "FAILED", "CANCELLED")):
            assert time.monotonic() < deadline, found["Status"]
            time.sleep(0.005)
        return found

    def run(self, statement: str, **request):
        return self.wait(self.start(statement, **request))


@pytest.fixture
def engine():
    return ScriptedEngine()


@pytest.fixture
def s3(tmp_path):
    """A directory in place of S3: its first level are the buckets."""
    root = tmp_path / "s3"
    (root / "out" / "here" / "tables").mkdir(parents=True)
    return root


@pytest.fixture
def make(engine, s3, tmp_path) -> Iterator[Callable[..., Api]]:
    """Makes a service on the same directories; keywords go to `Capacity`."""
    made = []

    def one(store: Store | None = None, **capacity) -> Api:
        store = store or Store()
        results = Results(tmp_path / "spool", SubTreeFileSystem(str(s3), LocalFileSystem()))
        service = AthenaService(engine, engine.check, SimpleNamespace(), results, store, Capacity(**capacity))
        made.append(service)
        return Api(service, store)

    yield one
    engine.released.set()
    for service in made:
        service.close()


@pytest.fixture
def api(make) -> Api:
    return make()
