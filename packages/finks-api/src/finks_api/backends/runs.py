"""One query on Athena: started once, waited for, read from its result's file.

A request token makes a start repeatable: Athena answers the same token with the same execution (Amazon Athena API
reference, StartQueryExecution). So a lost answer, a process that dies after the start, and two processes at once all
come by one execution, and nothing has to be locked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
from botocore.exceptions import ClientError
from finks.lake.athena_rows import read_rows
from finks.lake.aws import Aws
from finks.observe import span

from finks_api.backends.executions import Execution, Executions
from finks_api.backends.protocol import StillRunning
from finks_api.problems import Problem

CALL_ATTEMPTS: Final = 3
"""How often one call is tried: a caller waits, so the core's patience would be too much."""

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 1.6
_STARTS: Final = 3
_TOO_MUCH_SECONDS: Final = 3600
_BUSY: Final = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException"})
_SCAN_LIMIT: Final = "bytes scanned limit"
_LOG: Final = logging.getLogger("finks.api")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the API uses Athena.

    Attributes:
        key: Signs the request tokens: the same in all processes of an API, and known to nobody else. Athena gives the
            execution of a token to whoever sends it, whatever tables that caller may read.
        output: `s3://bucket/prefix` for results.
        workgroup: A workgroup of the API's own, so that it cannot take a nightly run's place.
        wait: Seconds after which a query counts as still running.
        max_bytes: The most bytes that one query may scan. The workgroup's own limit holds too.
    """

    key: bytes
    output: str
    workgroup: str
    wait: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as Athena gets it.

    Attributes:
        parameters: A literal for each `?`.
        schema: The columns of the result and their types.
    """

    sql: str
    parameters: Sequence[str]
    schema: pa.Schema


class QueryFailed(Exception):  # noqa: N818 - it is what Athena calls it
    """The query failed or was cancelled; the next call starts it anew. Its text is for the log alone.

    Args:
        retryable: Athena says that the same query may work later.
    """

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


class _Gone(Exception):  # noqa: N818 - nothing is wrong
    """What is known of the query is of no use any more: it failed before, or its result was removed."""


class Runs:
    """The queries of an API.

    Args:
        aws: The account.
        options: How Athena is used.
        executions: What is known of queries.
    """

    def __init__(self, aws: Aws, options: RunOptions, executions: Executions) -> None:
        self._aws = aws
        self._options = options
        self._executions = executions

    def read(self, asked: Asked) -> pa.Table:
        """The rows of a query.

        Raises:
            StillRunning: It did not end in `wait` seconds. The same call goes on waiting for it.
            QueryFailed: It failed, or was refused.
            Problem: `busy` or `too-much-data`.
            ClientError, BotoCoreError: AWS refuses a call, or cannot be reached.
        """
        query = self._digest(asked)
        wait = _Wait(self._options.wait)
        with span("Athena query", workgroup=self._options.workgroup), _asking():
            for _ in range(_STARTS):
                run = self._started(asked, query)
                try:
                    return self._rows(run, asked, query, wait)
                except _Gone:
                    self._executions.note(query, Execution(run.attempt + 1))
        raise QueryFailed("its result is gone every time it was made")

    def _digest(self, asked: Asked) -> str:
        options = self._options
        return self._signed([options.workgroup, options.output, asked.sql, *asked.parameters])

    def _signed(self, told: Sequence[str]) -> str:
        return hmac.new(self._options.key, json.dumps(told).encode(), hashlib.sha256).hexdigest()

    def _started(self, asked: Asked, query: str) -> Execution:
        known = self._executions.find(query)
        if known.id is not None:
            return known
        request: dict[str, Any] = {
            "QueryString": asked.sql,
            "WorkGroup": self._options.workgroup,
            "ResultConfiguration": {"OutputLocation": self._options.output},
            "ClientRequestToken": self._signed([query, str(known.attempt)]),
        }
        if asked.parameters:
            request["ExecutionParameters"] = list(asked.parameters)
        try:
            started = self._athena.start_query_execution(**request)
        except self._athena.exceptions.InvalidRequestException as error:
            raise QueryFailed(f"refused: {error}") from None
        run = replace(known, id=started["QueryExecutionId"])
        self._executions.note(query, run)
        return run

    def _rows(self, run: Execution, asked: Asked, query: str, wait: _Wait) -> pa.Table:
        result = run.result or self._result(run, query, wait)
        bucket, _, key = result.removeprefix("s3://").partition("/")
        client = self._aws.client("s3", attempts=CALL_ATTEMPTS)
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            raise _Gone from None
        return read_rows(pa.BufferReader(body), asked.schema)

    def _result(self, run: Execution, query: str, wait: _Wait) -> str:
        """Where the rows are, once the query has succeeded."""
        ended = self._ended(run, wait)
        status, scanned = ended["Status"], _scanned(ended)
        reason = f"{status['State']} {status.get('StateChangeReason', '')}"
        too_much = scanned > self._options.max_bytes or _SCAN_LIMIT in reason.lower()
        if status["State"] == "SUCCEEDED" and not too_much:
            _LOG.info("Athena query %s scanned %d bytes", run.id, scanned)
            result = ended["ResultConfiguration"]["OutputLocation"]
            self._executions.note(query, replace(run, result=result))
            return result
        # It would be paid for again, so what scanned too much is not started anew at once.
        if status["CompletionDateTime"].timestamp() < wait.began - too_much * _TOO_MUCH_SECONDS:
            raise _Gone
        _LOG.error("Athena query %s: %s; scanned %d bytes", run.id, reason, scanned)
        if too_much:
            raise _too_much()
        self._executions.note(query, Execution(run.attempt + 1))
        raise QueryFailed(reason, retryable=status.get("AthenaError", {}).get("Retryable", False))

    def _ended(self, run: Execution, wait: _Wait) -> Mapping[str, Any]:
        """The execution in its last state."""
        while True:
            try:
                found = self._athena.get_query_execution(QueryExecutionId=run.id)["QueryExecution"]
            except self._athena.exceptions.InvalidRequestException:
                raise _Gone from None  # Athena forgets an execution after 45 days
            if found["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return found
            if _scanned(found) > self._options.max_bytes:
                _LOG.error("Athena query %s was stopped: it had scanned %d bytes", run.id, _scanned(found))
                self._athena.stop_query_execution(QueryExecutionId=run.id)
                raise _too_much()
            wait.pause()

    @property
    def _athena(self) -> Any:
        return self._aws.client("athena", attempts=CALL_ATTEMPTS)


class _Wait:
    """How long one call waits, in growing steps.

    Attributes:
        began: Seconds since 1970.
    """

    def __init__(self, seconds: float) -> None:
        self.began = time.time()
        self._deadline = time.monotonic() + seconds
        self._next = _FIRST_WAIT

    def pause(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise StillRunning
        time.sleep(min(self._next, left))
        self._next = min(2 * self._next, _LONGEST_WAIT)


@contextmanager
def _asking() -> Generator[None]:
    """Turn throttling into its problem."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _BUSY:
            raise
        _LOG.warning("Athena is busy: %s", error)
        raise Problem("busy", "Too many queries are under way.") from None


def _scanned(execution: Mapping[str, Any]) -> int:
    return execution.get("Statistics", {}).get("DataScannedInBytes", 0)


def _too_much() -> Problem:
    return Problem("too-much-data", "The query would read more than one query may.")
