"""Queries: WITH, set operations, ORDER BY and LIMIT around a body, and what they make of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlglot import exp

from finks_local.sql.calls import direction_sql
from finks_local.sql.coercion import coerce, common_type
from finks_local.sql.errors import QueryError
from finks_local.sql.expressions import Expressions
from finks_local.sql.operators import orderable, sort_key
from finks_local.sql.places import at
from finks_local.sql.relations import Relations
from finks_local.sql.results import NamedQuery, OutputField, QueryResult, limit_sql, ordinal, physical_names, renamed
from finks_local.sql.scope import Scope, column
from finks_local.sql.select import Selection
from finks_local.sql.tables import Resolver, TableRef
from finks_local.sql.types import TrinoType
from finks_local.sql.value import Value, name_literal, unsupported

_SET_WORDS: Final[dict[type[exp.Expr], str]] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_QUERY_PARTS: Final = {"this", "expression", "distinct", "with_", "order", "limit", "offset", "by_name", "alias"}


class Statement:
    """The translation of one statement.

    Args:
        resolver: Knows the tables.
        database: For tables without one.
        now: The time of the query, in UTC.
    """

    def __init__(self, resolver: Resolver, database: str, now: datetime) -> None:
        self.resolver = resolver
        self.database = database
        self.now = now
        self.tables: list[TableRef] = []
        self._names = 0
        self._with: list[dict[str, NamedQuery]] = []

    def fresh(self, stem: str) -> str:
        """A name that nothing else in the statement has, and that is no part of another such name."""
        self._names += 1
        return f"{stem}{self._names}_"

    def named(self, name: str) -> NamedQuery | None:
        """The query of WITH that a name means here."""
        for level in reversed(self._with):
            if name in level:
                return level[name]
        return None

    def subquery(self, query: exp.Expr, scope: Scope) -> tuple[str, list[TrinoType]]:
        """A subquery in an expression, in parentheses, and its columns' types."""
        result = self.query(query, scope)
        return f"({result.sql})", [field.type for field in result.fields]

    def query(self, node: exp.Expr, parent: Scope | None) -> QueryResult:
        """A query at any depth.

        Args:
            node: SELECT, VALUES, a set operation, or one of these in parentheses.
            parent: What an enclosing query's names mean; None at the top.
        """
        if isinstance(node, exp.Subquery | exp.Paren) and not _has_tail(node):
            return self.query(node.this, parent)
        self._with.append({})
        try:
            head = self._with_clause(node, parent)
            result = self._body(node, parent)
        finally:
            self._with.pop()
        return QueryResult(head + result.sql, result.fields)

    def _body(self, node: exp.Expr, parent: Scope | None) -> QueryResult:
        match node:
            case exp.Select() if _is_values(node):
                return self._tail(node, self._values(node.args["from_"].this, parent))
            case exp.Select():
                return Selection(self, node, parent).result()
            case exp.Values():
                return self._tail(node, self._values(node, parent))
            case exp.Union() | exp.Except() | exp.Intersect():
                return self._tail(node, self._set_operation(node, parent))
            case exp.Subquery() | exp.Paren():
                return self._tail(node, self.query(node.this, parent))
            case _:
                raise at(node, unsupported(f"the syntax {type(node).__name__}"))

    # --- WITH -----------------------------------------------------------------------------------------------------

    def _with_clause(self, node: exp.Expr, parent: Scope | None) -> str:
        clause = node.args.get("with_")
        if clause is None:
            return ""
        recursive = bool(clause.args.get("recursive"))
        parts = [self._named_query(item, parent, recursive=recursive) for item in clause.expressions]
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "

    def _named_query(self, item: exp.CTE, parent: Scope | None, *, recursive: bool) -> str:
        name = item.alias.lower()
        if name in self._with[-1]:
            raise at(item, QueryError("DUPLICATE_NAMED_QUERY", f"WITH query name '{name}' specified more than once"))
        relation = name_literal(self.fresh(f"{name}_"))
        columns = [c.name.lower() for c in item.args["alias"].columns]
        if recursive and isinstance(item.this, exp.Union) and _mentions(item.this.expression, name):
            return self._recursive(item, name, relation, columns, parent)
        result = self.query(item.this, parent)
        fields = renamed(result.fields, columns, item)
        self._with[-1][name] = NamedQuery(relation, fields)
        return f"{relation} AS ({result.sql})"

    def _recursive(self, item: exp.CTE, name: str, relation: str, columns: Sequence[str], parent: Scope | None) -> str:
        if not columns:
            raise at(item, QueryError("MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query"))
        union = item.this
        anchor = self.query(union.this, parent)
        names = physical_names([field.physical for field in anchor.fields])
        types = [field.type for field in anchor.fields]
        fields = renamed(tuple(OutputField(None, t, n) for t, n in zip(types, names, strict=True)), columns, item)
        self._with[-1][name] = NamedQuery(relation, fields)
        step = self.query(union.expression, parent)
        for have, want in zip(step.fields, types, strict=False):
            if common_type(have.type, want) != want:
                message = (
                    f"recursion step relation output type ({have.type}) is not coercible to recursion base relation "
                    f"output type ({want})"
                )
                raise at(item, QueryError("TYPE_MISMATCH", message))
        head = ", ".join(name_literal(n) for n in names)
        sides = [self._converted(side, types, names) for side in (anchor, step)]
        word = "UNION" if union.args.get("distinct") else "UNION ALL"
        return f"{relation}({head}) AS ({sides[0]} {word} {sides[1]})"

    # --- set operations and VALUES --------------------------------------------------------------------------------

    def _set_operation(self, node: exp.SetOperation, parent: Scope | None) -> QueryResult:
        if node.args.get("by_name") or node.args.get("on") or node.args.get("side"):
            raise at(node, QueryError("SYNTAX_ERROR", "mismatched input 'BY'"))
        sides = [self.query(side, parent) for side in (node.left, node.right)]
        if len(sides[0].fields) != len(sides[1].fields):
            counts = ", ".join(str(len(side.fields)) for side in sides)
            message = f"{_SET_WORDS[type(node)]} query has different number of fields: {counts}"
            raise at(node, QueryError("TYPE_MISMATCH", message))
        types = [self._common(node, *pair) for pair in zip(sides[0].fields, sides[1].fields, strict=True)]
        names = [field.physical for field in sides[0].fields]
        word = _SET_WORDS[type(node)] + ("" if node.args.get("distinct") else " ALL")
        if word != "UNION ALL" and any(t.base == "timestamp with time zone" and t.zone is None for t in types):
            raise at(node, unsupported("comparing timestamps of varying zones in a set operation"))
        one, two = (self._converted(side, types, names) for side in sides)
        fields = tuple(
            OutputField(field.name, kind, name) for field, kind, name in zip(sides[0].fields, types, names, strict=True)
        )
        return QueryResult(f"({one}) {word} ({two})", fields)

    def _common(self, node: exp.Expr, left: OutputField, right: OutputField) -> TrinoType:
        kind = common_type(left.type, right.type)
        if kind is None:
            message = f"column in {_SET_WORDS[type(node)]} query has incompatible types: {left.type}, {right.type}"
            raise at(node, QueryError("TYPE_MISMATCH", message))
        return kind

    def _converted(self, side: QueryResult, types: Sequence[TrinoType], names: Sequence[str]) -> str:
        alias = self.fresh("s")
        outputs = [
            f"{coerce(column(alias, field.physical, field.type), kind).sql} AS {name_literal(name)}"
            for field, kind, name in zip(side.fields, types, names, strict=True)
        ]
        return f"SELECT {', '.join(outputs)} FROM ({side.sql}) AS {alias}"  # noqa: S608

    def _values(self, node: exp.Values, parent: Scope | None) -> QueryResult:
        expressions = Expressions(self, Scope((), parent))
        rows = [_row_items(item, expressions) for item in node.expressions]
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            raise at(node, QueryError("TYPE_MISMATCH", "Values rows have mismatched types"))
        types = [expressions.common([row[i] for row in rows], node) for i in range(width)]
        names = [f"_col{i}" for i in range(width)]
        lines = [
            f"({', '.join(coerce(value, kind).sql for value, kind in zip(row, types, strict=True))})" for row in rows
        ]
        head = ", ".join(name_literal(name) for name in names)
        alias = self.fresh("v")
        fields = tuple(OutputField(None, kind, name) for kind, name in zip(types, names, strict=True))
        return QueryResult(f"SELECT * FROM (VALUES {', '.join(lines)}) AS {alias}({head})", fields)  # noqa: S608

    # --- ORDER BY, OFFSET, LIMIT around a whole query ---------------------------------------------------------------

    def _tail(self, node: exp.Expr, result: QueryResult) -> QueryResult:
        unknown = {key for key, value in node.args.items() if value} - _QUERY_PARTS - {"from_", "expressions", "kind"}
        if unknown:
            raise at(node, unsupported(f"the clause {', '.join(sorted(unknown))}"))
        order, limit = node.args.get("order"), limit_sql(node)
        if order is None and not limit:
            return result
        alias = self.fresh("o")
        terms: list[str] = []
        scope = Scope(result.as_fields(alias))
        for item in order.expressions if order is not None else ():
            value = self._order_value(item, result, alias, scope)
            terms.append(f"{sort_key(value)} {direction_sql(item)}")
        ordered = f" ORDER BY {', '.join(terms)}" if terms else ""
        return QueryResult(f"SELECT * FROM ({result.sql}) AS {alias}{ordered}{limit}", result.fields)  # noqa: S608

    def _order_value(self, item: exp.Ordered, result: QueryResult, alias: str, scope: Scope) -> Value:
        index = ordinal(item.this, len(result.fields), "ORDER BY")
        if index is None:
            value = Expressions(self, scope).analyse(item.this)
        else:
            field = result.fields[index]
            value = column(alias, field.physical, field.type)
        if not orderable(value.type):
            raise at(
                item,
                QueryError(
                    "TYPE_MISMATCH", f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY"
                ),
            )
        return value

    def relations(self, parent: Scope | None) -> Relations:
        """The translator of a FROM clause."""
        return Relations(self, parent)


def _row_items(item: exp.Expr, expressions: Expressions) -> list[Value]:
    if isinstance(item, exp.Tuple):
        items = item.expressions
        if len(items) == 1 and isinstance(items[0], exp.Anonymous) and str(items[0].this).lower() == "row":
            items = items[0].expressions
        return [expressions.analyse(part) for part in items]
    return [expressions.analyse(item)]


def _is_values(node: exp.Select) -> bool:
    """Sqlglot wraps VALUES inside WITH and set operations in `SELECT * FROM (VALUES ...) AS _values`."""
    source = node.args.get("from_")
    if source is None or not isinstance(source.this, exp.Values):
        return False
    return source.this.alias == "_values" and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Star)


def _has_tail(node: exp.Expr) -> bool:
    return any(node.args.get(part) for part in ("order", "limit", "offset", "with_"))


def _mentions(node: exp.Expr, name: str) -> bool:
    return any(table.name.lower() == name and not table.db for table in node.find_all(exp.Table))
