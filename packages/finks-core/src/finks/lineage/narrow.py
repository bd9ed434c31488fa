"""Which rows of its tables a query needs for some of its rows.

A limit on a result's column goes through to a table where that is right whatever the data: through a plain column;
through a group when it is a key of it; through a window when it is in its partition, and as an upper end when the
window looks back along it; from one side of a join to the other along its conditions, with the values that the first
side has. Everywhere else the limit is dropped, and more rows are asked for. Columns that nobody asks for are not
followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from finks.errors import DataError
from finks.lineage.demand import Demand, Within, added
from finks.lineage.sql import Query, Relation, body, columns_of, relation_of

Base = tuple[str, str]
"""A column of a source of one SELECT: the source's alias and the name."""

Ask = Callable[[str], list[Any]]
"""Runs a query in DuckDB's SQL on what a build made; the values of its only column."""

_FLIPPED: Final[dict[type[exp.Expr], type[exp.Expr]]] = {
    exp.EQ: exp.EQ, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE,
}  # fmt: skip
_LOOK_AROUND: Final = (exp.Lead, exp.Ntile, exp.PercentRank, exp.CumeDist)
"""Window functions that need rows after the current one, whatever their frame."""

_CLAUSES: Final = ("where", "group", "having", "qualify")
_RANKS: Final = (exp.Lag, exp.RowNumber, exp.Rank, exp.DenseRank)


@dataclass(frozen=True, slots=True)
class Narrower:
    """Follows demands through one query.

    Args:
        query: The query.
        ask: Finds the values that one side of a join has.
        witnesses: Whether `select distinct` and `x in (select …)` ask for all rows that give a value. One is enough,
            and mostly another path asks for one already.
    """

    query: Query
    ask: Ask
    witnesses: bool
    _answers: dict[str, list[Any]] = field(default_factory=dict)

    def tables(self, demand: Demand) -> Iterator[tuple[Relation, Demand]]:
        """What is asked of the tables, for a demand on the result.

        Raises:
            DataError: The query has a part that cannot be followed.
        """
        order = list(reversed(list(self.query.root.traverse())))
        shared = self.query.root.expression.args.get("with_")
        if shared is not None and shared.args.get("recursive"):
            raise DataError("A recursive query cannot be followed row by row.")
        pending: dict[int, list[Demand]] = defaultdict(list)
        pending[id(self.query.root)] = [demand]
        while pending:
            for scope in order:
                for wanted in pending.pop(id(scope), ()):
                    for source, asked in self._step(scope, wanted):
                        if isinstance(source, Scope):
                            pending[id(source)] = added(pending[id(source)], asked)
                        else:
                            yield relation_of(source), asked

    def _step(self, scope: Scope, demand: Demand) -> Iterator[tuple[exp.Table | Scope, Demand]]:
        if isinstance(scope.expression, exp.SetOperation):
            yield from _through_set(scope, demand)
            return
        if scope.expression.args.get("distinct") and not self.witnesses:
            return
        select = _Select.of(scope, demand)
        limits = self._spread(select, select.limits(demand))
        for alias, source in select.sources.items():
            if alias not in select.idle:
                own = {name: within for (owner, name), within in limits.items() if owner == alias}
                yield source, Demand(select.used(alias), own)
        for subquery in scope.subquery_scopes:
            yield from self._subquery(subquery, limits)

    def _subquery(self, scope: Scope, limits: dict[Base, Within]) -> Iterator[tuple[Scope, Demand]]:
        columns = tuple(body(scope).named_selects)
        test = scope.expression.find_ancestor(exp.In, exp.Select)
        test = test if isinstance(test, exp.In) else None
        column = test.this if test is not None and not test.find_ancestor(exp.Not) else None
        if not isinstance(column, exp.Column):
            yield scope, Demand(frozenset(columns), {})
        elif self.witnesses:
            within = limits.get((column.table, column.name))
            yield scope, Demand(frozenset(columns), {columns[0]: within} if within is not None else {})

    def _spread(self, select: _Select, limits: dict[Base, Within]) -> dict[Base, Within]:
        """The limits, and those that follow from them along the conditions of the joins."""
        found = dict(limits)
        for _ in range(2):
            for comparison, source, target in select.links():
                own = {name: within for (alias, name), within in found.items() if alias == source.table}
                if not own:
                    continue
                values = Within.of(self._values(select.sources[source.table], source.name, own))
                follows = _follows(comparison, values)
                if follows is not None:
                    found[target.table, target.name] = follows.meet(found.get((target.table, target.name)))
        return found

    def _values(self, source: exp.Table | Scope, column: str, limits: dict[str, Within]) -> list[Any]:
        """The values that a column of a source has within limits."""
        name = exp.to_identifier(column, quoted=True).sql("duckdb")
        condition = Demand(frozenset(), limits).sql()
        text = f"select distinct {name} from {self._text(source)} as source where {condition}"  # noqa: S608
        if isinstance(source, Scope) and (shared := self.query.root.expression.args.get("with_")) is not None:
            text = f"{shared.sql('duckdb')} {text}"
        if text not in self._answers:
            self._answers[text] = self.ask(text)
        return self._answers[text]

    @staticmethod
    def _text(source: exp.Table | Scope) -> str:
        if isinstance(source, Scope):
            return f"({source.expression.sql('duckdb')})"
        return exp.table_(source.name, source.db, source.catalog, quoted=True).sql("duckdb")


@dataclass(frozen=True, slots=True)
class _Select:
    """One SELECT, as far as a demand needs it.

    Attributes:
        wanted: The expressions that the demand needs.
        sources: Alias to table or subquery.
        joins: The joins that count.
        idle: Aliases of joined sources that change nothing that is needed.
    """

    expression: exp.Select
    wanted: list[exp.Expr]
    sources: dict[str, exp.Table | Scope]
    joins: list[exp.Join]
    idle: frozenset[str]

    @classmethod
    def of(cls, scope: Scope, demand: Demand) -> _Select:
        expression, named = scope.expression, columns_of(scope)
        assert isinstance(expression, exp.Select)
        # To drop duplicates, all columns are looked at.
        names = list(named) if expression.args.get("distinct") else [name for name in named if name in demand.columns]
        wanted = [named[name].unalias() for name in names]
        sources = {alias: source for alias, (_, source) in scope.selected_sources.items()}
        joins: list[exp.Join] = expression.args.get("joins") or []
        # What a semi or an anti join looks at is not selected from, but decides.
        sources |= {name: scope.sources[name] for join in joins if (name := join.alias_or_name) in scope.sources}
        part = [*wanted, *(item for key in _CLAUSES if (item := expression.args.get(key)))]
        idle = {join.alias_or_name for join in joins if _is_idle(join, joins, part, sources)}
        return cls(expression, wanted, sources, [j for j in joins if j.alias_or_name not in idle], frozenset(idle))

    def used(self, alias: str) -> frozenset[str]:
        """The columns of a source that are needed."""
        conditions = [self.expression.args.get(key) for key in _CLAUSES]
        parts = [*self.wanted, *conditions, *(join.args.get("on") for join in self.joins)]
        return frozenset(
            column.name for part in parts if part is not None for column in _columns(part) if column.table == alias
        )

    def limits(self, demand: Demand) -> dict[Base, Within]:
        """The demand's limits on the columns of the sources, where they may go through."""
        if any(self.expression.args.get(key) for key in ("limit", "offset", "qualify")):
            return {}
        named = dict(zip(self.expression.named_selects, self.expression.selects, strict=True))
        found: dict[Base, Within] = {}
        for name, within in demand.limits.items():
            column = named[name].unalias()
            if isinstance(column, exp.Column) and self._is_key(column):
                passed = self._past_windows(column, within)
                if passed is not None:
                    key = (column.table, column.name)
                    found[key] = passed.meet(found.get(key))
        return found

    def _is_key(self, column: exp.Column) -> bool:
        """Whether rows with different values of the column have nothing to do with each other, windows aside."""
        group = self.expression.args.get("group")
        if group is not None:
            plain = not any(group.args.get(key) for key in ("cube", "rollup", "grouping_sets", "all"))
            return plain and column in group.expressions
        return not any(
            not isinstance(found.parent, exp.Window) for part in self.wanted for found in part.find_all(exp.AggFunc)
        )

    def _past_windows(self, column: exp.Column, within: Within) -> Within | None:
        for part in self.wanted:
            for window in part.find_all(exp.Window):
                if column in (window.args.get("partition_by") or []):
                    continue
                if not _looks_back(window, column) or within.highest is None:
                    return None
                within = Within(high=within.highest)
        return within

    def links(self) -> Iterator[tuple[type[exp.Expr], exp.Column, exp.Column]]:
        """Comparisons by which limits on one source limit another: the comparison, from where, to where."""
        for condition, joined in self._conditions():
            for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
                one, other = part.args.get("this"), part.args.get("expression")
                if type(part) not in _FLIPPED or not isinstance(one, exp.Column) or not isinstance(other, exp.Column):
                    continue
                if one.table == other.table or not {one.table, other.table} <= self.sources.keys():
                    continue
                if joined in {None, other.table}:
                    yield type(part), one, other
                if joined in {None, one.table}:
                    yield _FLIPPED[type(part)], other, one

    def _conditions(self) -> Iterator[tuple[exp.Expr, str | None]]:
        """Each condition, and the only source that it may limit; None when it may limit all."""
        where = self.expression.args.get("where")
        if where is not None:
            yield where.this, None
        for join in self.joins:
            on = join.args.get("on")
            plain = join.side in {"", "LEFT"} and join.kind in {"", "INNER", "OUTER"} and not join.method
            if on is not None and plain:
                yield on, join.alias_or_name if join.side == "LEFT" else None


def _follows(comparison: type[exp.Expr], values: Within) -> Within | None:
    """What the other side of `values <comparison> other` may be."""
    if comparison is exp.EQ:
        return values
    if comparison in {exp.LT, exp.LTE}:
        return None if values.lowest is None else Within(low=values.lowest)
    return None if values.highest is None else Within(high=values.highest)


def _through_set(scope: Scope, demand: Demand) -> Iterator[tuple[Scope, Demand]]:
    """Every branch of a UNION is asked for the same, by position."""
    names = body(scope).named_selects
    bag = isinstance(scope.expression, exp.Union) and not scope.expression.args.get("distinct")
    columns = demand.columns if bag else frozenset(names)
    for branch in scope.set_operation_scopes:
        own = dict(zip(names, body(branch).named_selects, strict=True))
        limits = {own[name]: within for name, within in demand.limits.items()}
        yield branch, Demand(frozenset(own[name] for name in columns), limits)


def _is_idle(
    join: exp.Join, joins: Iterable[exp.Join], needed: Iterable[exp.Expr], sources: dict[str, exp.Table | Scope]
) -> bool:
    """Whether a left join adds neither a value that is needed nor a row: it finds at most one row by a group's key."""
    alias = join.alias_or_name
    source, on = sources.get(alias), join.args.get("on")
    if join.side != "LEFT" or on is None or not isinstance(source, Scope):
        return False
    others = [other.args["on"] for other in joins if other is not join and other.args.get("on") is not None]
    if any(column.table == alias for part in (*needed, *others) for column in _columns(part)):
        return False
    group = source.expression.args.get("group") if isinstance(source.expression, exp.Select) else None
    if group is None or not group.expressions:
        return False
    named = columns_of(source)
    parts = on.flatten() if isinstance(on, exp.And) else [on]
    matched = {
        side.name
        for part in parts
        if isinstance(part, exp.EQ)
        for side in (part.this, part.expression)
        if isinstance(side, exp.Column) and side.table == alias
    }
    keys = [named[name].unalias() for name in matched]
    return all(key in keys for key in group.expressions)


def _looks_back(window: exp.Window, column: exp.Column) -> bool:
    """Whether a row's value needs no row with a higher value of the column."""
    order = window.args.get("order")
    first = order.expressions[0] if order is not None else None
    if first is None or first.this != column or first.args.get("desc"):
        return False
    if isinstance(window.this, _LOOK_AROUND):
        return False
    frame = window.args.get("spec")
    if frame is None:
        return isinstance(window.this, (*_RANKS, exp.AggFunc))
    ends = {str(frame.args.get(key) or "").upper() for key in ("end", "end_side")}
    return bool(ends & {"CURRENT ROW", "PRECEDING"})


def _columns(part: exp.Expr) -> Iterator[exp.Column]:
    return part.find_all(exp.Column)
