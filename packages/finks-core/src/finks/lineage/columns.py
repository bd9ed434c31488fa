"""Column lineage of a dbt build, from its compiled queries.

A column's value comes from the columns in its expression, through all subqueries. What stands in a filter, a join, a
group or a window's partition and order decides about rows and not about values, so it is `indirect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from finks.errors import DataError
from finks.lineage.model import Column, Columns, Model
from finks.lineage.sql import Query, Relation, branches, position_of, read_query, relation_of, select_of

Leaf = tuple[Relation, str]


def in_order(models: Iterable[Model]) -> list[Model]:
    """The models, each after those that it reads."""
    by_label = {f"build.{model.name}": model for model in models}
    ordered: dict[str, Model] = {}

    def visit(label: str) -> None:
        if label in by_label and label not in ordered:
            for source in by_label[label].inputs:
                visit(source)
            ordered[label] = by_label[label]

    for label in by_label:
        visit(label)
    return list(ordered.values())


def queries(
    models: Iterable[Model], sources: Mapping[Relation, Sequence[str]]
) -> Iterator[tuple[Model, Query | DataError]]:
    """Each model with its query, in order; with the reason where sqlglot does not understand it.

    Args:
        sources: The columns of the relations that the models read and do not make.
    """
    known = dict(sources)
    for model in in_order(models):
        try:
            query = read_query(model.sql, model.dialect, known)
        except DataError as error:
            known[model.relation] = [field.name for field in model.fields]
            yield model, error
        else:
            known[model.relation] = query.columns
            yield model, query


def column_lineage(query: Query, labels: Mapping[Relation, str]) -> Columns:
    """Where the columns of a query come from.

    Args:
        labels: The label of every relation that it may read.
    """
    reader = _Reader(query.root)

    def named(leaves: Iterable[Leaf]) -> tuple[Column, ...]:
        return tuple(sorted({Column(labels[table], name) for table, name in leaves if table in labels}))

    direct = {name: named(reader.output(query.root, name)) for name in query.columns}
    return Columns(direct, named(reader.deciding()))


class _Reader:
    """Follows columns through the scopes of one query."""

    def __init__(self, root: Scope) -> None:
        self._scopes = list(root.traverse())
        self._owner: dict[int, Scope] = {}
        for scope in self._scopes:
            for column in scope.columns:
                self._owner.setdefault(id(column), scope)
        self._known: dict[tuple[int, str], frozenset[Leaf]] = {}

    def output(self, scope: Scope, name: str) -> frozenset[Leaf]:
        """The table columns that the values of a scope's column come from."""
        key = (id(scope), name)
        if key not in self._known:
            # A recursive query would ask for itself.
            self._known[key] = frozenset()
            position = position_of(scope, name)
            parts = (self._values(select_of(branch, position)) for branch in branches(scope))
            self._known[key] = frozenset(chain.from_iterable(parts))
        return self._known[key]

    def deciding(self) -> Iterator[Leaf]:
        """The table columns that decide about rows."""
        for scope in self._scopes:
            for column in scope.columns:
                if _decides(column):
                    yield from self._follow(column)

    def _values(self, expression: exp.Expr) -> Iterator[Leaf]:
        for column in expression.find_all(exp.Column):
            if not _decides(column):
                yield from self._follow(column)

    def _follow(self, column: exp.Column) -> Iterable[Leaf]:
        scope = self._owner.get(id(column))
        source = scope.sources.get(column.table) if scope is not None else None
        if isinstance(source, Scope):
            return self.output(source, column.name)
        if isinstance(source, exp.Table):
            return [(relation_of(source), column.name)]
        return []


def _decides(column: exp.Column) -> bool:
    """Whether a column stands where rows are chosen, matched, grouped or ordered."""
    node: exp.Expr | None = column
    while node is not None and not isinstance(node, exp.Select):
        parent = node.parent
        if isinstance(node, exp.Where | exp.Having | exp.Qualify | exp.Join | exp.Group | exp.Order):
            return True
        if isinstance(parent, exp.Window) and node.arg_key == "partition_by":
            return True
        node = parent
    return False
