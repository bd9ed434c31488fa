"""Query executions: accepted, queued, run a few at a time, stopped, remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Final

from finks_local.athena.execution import (
    CANCELLED,
    FAILED,
    QUEUED,
    RUNNING,
    SUCCEEDED,
    Execution,
)
from finks_local.athena.failures import CANCELLED_BY_USER, SCAN_LIMIT, athena_error, invalid
from finks_local.athena.paging import page
from finks_local.athena.runs import QueryRun, Stopped
from finks_local.athena.statements import kind
from finks_local.athena.workgroups import WorkGroups, is_managed, output_location
from finks_local.sql.errors import QueryError
from finks_local.store import Store
from finks_local.wire import ServiceError

KIND: Final = "execution"
_TOKEN: Final = "request-token"  # noqa: S105
_REUSABLE: Final = "reusable"
_SCAN_LIMIT_CODE: Final = "EXCEEDED_SCAN_LIMIT"
_log = logging.getLogger(__name__)

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is done at once and how much is remembered.

    Attributes:
        running: Queries that run at the same time; more wait.
        active: Queries that run or wait; more are refused.
        remembered: Finished executions that are kept, with their results.
    """

    running: int = 8
    active: int = 200
    remembered: int = 10_000


@dataclass
class _Live:
    execution: Execution
    cancel: Event = field(default_factory=Event)


class Executions:
    """The executions of one endpoint.

    Args:
        run: Runs one execution.
        store: Where they are written down.
        workgroups: The workgroups that they belong to.
        capacity: How many at once.
    """

    def __init__(self, run: QueryRun, store: Store, workgroups: WorkGroups, capacity: Capacity | None = None) -> None:
        self._run = run
        self._store = store
        self._workgroups = workgroups
        self._capacity = capacity or Capacity()
        self._live: dict[str, _Live] = {}
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(self._capacity.running, thread_name_prefix="athena-query")
        self._give_up_what_was_interrupted()

    def start(self, request: Shape) -> Shape:
        """StartQueryExecution.

        Raises:
            ServiceError: The request is refused.
        """
        token = request.get("ClientRequestToken")
        if not token:
            raise invalid("clientRequestToken is null or empty")
        group = self._workgroups.usable(request.get("WorkGroup"))
        location = output_location(group, request)
        self._run.check(request)
        same = _asked(request)
        with self._lock:
            known = self._store.get(_TOKEN, token)
            if known is not None:
                if known["asked"] != same:
                    raise invalid("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
                return {"QueryExecutionId": known["id"]}
            if len(self._live) >= self._capacity.active:
                raise ServiceError(
                    "TooManyRequestsException",
                    "You have exceeded the limit for the number of queries you can run concurrently.",
                    Reason="CONCURRENT_QUERY_LIMIT_EXCEEDED",
                )
            execution = _new(request, group, location, token)
            self._store.put(_TOKEN, token, {"asked": same, "id": execution.id})
            self._reuse(request, execution)
            self._store.put(KIND, execution.id, execution.record())
            if not execution.final:
                live = self._live[execution.id] = _Live(execution)
                self._pool.submit(self._work, live)
        return {"QueryExecutionId": execution.id}

    def find(self, query_id: str) -> Execution:
        """An execution.

        Raises:
            ServiceError: There is none of that id.
        """
        with self._lock:
            live = self._live.get(query_id)
            if live is not None:
                return Execution.read(live.execution.record())
        record = self._store.get(KIND, query_id)
        if record is None:
            raise invalid(f"QueryExecution {query_id} was not found", "QUERY_EXECUTION_NOT_FOUND")
        return Execution.read(record)

    def stop(self, request: Shape) -> Shape:
        """StopQueryExecution; one that is over stays as it is."""
        query_id = request["QueryExecutionId"]
        self.find(query_id)
        live = self._live.get(query_id)
        if live is not None:
            self._end(live, CANCELLED, CANCELLED_BY_USER)
            live.cancel.set()
        return {}

    def list(self, request: Shape) -> Shape:
        """ListQueryExecutions of a workgroup, the newest first."""
        group = self._workgroups.find(request.get("WorkGroup"))["Name"]
        keys = [record["id"] for record in reversed(self._store.values(KIND)) if record["workgroup"] == group]
        shown, more = page(keys, request)
        return {"QueryExecutionIds": shown, **more}

    @property
    def active(self) -> Mapping[str, int]:
        """How many are queued and how many run."""
        with self._lock:
            states = [live.execution.state for live in self._live.values()]
        return {"queued": states.count(QUEUED), "running": states.count(RUNNING)}

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        for query_id in list(self._live):
            self.stop({"QueryExecutionId": query_id})
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, live: _Live) -> None:
        """Run one execution, in a thread of the pool."""
        execution = live.execution
        with self._lock:
            if execution.final:
                self._live.pop(execution.id, None)
                return
            execution.state, execution.started = RUNNING, time.time()
        try:
            self._run.run(execution, self._workgroups.find(execution.workgroup), live.cancel)
        except Stopped:
            self._end(live, CANCELLED, CANCELLED_BY_USER)
        except QueryError as error:
            if error.code == _SCAN_LIMIT_CODE:
                self._end(live, CANCELLED, SCAN_LIMIT)
            else:
                self._end(live, FAILED, str(error), athena_error(error))
        except Exception as error:
            _log.exception("query %s", execution.id)
            told = athena_error(error)
            self._end(live, FAILED, told["ErrorMessage"], told)
        else:
            self._end(live, SUCCEEDED)
        finally:
            self._leave(live)

    def _leave(self, live: _Live) -> None:
        execution = live.execution
        with self._lock:
            self._live.pop(execution.id, None)
        if execution.state != SUCCEEDED:
            self._run.discard(execution.id)
        self._forget_the_oldest()

    def _end(self, live: _Live, state: str, reason: str | None = None, error: Shape | None = None) -> None:
        """Give an execution its last state, unless it has one."""
        execution = live.execution
        with self._lock:
            if execution.final:
                return
            execution.completed = time.time()
            execution.state, execution.reason, execution.error = state, reason, error
            if state != SUCCEEDED:
                execution.spool = None
            self._store.put(KIND, execution.id, execution.record())
            if state == SUCCEEDED and execution.substatement_type == "SELECT":
                self._store.put(
                    _REUSABLE, _reuse_key(execution), {"id": execution.id, "completed": execution.completed}
                )

    def _reuse(self, request: Shape, execution: Execution) -> None:
        """Give an execution the result of an earlier one, where the request allows that.

        Source: Athena User Guide, "Reuse query results": the statement, the catalog, the database and the workgroup
        are the same, and the earlier result is not older than asked for (60 minutes where nothing is said). Results
        that Athena keeps itself are not reused.
        """
        wish = request.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
        if not wish.get("Enabled") or execution.location is None:
            return
        known = self._store.get(_REUSABLE, _reuse_key(execution))
        if known is None or execution.submitted - known["completed"] > wish.get("MaxAgeInMinutes", 60) * 60:
            return
        record = self._store.get(KIND, known["id"])
        if record is None:
            return
        earlier = Execution.read(record)
        execution.state, execution.reused = SUCCEEDED, True
        execution.started = execution.planned = execution.ran = execution.submitted
        execution.completed = time.time()
        execution.statement_type, execution.substatement_type = earlier.statement_type, earlier.substatement_type
        execution.output, execution.spool, execution.columns = earlier.output, earlier.spool, earlier.columns
        execution.rows, execution.update_count = earlier.rows, earlier.update_count

    def _forget_the_oldest(self) -> None:
        surplus = self._store.count(KIND) - self._capacity.remembered
        for query_id in self._store.keys(KIND)[:surplus] if surplus > 0 else ():
            record = self._store.get(KIND, query_id)
            if record is not None and query_id not in self._live:
                self._forget(Execution.read(record))

    def _forget(self, execution: Execution) -> None:
        self._store.delete(_TOKEN, execution.token)
        key = _reuse_key(execution)
        reusable = self._store.get(_REUSABLE, key)
        if reusable is not None and reusable["id"] == execution.id:
            self._store.delete(_REUSABLE, key)
        self._store.delete(KIND, execution.id)
        self._run.discard(execution.id)

    def _give_up_what_was_interrupted(self) -> None:
        """After `kill -9`, what was queued or running is not any more."""
        for record in self._store.values(KIND):
            if record["state"] in (QUEUED, RUNNING):
                error = QueryError("GENERIC_INTERNAL_ERROR", "The endpoint ended while the query ran.", category=1)
                told = {"reason": str(error), "error": athena_error(error), "completed": time.time()}
                self._store.put(KIND, record["id"], {**record, **told, "state": FAILED, "spool": None})


def _new(request: Shape, group: Shape, location: str | None, token: str) -> Execution:
    context = request.get("QueryExecutionContext", {})
    if "Catalog" in context:
        context = {**context, "Catalog": context["Catalog"].lower()}
    settings = {
        "QueryExecutionContext": context,
        "ResultConfiguration": _result_configuration(request, group),
        "ResultReuseConfiguration": request.get(
            "ResultReuseConfiguration", {"ResultReuseByAgeConfiguration": {"Enabled": False}}
        ),
    }
    if is_managed(group):
        settings["ManagedQueryResultsConfiguration"] = {"Enabled": True}
    execution = Execution(
        id=str(uuid.uuid4()),
        token=token,
        statement=request["QueryString"],
        workgroup=group["Name"],
        settings=settings,
        location=location,
        output=None,
        statement_type=kind(request["QueryString"]),
        submitted=time.time(),
        parameters=request.get("ExecutionParameters", []),
    )
    execution.name_output()
    return execution


def _result_configuration(request: Shape, group: Shape) -> Shape:
    own = group["Configuration"]["ResultConfiguration"]
    if is_managed(group) or (own and group["Configuration"]["EnforceWorkGroupConfiguration"]):
        return own
    return {**own, **request.get("ResultConfiguration", {})}


def _asked(request: Shape) -> str:
    """What must be equal when a request token comes again (the project athena-local, measurements of the token)."""
    parts = [request["QueryString"], request.get("QueryExecutionContext"), request.get("ResultConfiguration")]
    return _digest(parts)


def _reuse_key(execution: Execution) -> str:
    context = execution.settings["QueryExecutionContext"]
    return _digest([execution.statement, execution.parameters, context, execution.workgroup])


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
