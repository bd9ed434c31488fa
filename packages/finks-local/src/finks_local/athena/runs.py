"""One query from its statement to its files: the engine's outcome becomes a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Event
from typing import Any, Final, Protocol

from finks_local.athena.catalogs import check_catalog
from finks_local.athena.execution import Execution
from finks_local.athena.failures import invalid
from finks_local.athena.result_metadata import encode
from finks_local.athena.results import Results
from finks_local.athena.saved import PreparedStatements
from finks_local.engine.request import Outcome, Request
from finks_local.sql.errors import QueryError
from finks_local.sql.text import column_info

_DEFAULT_DATABASE: Final = "default"
_NO_PLACE: Final = "s3://managed-results-have-no-bucket"
"""Where a CTAS without a location would go if Athena keeps the results itself: it fails, and this says why."""

_WRITES: Final = {
    "CREATE_TABLE_AS_SELECT": "CREATE TABLE", "INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE",
    "MERGE": "MERGE",
}  # fmt: skip
"""Statements that write rows, and what their companion file calls that."""
_ROWS: Final = {
    "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": "rows", "Label": "rows", "Type": "bigint",
    "Precision": 19, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False,
}  # fmt: skip
"""What a statement that writes has in place of columns."""

Shape = dict[str, Any]


class Stopped(Exception):  # noqa: N818
    """A query was stopped while it ran."""


class QueryEngine(Protocol):
    """What runs statements."""

    def run(self, statement: str, request: Request) -> Outcome:
        """Run one, until the request's `cancel` is set; the rows of a query are still to be taken."""
        ...


class QueryRun:
    """Runs executions.

    Args:
        engine: What runs their statements.
        check: Raises `QueryError` if a statement cannot be read.
        results: Where their results go.
        prepared: The prepared statements that they may use and make.
    """

    def __init__(
        self, engine: QueryEngine, check: Callable[[str], None], results: Results, prepared: PreparedStatements
    ) -> None:
        self._engine = engine
        self._check = check
        self._results = results
        self._prepared = prepared

    def check(self, request: Shape) -> None:
        """Refuse at once what Athena refuses at once: another catalog, and a statement that is not SQL.

        Raises:
            ServiceError: `InvalidRequestException`, the second with the code `MALFORMED_QUERY`.
        """
        check_catalog(request.get("QueryExecutionContext", {}).get("Catalog", "awsdatacatalog"))
        try:
            self._check(request["QueryString"])
        except QueryError as error:
            raise invalid(error.message, "MALFORMED_QUERY") from None

    def discard(self, query_id: str) -> None:
        """Remove a query's result."""
        self._results.discard(query_id)

    def run(self, execution: Execution, group: Shape, cancel: Event) -> None:
        """Run an execution and fill in what came of it.

        Raises:
            QueryError: It failed.
            Stopped: It was stopped.
        """
        request = Request(
            query_id=execution.id,
            database=execution.settings["QueryExecutionContext"].get("Database", _DEFAULT_DATABASE).lower(),
            now=datetime.fromtimestamp(execution.submitted, UTC),
            staging=f"{execution.location or _NO_PLACE}/",
            parameters=tuple(execution.parameters),
            scan_limit=group["Configuration"].get("BytesScannedCutoffPerQuery"),
            cancel=cancel,
            prepared=self._prepared.texts(execution.workgroup),
        )
        outcome = self._engine.run(execution.statement, request)
        try:
            self._take(execution, outcome, cancel)
        finally:
            execution.bytes_scanned = outcome.bytes_scanned()
            outcome.close()

    def _take(self, execution: Execution, outcome: Outcome, cancel: Event) -> None:
        def stop() -> None:
            if cancel.is_set():
                raise Stopped

        execution.planned = time.time()
        execution.statement_type, execution.substatement_type = outcome.statement_type, outcome.substatement_type
        execution.name_output()
        execution.update_count = _update_count(outcome)
        if outcome.substatement_type in _WRITES:
            execution.columns = [_ROWS]
        elif outcome.columns:
            execution.columns, execution.spool = column_info(outcome.columns), execution.id
            header = outcome.statement_type == "DML"
            written = self._results.write(
                execution.id, outcome.columns, outcome.batches, execution.output, stop, header=header
            )
            execution.rows, execution.bytes_written = written.rows, written.bytes
        elif execution.output is not None and execution.output.endswith(".txt"):
            self._results.put(execution.output, b"")
        stop()
        execution.ran = time.time()
        if execution.output is not None:
            self._write_companions(execution, execution.output, outcome)
        if outcome.prepare is not None:
            self._prepared.keep(execution.workgroup, *outcome.prepare)

    def _write_companions(self, execution: Execution, output: str, outcome: Outcome) -> None:
        if execution.columns:
            change = _WRITES.get(outcome.substatement_type or "", "")
            companion = encode(execution.id, execution.columns, change, outcome.update_count or 0)
            self._results.put(f"{output}.metadata", companion)
        if outcome.data_manifest:
            execution.manifest = f"{output.removesuffix('.csv')}-manifest.csv"
            self._results.put(execution.manifest, "".join(f"{file}\n" for file in outcome.data_manifest).encode())


def _update_count(outcome: Outcome) -> int | None:
    """A query and SHOW change nothing; DDL does not say."""
    if outcome.update_count is not None:
        return outcome.update_count
    return None if outcome.statement_type == "DDL" else 0


def result_set(execution: Execution, rows: list[list[str | None]]) -> Mapping[str, Any]:
    """`ResultSet` of the API reference."""
    data = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
    return {"Rows": data, "ResultSetMetadata": {"ColumnInfo": execution.columns}}
