"""The engine: a statement's text in, an outcome out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from finks_local.backend import Backend
from finks_local.engine.ddl import statements as ast
from finks_local.engine.ddl.parse import parse_statement
from finks_local.engine.execute.alter import alter_table
from finks_local.engine.execute.change import change_rows
from finks_local.engine.execute.create import create_table_as
from finks_local.engine.execute.databases import create_database, drop_database, set_properties
from finks_local.engine.execute.insert import insert
from finks_local.engine.execute.maintenance import optimize, vacuum
from finks_local.engine.execute.parameters import bind
from finks_local.engine.execute.partitions import repair
from finks_local.engine.execute.queries import create_view, explain, select
from finks_local.engine.execute.show import describe, show, show_create
from finks_local.engine.execute.tables import create_table, drop
from finks_local.engine.execute.unload import unload
from finks_local.engine.failures import told
from finks_local.engine.request import DDL, Outcome, Request
from finks_local.engine.workspace import Limits, Workspace
from finks_local.sql.errors import SYSTEM, QueryError

Handler = Callable[[Workspace, Any], Outcome]

_HANDLERS: Final[Mapping[type, Handler]] = {
    ast.Query: select,
    ast.Explain: explain,
    ast.CreateView: create_view,
    ast.CreateTableAs: create_table_as,
    ast.Insert: insert,
    ast.RowChange: change_rows,
    ast.Unload: unload,
    ast.CreateDatabase: create_database,
    ast.SetDatabaseProperties: set_properties,
    ast.DropDatabase: drop_database,
    ast.CreateTable: create_table,
    ast.Drop: drop,
    ast.AlterTable: alter_table,
    ast.Repair: repair,
    ast.Show: show,
    ast.ShowCreate: show_create,
    ast.Describe: describe,
    ast.Optimize: optimize,
    ast.Vacuum: vacuum,
}


class Engine:
    """Runs statements of Athena on a Glue catalog and S3. Many threads may use one engine.

    Args:
        backend: Where the catalog and the data are.
        limits: What each statement may use of the machine.
    """

    def __init__(self, backend: Backend, limits: Limits | None = None) -> None:
        self._backend = backend
        self._limits = limits or Limits()

    def run(self, statement: str, request: Request) -> Outcome:
        """Run one statement. The rows of a query come as its outcome's batches are taken; then close the outcome.

        Raises:
            QueryError: With Athena's code and text. A statement that failed has changed nothing in the catalog.
        """
        parsed = _parsed(statement, request)
        if isinstance(parsed, ast.Prepare):
            return Outcome(DDL, "PREPARE", prepare=(parsed.name, parsed.statement))
        if isinstance(parsed, ast.Deallocate):
            _prepared(request, parsed.name)
            return Outcome(DDL, "DEALLOCATE_PREPARE", prepare=(parsed.name, ""))
        workspace = Workspace(self._backend, request, self._limits)
        try:
            outcome = self._handle(workspace, parsed)
        except BaseException:
            workspace.close()
            raise
        outcome.bytes_scanned = lambda: workspace.meter.scanned
        outcome.close = workspace.close
        return outcome

    def _handle(self, workspace: Workspace, parsed: ast.Statement) -> Outcome:
        handler = _HANDLERS[type(parsed)]
        try:
            workspace.meter.check()
            with told():
                return handler(workspace, parsed)
        except QueryError:
            # What was interrupted may tell of anything: the reason is the request's.
            workspace.meter.check()
            raise
        except Exception as error:
            workspace.meter.check()
            message = f"{type(error).__name__}: {error}"
            raise QueryError("GENERIC_INTERNAL_ERROR", message, category=SYSTEM) from error


def _parsed(statement: str, request: Request) -> ast.Statement:
    parsed = parse_statement(statement)
    if isinstance(parsed, ast.Execute):
        return parse_statement(bind(_prepared(request, parsed.name), parsed.values or request.parameters))
    return parse_statement(bind(statement, request.parameters)) if request.parameters else parsed


def _prepared(request: Request, name: str) -> str:
    text = request.prepared.get(name)
    if text is None:
        raise QueryError("NOT_FOUND", f"Prepared statement not found: {name}")
    return text
