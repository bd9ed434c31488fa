"""Queries as sqlglot understands them: every column named with its table, every `*` written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from finks.errors import DataError

Relation = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its scopes.

    Attributes:
        root: The outermost scope.
        columns: The names of its columns, in order.
    """

    root: Scope
    columns: tuple[str, ...]


def read_query(sql: str, dialect: str, known: Mapping[Relation, Sequence[str]]) -> Query:
    """Parse a query and qualify its columns.

    Args:
        known: The columns of every relation that it may read.

    Raises:
        DataError: sqlglot does not understand it.
    """
    schema: dict[str, Any] = {}
    for (database, namespace, name), columns in known.items():
        schema.setdefault(database, {}).setdefault(namespace, {})[name] = dict.fromkeys(columns, "text")
    try:
        tree = qualify(parse_one(sql, dialect=dialect), schema=schema, dialect=dialect)
        root = build_scope(tree)
    except SqlglotError as error:
        raise DataError("A query cannot be read for its lineage.", where=dialect, got=str(error)) from None
    strange = (
        [type(scope.expression).__name__ for scope in root.traverse() if not _is_query(scope)] if root else ["none"]
    )
    if root is None or not isinstance(tree, exp.Query) or strange:
        raise DataError(
            "A query cannot be read for its lineage.", where=dialect, expected="SELECTs", got=", ".join(strange)
        )
    return Query(root, tuple(tree.named_selects))


def relation_of(table: exp.Table) -> Relation:
    """Database, schema and name of a table as a query names it."""
    return table.catalog, table.db, table.name


def body(scope: Scope) -> exp.Query:
    """The query of a scope. `read_query` has made sure that it is one."""
    found = scope.expression
    assert isinstance(found, exp.Query)
    return found


def columns_of(scope: Scope) -> dict[str, exp.Expr]:
    """What a SELECT computes, by the names of its columns."""
    found = body(scope)
    return dict(zip(found.named_selects, found.selects, strict=True))


def branches(scope: Scope) -> list[Scope]:
    """The SELECTs of a scope: itself, or those of its UNION."""
    if not scope.set_operation_scopes:
        return [scope]
    return [branch for part in scope.set_operation_scopes for branch in branches(part)]


def select_of(scope: Scope, position: int) -> exp.Expr:
    """The expression of a SELECT's column."""
    return body(scope).selects[position]


def position_of(scope: Scope, column: str) -> int:
    """Where a column stands in what a scope gives."""
    return body(scope).named_selects.index(column)


def _is_query(scope: Scope) -> bool:
    return isinstance(scope.expression, exp.Query)
