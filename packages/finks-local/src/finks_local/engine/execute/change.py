"""UPDATE, DELETE and MERGE of Iceberg tables: the rows that change are found once, their files are written anew.

The changes stand in a temporary table: which row of which file, and what comes in its place. Files without a changed
row are not touched. One commit takes the old files out and the new ones in; it fails if somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyiceberg.manifest import DataFile
from sqlglot import exp

from finks_local.engine.ddl.statements import RowChange
from finks_local.engine.execute.create import ROWS
from finks_local.engine.execute.targets import DELETE, INSERT, UPDATE, Clause, Target, assignments, new_row, target_of
from finks_local.engine.failures import told
from finks_local.engine.request import DML, Outcome
from finks_local.engine.scan.iceberg import ROW, iceberg_relation
from finks_local.engine.storage import bare, name
from finks_local.engine.workspace import Workspace
from finks_local.engine.write import iceberg
from finks_local.engine.write.columns import numbered
from finks_local.sql.errors import QueryError
from finks_local.sql.parse import parse
from finks_local.sql.types import Column

_CHANGES: Final = "finks_changes"
_FIRST_COLUMN: Final = 3
"""Before a query's columns of the target stand the file, the row and the clause's number."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The clauses, and the query of the rows for which one of them holds.

    Args:
        query: Gives file, row, number of the clause, the target's columns, then each clause's values.
    """

    clauses: tuple[Clause, ...]
    query: exp.Select


def change_rows(workspace: Workspace, statement: RowChange) -> Outcome:
    """UPDATE, DELETE or MERGE.

    Raises:
        QueryError: TABLE_NOT_FOUND; NOT_SUPPORTED: the table is not Iceberg's; MERGE_TARGET_ROW_MULTIPLE_MATCHES;
            ICEBERG_COMMIT_ERROR.
    """
    tree = parse(statement.text)
    if not isinstance(tree, exp.Update | exp.Delete | exp.Merge):
        raise QueryError("SYNTAX_ERROR", f"line 1:1: Expecting: {statement.kind}")
    target = target_of(workspace, tree)
    changes = _merge(target, tree) if isinstance(tree, exp.Merge) else _update_or_delete(target, tree)
    sql, columns = workspace.translated(changes.query)
    with told(f"{target.database}.{target.name}"):
        workspace.duck.execute(f"create temp table {_CHANGES} as {_changes_select(target, changes, sql, columns)}")
    if isinstance(tree, exp.Merge):
        _check_single_matches(workspace)
    count = _number(workspace, f"select count(*) from {_CHANGES}")  # noqa: S608
    files = _rewrite(workspace, target) if count else []
    return Outcome(DML, statement.kind, ROWS, update_count=count, data_manifest=tuple(f.file_path for f in files))


def _update_or_delete(target: Target, tree: exp.Update | exp.Delete) -> Changes:
    update = isinstance(tree, exp.Update)
    clause = Clause(UPDATE, assignments(target, tree.expressions)) if update else Clause(DELETE)
    query = _select(target, exp.Literal.number(1), [[*clause.values.values()]]).from_(target.rows)
    condition = tree.args.get("where")
    return Changes((clause,), query.where(condition.this) if condition is not None else query)


def _select(target: Target, number: exp.Expr, values: Sequence[Sequence[exp.Expr]]) -> exp.Select:
    own = [target.column(column.name) for column in target.columns]
    return exp.Select(expressions=[*target.place, number, *own, *(value for of in values for value in of)])


def _merge(target: Target, tree: exp.Merge) -> Changes:
    clauses: list[Clause] = []
    cases: list[exp.Expr] = []
    for when in tree.args["whens"].expressions:
        clause = _clause(target, when)
        matched = exp.Is(this=target.column(ROW), expression=exp.Null())
        holds: exp.Expr = matched if clause.kind == INSERT else exp.Not(this=matched)
        if clause.condition is not None:
            holds = exp.and_(holds, exp.paren(clause.condition.copy()))
        clauses.append(clause)
        cases.append(exp.If(this=holds, true=exp.Literal.number(len(clauses))))
    number = exp.Case(ifs=cases)
    values = [
        [_when(number, i, value) for value in clause.values.values()] for i, clause in enumerate(clauses, start=1)
    ]
    query = _select(target, number, values).from_(tree.args["using"])
    query = query.join(target.rows, on=tree.args["on"], join_type="left")
    return Changes(tuple(clauses), query.where(exp.Not(this=exp.Is(this=number.copy(), expression=exp.Null()))))


def _when(number: exp.Expr, wanted: int, value: exp.Expr) -> exp.Expr:
    """The value where the clause of that number holds: elsewhere it might not even be computable."""
    holds = exp.EQ(this=number.copy(), expression=exp.Literal.number(wanted))
    return exp.Case(ifs=[exp.If(this=holds, true=value.copy())])


def _clause(target: Target, when: Any) -> Clause:
    then, condition = when.args["then"], when.args.get("condition")
    if when.args.get("source"):
        raise QueryError("SYNTAX_ERROR", "WHEN NOT MATCHED BY SOURCE is not Trino's")
    if isinstance(then, exp.Update):
        return Clause(UPDATE, assignments(target, then.expressions), condition)
    if isinstance(then, exp.Insert):
        return Clause(INSERT, _inserted(target, then), condition)
    return Clause(DELETE, {}, condition)


def _inserted(target: Target, then: exp.Insert) -> dict[str, exp.Expr]:
    known = [column.name for column in target.columns]
    listed = then.this.expressions if isinstance(then.this, exp.Tuple) else None
    names = [column.name.lower() for column in listed] if listed is not None else known
    values = then.expression.expressions if isinstance(then.expression, exp.Tuple) else [then.expression]
    for one in names:
        if one not in known:
            raise QueryError("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {one}")
        if names.count(one) > 1:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Insert column name is specified more than once: {one}")
    if len(names) != len(values):
        message = f"MERGE INSERT has {len(names)} columns but {len(values)} values"
        raise QueryError("TYPE_MISMATCH", message)
    return dict(zip(names, values, strict=True))


def _changes_select(target: Target, changes: Changes, sql: str, found: Sequence[Column]) -> str:
    """The rows of the table of changes: file, row, whether a row comes in its place, and that row."""
    position = _FIRST_COLUMN + len(target.columns)
    rows: list[list[str]] = []
    for clause in changes.clauses:
        positions = {column: position + i for i, column in enumerate(clause.values)}
        position += len(positions)
        rows.append(new_row(target, clause, positions, found))
    numbers = range(1, len(rows) + 1)
    kept = [str(i) for i, clause in zip(numbers, changes.clauses, strict=True) if clause.kind != DELETE]
    values = [
        "case c2 " + " ".join(f"when {i} then {row[j]}" for i, row in zip(numbers, rows, strict=True)) + " end"
        for j in range(len(target.columns))
    ]
    named = [f"{value} as {name(c.name)}" for value, c in zip(values, target.columns, strict=True)]
    stays = f"c2 in ({', '.join(kept)})" if kept else "false"
    facts = ["c0 as finks_path", "c1 as finks_row", f"{stays} as finks_stays"]
    return f"select {', '.join([*facts, *named])} from {numbered(sql, len(found))}"  # noqa: S608


def _check_single_matches(workspace: Workspace) -> None:
    twice = (
        f"select count(*) from (select 1 from {_CHANGES} where finks_path is not null"  # noqa: S608
        " group by finks_path, finks_row having count(*) > 1)"
    )
    if _number(workspace, twice):
        message = "One MERGE target table row matched more than one source row"
        raise QueryError("MERGE_TARGET_ROW_MULTIPLE_MATCHES", message)


def _number(workspace: Workspace, sql: str) -> int:
    with told():
        row: Any = workspace.duck.execute(sql).fetchone()
    return int(row[0])


def _rewrite(workspace: Workspace, target: Target) -> list[DataFile]:
    """Write what stays of the touched files and what comes new, and commit it."""
    with told(f"{target.database}.{target.name}"):
        touched_rows = workspace.duck.execute(
            f"select distinct finks_path from {_CHANGES} where finks_path is not null"  # noqa: S608
        ).fetchall()
        touched = frozenset(str(row[0]) for row in touched_rows)
        tasks = list(target.table.scan().plan_files())
    old = [task.file for task in tasks if f"s3://{bare(task.file.file_path)}" in touched]
    columns = ", ".join(name(column.name) for column in target.columns)
    sql = f"select {columns} from {_CHANGES} where finks_stays"  # noqa: S608
    if touched:
        relation = iceberg_relation(target.table, workspace.backend.filesystem, only=touched, placed=True)
        same = f't."$path" = c.finks_path and t.{name(ROW)} = c.finks_row'
        kept = f"select {columns} from (select * from ({relation.sql}) t anti join {_CHANGES} c on {same})"  # noqa: S608
        sql = f"{kept} union all {sql}"
    new = iceberg.write_rows(workspace, sql, target.columns, target.table.metadata, target.table.io)
    iceberg.replace(workspace, target.table, old, new)
    return new
