"""Queries that Athena runs: started, watched, capped, and read with exact types and their cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from finks.errors import ConfigurationError, DeadlineExceededError, FinksError, RetryableError
from finks.lake.athena_rows import read_rows, result_schema
from finks.lake.athena_sql import Parameter, literal
from finks.lake.aws import Aws
from finks.lake.aws_errors import told
from finks.lake.dataset import Dataset
from finks.observe import query_comment, span

RESULTS: Final = "athena"
"""Where results go below the lake's address, unless the settings or the workgroup say otherwise."""

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
_OVER: Final = "Make the query read less (columns, partitions, a filter on the event time), or raise the cap."


@dataclass(frozen=True, slots=True)
class AthenaOptions:
    """How Athena is used.

    Attributes:
        workgroup: The workgroup; its own limits and result location hold too.
        output: `s3://bucket/prefix` for results; below the lake's address when None.
        max_bytes: The most bytes that one query may scan; None for no cap but the workgroup's.
        timeout: Seconds after which a query is stopped.
    """

    workgroup: str = "primary"
    output: str | None = None
    max_bytes: int | None = None
    timeout: float = 1800.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a query cost.

    Attributes:
        query_id: Athena's id of the execution.
        bytes_scanned: What Athena charges for.
        engine_seconds: The time that the engine worked.
        reused: Whether an earlier result was reused.
    """

    query_id: str
    bytes_scanned: int
    engine_seconds: float
    reused: bool


class AthenaDataset(Dataset):
    """The result of a query, which runs when one of the methods first asks, and once only.

    Attributes:
        cost: What it cost; None before it ran.
    """

    def __init__(self, run: AthenaQuery) -> None:
        super().__init__("Athena query", self._read)
        self._run = run
        self._rows: pa.Table | None = None
        self.cost: Cost | None = None

    def _read(self) -> pa.Table:
        if self._rows is None:
            self._rows, self.cost = self._run.read()
        return self._rows


@dataclass(frozen=True, slots=True)
class AthenaQuery:
    """One query.

    Attributes:
        query: In Athena's SQL, with the names of Glue. Within a run a comment before it names run and trace.
        database: The Glue database of names without one.
        parameters: The values of its `?`, in their order.
        output: Where the result goes.
    """

    aws: Aws
    options: AthenaOptions
    query: str
    database: str
    parameters: Sequence[Parameter]
    output: str

    def read(self) -> tuple[pa.Table, Cost]:
        """Run it and read its rows.

        Raises:
            ConfigurationError: Athena refused the query, or it would scan more than it may.
            RetryableError: Athena failed; the same query may work later.
            DeadlineExceededError: It took too long and was stopped.
        """
        with span("Athena query", database=self.database) as opened, told():
            execution = self._wait(self._start())
            cost = _cost(execution)
            opened.set(
                query_id=cost.query_id, bytes_scanned=cost.bytes_scanned, engine_seconds=cost.engine_seconds,
                reused=cost.reused,
            )  # fmt: skip
            if execution["Status"]["State"] != "SUCCEEDED":
                raise _failure(execution)
            if self._is_over(cost.bytes_scanned):
                raise self._over(cost)
            return self._rows(execution), cost

    @property
    def _client(self) -> Any:
        return self.aws.client("athena")

    def _start(self) -> str:
        request: dict[str, Any] = {
            "QueryString": query_comment() + self.query,
            "QueryExecutionContext": {"Database": self.database},
            "WorkGroup": self.options.workgroup,
            "ResultConfiguration": {"OutputLocation": self.output},
        }
        if self.parameters:
            request["ExecutionParameters"] = [literal(value) for value in self.parameters]
        client = self._client
        try:
            return client.start_query_execution(**request)["QueryExecutionId"]
        except client.exceptions.InvalidRequestException as error:
            raise ConfigurationError("Athena refused the query.", got=error.response["Error"]["Message"]) from None

    def _wait(self, query_id: str) -> dict[str, Any]:
        """Watch it until it ends; whatever ends the watching early stops the query."""
        deadline = time.monotonic() + self.options.timeout
        wait = _FIRST_WAIT
        try:
            while True:
                execution = self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
                if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                    return execution
                cost = _cost(execution)
                if self._is_over(cost.bytes_scanned):
                    raise self._over(cost)
                if time.monotonic() > deadline:
                    raise DeadlineExceededError(
                        "The query took too long and was stopped.",
                        where=f"Athena query {query_id}",
                        expected=f"at most {self.options.timeout:g} seconds",
                    )
                time.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        except BaseException:
            self._client.stop_query_execution(QueryExecutionId=query_id)
            raise

    def _rows(self, execution: dict[str, Any]) -> pa.Table:
        answer = self._client.get_query_results(QueryExecutionId=execution["QueryExecutionId"], MaxResults=1)
        columns = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        location = execution["ResultConfiguration"]["OutputLocation"]
        with self.aws.files().open_input_stream(location.removeprefix("s3://"), compression=None) as file:
            return read_rows(file, result_schema(columns))

    def _is_over(self, scanned: int) -> bool:
        return self.options.max_bytes is not None and scanned > self.options.max_bytes

    def _over(self, cost: Cost) -> ConfigurationError:
        return ConfigurationError(
            "The query scans more than it may.",
            where=f"Athena query {cost.query_id}",
            expected=f"at most {self.options.max_bytes:,} bytes",
            got=f"{cost.bytes_scanned:,} bytes",
            hint=_OVER,
        )


def _cost(execution: dict[str, Any]) -> Cost:
    statistics = execution.get("Statistics", {})
    return Cost(
        execution["QueryExecutionId"],
        statistics.get("DataScannedInBytes", 0),
        statistics.get("EngineExecutionTimeInMillis", 0) / 1000,
        statistics.get("ResultReuseInformation", {}).get("ReusedPreviousResult", False),
    )


def _failure(execution: dict[str, Any]) -> FinksError:
    """What Athena says of a query that failed or was cancelled (AthenaError, Amazon Athena API reference)."""
    status = execution["Status"]
    reason = status.get("StateChangeReason") or status["State"].lower()
    where = f"Athena query {execution['QueryExecutionId']}"
    if status.get("AthenaError", {}).get("Retryable"):
        return RetryableError("Athena failed.", where=where, got=reason, hint="Run the same query again later.")
    if "bytes scanned limit" in reason.lower():
        return ConfigurationError(
            "The query scans more than its workgroup allows.", where=where, got=reason, hint=_OVER
        )
    return ConfigurationError(
        "The query failed.", where=where, got=reason, hint="Correct the query. It is Athena's SQL, that of Trino."
    )
