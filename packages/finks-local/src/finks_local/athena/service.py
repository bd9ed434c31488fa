"""Athena's API: every operation that the endpoint serves, by name. The others are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from finks_local.athena.catalogs import Catalogs
from finks_local.athena.execution import FAILED, SUCCEEDED, Execution
from finks_local.athena.executions import Capacity, Executions
from finks_local.athena.failures import INVALID_INPUT, invalid
from finks_local.athena.model import validate
from finks_local.athena.paging import offset
from finks_local.athena.results import PAGE, Results
from finks_local.athena.runs import QueryEngine, QueryRun, result_set
from finks_local.athena.saved import NamedQueries, PreparedStatements
from finks_local.athena.tags import Tags
from finks_local.athena.workgroups import ENGINE_VERSIONS, WorkGroups
from finks_local.store import Store
from finks_local.wire import Call, Reply, ServiceError

SERVICE: Final = "AmazonAthena"
_BAD_STATE: Final = "INVALID_QUERY_EXECUTION_STATE"
_NO_RESULT: Final = "RESULT_NOT_FOUND"

Shape = dict[str, Any]


class AthenaService:
    """Athena in one region.

    Args:
        engine: What runs statements.
        check: Raises `QueryError` if a statement cannot be read.
        glue: A boto3 client of the Glue catalog, for what clients ask of databases and tables.
        results: Where results go.
        store: What is remembered.
        capacity: How many queries at once.
    """

    def __init__(
        self,
        engine: QueryEngine,
        check: Callable[[str], None],
        glue: Any,
        results: Results,
        store: Store,
        capacity: Capacity | None = None,
    ) -> None:
        self._results = results
        self.workgroups = WorkGroups(store)
        self._named = NamedQueries(store, self.workgroups)
        self._prepared = PreparedStatements(store, self.workgroups)
        self._tags = Tags(store, self.workgroups)
        self._catalogs = Catalogs(glue)
        run = QueryRun(engine, check, results, self._prepared)
        self.executions = Executions(run, store, self.workgroups, capacity)
        self._operations = self._served()

    def answer(self, call: Call) -> Reply:
        """Answer a request.

        Raises:
            ServiceError: It is refused.
        """
        request = validate(call.operation, call.json())
        serve = self._operations.get(call.operation)
        if serve is None:
            raise ServiceError("UnknownOperationException", f"{call.operation} is not supported by this endpoint.")
        return Reply.of(serve(request))

    def close(self) -> None:
        """Stop every query, and wait for it."""
        self.executions.close()

    def _served(self) -> Mapping[str, Callable[[Shape], Shape]]:
        return {
            "StartQueryExecution": self.executions.start,
            "StopQueryExecution": self.executions.stop,
            "GetQueryExecution": self._get_execution,
            "BatchGetQueryExecution": self._get_executions,
            "ListQueryExecutions": self.executions.list,
            "GetQueryResults": self._get_results,
            "GetQueryRuntimeStatistics": self._get_statistics,
            "CreateWorkGroup": self._create_workgroup,
            "GetWorkGroup": self.workgroups.get,
            "ListWorkGroups": self.workgroups.list,
            "UpdateWorkGroup": self.workgroups.update,
            "DeleteWorkGroup": self._delete_workgroup,
            "CreateNamedQuery": self._named.create,
            "GetNamedQuery": self._named.get,
            "BatchGetNamedQuery": self._named.get_batch,
            "ListNamedQueries": self._named.list,
            "UpdateNamedQuery": self._named.update,
            "DeleteNamedQuery": self._named.delete,
            "CreatePreparedStatement": self._prepared.create,
            "GetPreparedStatement": self._prepared.get,
            "BatchGetPreparedStatement": self._prepared.get_batch,
            "ListPreparedStatements": self._prepared.list,
            "UpdatePreparedStatement": self._prepared.update,
            "DeletePreparedStatement": self._prepared.delete,
            "GetDataCatalog": self._catalogs.get,
            "ListDataCatalogs": self._catalogs.list,
            "GetDatabase": self._catalogs.get_database,
            "ListDatabases": self._catalogs.list_databases,
            "GetTableMetadata": self._catalogs.get_table,
            "ListTableMetadata": self._catalogs.list_tables,
            "ListEngineVersions": _list_engine_versions,
            "TagResource": self._tags.tag,
            "UntagResource": self._tags.untag,
            "ListTagsForResource": self._tags.list,
        }

    def _get_execution(self, request: Shape) -> Shape:
        return {"QueryExecution": self.executions.find(request["QueryExecutionId"]).shape()}

    def _get_executions(self, request: Shape) -> Shape:
        found: list[Shape] = []
        missing: list[Shape] = []
        for query_id in request["QueryExecutionIds"]:
            try:
                found.append(self.executions.find(query_id).shape())
            except ServiceError as error:
                told = {"ErrorCode": INVALID_INPUT, "ErrorMessage": error.message}
                missing.append({"QueryExecutionId": query_id, **told})
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def _get_results(self, request: Shape) -> Shape:
        """GetQueryResults; the order of the checks is Athena's (the project athena-local, its document query-results).

        The names of a query's columns count as the first row.
        """
        execution = self.executions.find(request["QueryExecutionId"])
        count = request.get("MaxResults", PAGE)
        if request.get("QueryResultType", "DATA_ROWS") != "DATA_ROWS":
            raise invalid("QueryResultType DATA_MANIFEST is not supported by this endpoint.")
        _require_result(execution)
        start = offset(request, "Malformed nextPageToken ")
        shown = int(execution.has_header)
        rows: list[list[str | None]] = []
        if shown and start == 0:
            rows = [[column["Name"] for column in execution.columns]]
        if execution.spool is not None:
            rows += self._rows(execution.spool, max(0, start - shown), count - len(rows))
        end = start + len(rows)
        more = {"NextToken": str(end)} if rows and end < execution.rows + shown else {}
        counted = {} if execution.update_count is None else {"UpdateCount": execution.update_count}
        return {**counted, "ResultSet": result_set(execution, rows), **more}

    def _rows(self, spool: str, start: int, count: int) -> list[list[str | None]]:
        try:
            return self._results.read(spool, start, count)
        except FileNotFoundError:
            raise invalid("Could not find results", _NO_RESULT) from None

    def _get_statistics(self, request: Shape) -> Shape:
        execution = self.executions.find(request["QueryExecutionId"])
        rows = {
            "InputBytes": execution.bytes_scanned,
            "OutputBytes": execution.bytes_written,
            "OutputRows": execution.rows,
        }
        return {"QueryRuntimeStatistics": {"Timeline": execution.timeline(), "Rows": rows}}

    def _create_workgroup(self, request: Shape) -> Shape:
        made = self.workgroups.create(request)
        self._tags.add(f"workgroup/{request['Name']}", request.get("Tags", []))
        return made

    def _delete_workgroup(self, request: Shape) -> Shape:
        """DeleteWorkGroup; one that has saved queries only with `RecursiveDeleteOption`."""
        name = self.workgroups.find(request["WorkGroup"])["Name"]
        full = self._named.any_in(name) or self._prepared.any_in(name)
        if full and not request.get("RecursiveDeleteOption"):
            raise invalid(f"WorkGroup {name} is not empty")
        self.workgroups.delete(name)
        self._named.forget(name)
        self._prepared.forget(name)
        self._tags.forget(f"workgroup/{name}")
        return {}


def _require_result(execution: Execution) -> None:
    if execution.state == SUCCEEDED:
        return
    if not execution.final:
        raise invalid(f"Query has not yet finished. Current state: {execution.state}", _BAD_STATE)
    if execution.state == FAILED:
        raise invalid(f"Query did not finish successfully. Final query state: {execution.state}", _BAD_STATE)
    raise invalid("Could not find results", _NO_RESULT)


def _list_engine_versions(_request: Shape) -> Shape:
    effective = ENGINE_VERSIONS[-1]
    versions = [{"SelectedEngineVersion": name, "EffectiveEngineVersion": effective} for name in ENGINE_VERSIONS]
    return {"EngineVersions": versions}
