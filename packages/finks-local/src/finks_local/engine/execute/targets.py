"""The table whose rows a statement changes, and the clauses that say how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pyiceberg.table import Table
from sqlglot import exp

from finks_local.engine import metastore
from finks_local.engine.scan.iceberg import ROW, iceberg_columns, iceberg_relation
from finks_local.engine.workspace import Workspace
from finks_local.engine.write.columns import fitted
from finks_local.sql.coercion import converts
from finks_local.sql.errors import QueryError
from finks_local.sql.translate import TableRef
from finks_local.sql.types import Column

UPDATE: Final = "update"
DELETE: Final = "delete"
INSERT: Final = "insert"

_DATABASE: Final = "$target"
"""Under this name the target is read row by row; under its own name it stays readable for subqueries."""


@dataclass(frozen=True, slots=True)
class Target:
    """The table.

    Args:
        alias: By which the statement calls it.
        columns: Those that are not hidden.
    """

    database: str
    name: str
    alias: str
    table: Table
    columns: tuple[Column, ...]

    @property
    def rows(self) -> exp.Table:
        """The table for a FROM clause, its rows with their places."""
        return exp.Table(
            this=exp.to_identifier(self.name, quoted=True),
            db=exp.to_identifier(_DATABASE, quoted=True),
            alias=exp.TableAlias(this=exp.to_identifier(self.alias, quoted=True)),
        )

    def column(self, name: str) -> exp.Column:
        """One of its columns."""
        return exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(self.alias, quoted=True))

    @property
    def place(self) -> list[exp.Column]:
        """The file and the row in it."""
        return [self.column("$path"), self.column(ROW)]


@dataclass(frozen=True, slots=True)
class Clause:
    """What becomes of a row.

    Args:
        kind: Update, delete or insert.
        values: New values by column.
        condition: Of the clause alone; None is always.
    """

    kind: str
    values: Mapping[str, exp.Expr] = field(default_factory=dict)
    condition: exp.Expr | None = None


def target_of(workspace: Workspace, tree: exp.Expr) -> Target:
    """The target of an UPDATE, DELETE or MERGE.

    Raises:
        QueryError: TABLE_NOT_FOUND; NOT_SUPPORTED: its rows cannot change.
    """
    written: Any = tree.this
    database = (written.db or workspace.request.database).lower()
    name = written.name.lower()
    row = workspace.catalog.table(database, name)
    if not metastore.is_iceberg(row):
        message = f"Modifying Hive table rows is only supported for transactional tables: {database}.{name}"
        raise QueryError("NOT_SUPPORTED", message)
    table = workspace.iceberg(database, name)
    columns = tuple(column for column in iceberg_columns(table.schema()) if not column.hidden)
    reference = TableRef(_DATABASE, name, None, None, None)
    workspace.give(reference, iceberg_relation(table, workspace.backend.filesystem, placed=True))
    return Target(database, name, (written.alias or name).lower(), table, columns)


def assignments(target: Target, equations: Sequence[exp.Expr]) -> dict[str, exp.Expr]:
    """The values of a SET list by column.

    Raises:
        QueryError: COLUMN_NOT_FOUND, DUPLICATE_COLUMN_NAME.
    """
    known = {column.name for column in target.columns}
    found: dict[str, exp.Expr] = {}
    for equation in equations:
        name = equation.this.name.lower()
        if name not in known:
            raise QueryError("COLUMN_NOT_FOUND", f"The UPDATE SET target column {name} doesn't exist")
        if name in found:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Multiple assignments for column '{name}'")
        found[name] = equation.expression
    return found


def new_row(target: Target, clause: Clause, positions: Mapping[str, int], found: Sequence[Column]) -> list[str]:
    """The values of a changed row's columns, as DuckDB expressions over the numbered columns of the query.

    Args:
        positions: Of the clause's values among the query's columns.
        found: The query's columns.

    Raises:
        QueryError: TYPE_MISMATCH.
    """
    given = [found[position] for position in positions.values()]
    wanted = [column for name in positions for column in target.columns if column.name == name]
    if not all(converts(one.type, other.type) for one, other in zip(given, wanted, strict=True)):
        told = [", ".join(column.type.trino for column in columns) for columns in (wanted, given)]
        what = "Insert query has mismatched" if clause.kind == INSERT else "UPDATE table column types don't match SET"
        message = f"{what} column types: Table: [{told[0]}], Query: [{told[1]}]"
        raise QueryError("TYPE_MISMATCH", message)
    return [
        fitted(positions[column.name], found[positions[column.name]].type, column.type)
        if column.name in positions
        else _kept(clause, column, 3 + i)
        for i, column in enumerate(target.columns)
    ]


def _kept(clause: Clause, column: Column, position: int) -> str:
    return f"c{position}" if clause.kind == UPDATE else f"cast(null as {column.type.duckdb})"
