"""SELECT, EXPLAIN and views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from finks_local.engine import metastore
from finks_local.engine.ddl.parse import parse_statement
from finks_local.engine.ddl.reader import Name
from finks_local.engine.ddl.statements import CreateView, Explain, Query, Unload
from finks_local.engine.query import parsed
from finks_local.engine.request import DDL, DML, UTILITY, Outcome
from finks_local.engine.views import View, view_row
from finks_local.engine.workspace import Workspace
from finks_local.sql.errors import QueryError
from finks_local.sql.types import VARCHAR, Column


def select(workspace: Workspace, statement: Query) -> Outcome:
    """SELECT, VALUES, WITH, TABLE."""
    rows = workspace.run(parsed(statement.text))
    return Outcome(DML, "SELECT", rows.columns, rows.batches)


def lines(column: str, values: Iterable[str]) -> tuple[tuple[Column, ...], Iterable[pa.RecordBatch]]:
    """A result of one column of text."""
    return texts((column,), ((value,) for value in values))


def texts(
    names: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> tuple[tuple[Column, ...], Iterable[pa.RecordBatch]]:
    """A result of columns of text."""
    columns = tuple(Column(name, VARCHAR) for name in names)
    listed = list(rows)
    arrays = [pa.array([row[i] for row in listed], pa.string()) for i in range(len(names))]
    return columns, [pa.RecordBatch.from_arrays(arrays, names=list(names))]


def explain(workspace: Workspace, statement: Explain) -> Outcome:
    """EXPLAIN: DuckDB's plan of the translated query, and the translation; EXPLAIN ANALYZE runs it.

    Raises:
        QueryError: NOT_SUPPORTED: another format than text, or another statement than a query.
    """
    wanted = statement.options.get("FORMAT", "TEXT")
    kind = statement.options.get("TYPE", "LOGICAL")
    inner = parse_statement(statement.statement)
    if wanted != "TEXT" or kind not in {"LOGICAL", "DISTRIBUTED", "VALIDATE"} or not isinstance(inner, Query | Unload):
        raise QueryError("NOT_SUPPORTED", f"EXPLAIN (TYPE {kind}, FORMAT {wanted}) of this statement")
    query = inner.text if isinstance(inner, Query) else inner.query
    sql, _ = workspace.translated(parsed(query))
    if kind == "VALIDATE":
        plan = ["true"]
    else:
        prefix = "explain analyze " if statement.analyze else "explain "
        plan = "\n".join(str(row[1]) for row in workspace.duck.execute(prefix + sql).fetchall()).splitlines()
    columns, batches = lines("Query Plan", [*plan, "", "DuckDB:", *sql.splitlines()] if kind != "VALIDATE" else plan)
    return Outcome(UTILITY, "EXPLAIN", columns, iter(batches))


def create_view(workspace: Workspace, statement: CreateView) -> Outcome:
    """CREATE [OR REPLACE] VIEW.

    Raises:
        QueryError: VIEW_ALREADY_EXISTS, TABLE_ALREADY_EXISTS, or what the query's analysis says.
    """
    database, table = place(workspace, statement.name)
    workspace.catalog.database(database)
    _, columns = workspace.translated(parsed(statement.query))
    _check_names(columns)
    existing = workspace.catalog.find(database, table)
    if existing is not None and not metastore.is_view(existing):
        raise QueryError("TABLE_ALREADY_EXISTS", f"Table already exists: awsdatacatalog.{database}.{table}")
    if existing is not None and not statement.replace:
        raise QueryError("VIEW_ALREADY_EXISTS", f"View already exists: awsdatacatalog.{database}.{table}")
    row = view_row(table, View(statement.query.strip(), workspace.request.database, columns))
    if existing is None:
        workspace.catalog.create_table(database, row)
    else:
        workspace.catalog.update_table(database, row)
    return Outcome(DDL, "CREATE_VIEW")


def _check_names(columns: Sequence[Column]) -> None:
    names: set[str] = set()
    for position, column in enumerate(columns, start=1):
        if column.name == f"_col{position - 1}" or not column.name:
            raise QueryError("MISSING_COLUMN_NAME", f"Column name not specified at position {position}")
        if column.name in names:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Column name '{column.name}' specified more than once")
        names.add(column.name)


def place(workspace: Workspace, name: Name) -> tuple[str, str]:
    """Database and table of a name as written."""
    return name.database or workspace.request.database, name.table
