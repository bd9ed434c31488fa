"""One SELECT: its list, WHERE, GROUP BY, HAVING, DISTINCT, ORDER BY.

An aggregation becomes two queries: the inner one computes grouping keys and aggregates, the outer one everything
that is made of them. So an expression can use them anywhere, in TRY too, and never computes one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from finks_local.sql import functions
from finks_local.sql.calls import direction_sql, function_name
from finks_local.sql.errors import QueryError
from finks_local.sql.expressions import Expressions
from finks_local.sql.operators import orderable, sort_key
from finks_local.sql.places import at
from finks_local.sql.results import OutputField, QueryResult, limit_sql, ordinal, physical_names
from finks_local.sql.scope import Field, Grouping, Scope, dereference
from finks_local.sql.types import TrinoType
from finks_local.sql.value import Value, name_literal, unsupported

if TYPE_CHECKING:
    from finks_local.sql.query import Statement

_PARTS: Final = {"expressions", "distinct", "from_", "joins", "where", "group", "having", "order", "limit", "offset"}
_SELECT_PARTS: Final = _PARTS | {"windows", "with_", "sample"}


@dataclass(frozen=True, slots=True)
class _Output:
    name: str | None
    value: Value


class Selection:
    """The translation of one SELECT.

    Args:
        statement: The translator of the statement.
        node: The SELECT.
        parent: What an enclosing query's names mean.
    """

    def __init__(self, statement: Statement, node: exp.Select, parent: Scope | None) -> None:
        self.statement = statement
        self.node = node
        self.parent = parent

    def result(self) -> QueryResult:
        """The translated query."""
        node = self.node
        self._check(node)
        joins = node.args.get("joins") or ()
        source = self.statement.relations(self.parent).from_clause(
            node.args.get("from_"), joins, node.args.get("sample")
        )
        plain = Expressions(self.statement, Scope(source.fields, self.parent), _windows(node))
        where = self._condition(plain, "where", "WHERE clause")
        grouping = Grouping(self.statement.fresh("g")) if _aggregates(node) else None
        sets = self._group_by(plain, grouping, source.fields) if grouping else ""
        above = Expressions(self.statement, Scope(source.fields, self.parent, grouping), _windows(node))
        outputs = self._outputs(above, source.fields)
        having = self._having(above)
        order = self._order(above, outputs)
        self._refuse_loose(grouping)
        names = physical_names([output.name for output in outputs])
        items = ", ".join(f"{o.value.sql} AS {name_literal(n)}" for o, n in zip(outputs, names, strict=True))
        from_sql = f" FROM {source.sql}" if source.sql else ""
        if grouping is None:
            body = from_sql + (f" WHERE {where}" if where else "")
        else:
            body = f" FROM ({self._inner(grouping, from_sql, where, sets)}) AS {grouping.alias}" + having
        distinct = self._distinct(outputs)
        ordered = f" ORDER BY {', '.join(order)}" if order else ""
        fields = tuple(OutputField(o.name, o.value.type, n) for o, n in zip(outputs, names, strict=True))
        return QueryResult(f"SELECT {distinct}{items}{body}{ordered}{limit_sql(node)}", fields)

    def _check(self, node: exp.Select) -> None:
        unknown = {key for key, value in node.args.items() if value} - _SELECT_PARTS
        if unknown:
            raise at(node, unsupported(f"the clause {', '.join(sorted(unknown)).upper()}"))
        if not node.expressions:
            raise at(node, QueryError("SYNTAX_ERROR", "mismatched input. Expecting: '*', <expression>"))
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            raise at(node, QueryError("SYNTAX_ERROR", "mismatched input 'ON'"))

    def _condition(self, expressions: Expressions, part: str, where: str) -> str:
        clause = self.node.args.get(part)
        if clause is None:
            return ""
        _refuse_aggregates(clause.this, where)
        return expressions.boolean(clause.this, where)

    def _having(self, above: Expressions) -> str:
        clause = self.node.args.get("having")
        return f" WHERE {above.boolean(clause.this, 'HAVING clause')}" if clause is not None else ""

    def _refuse_loose(self, grouping: Grouping | None) -> None:
        if grouping is not None and grouping.loose:
            raise grouping.loose[0]

    def _inner(self, grouping: Grouping, from_sql: str, where: str, sets: str) -> str:
        columns = ", ".join(grouping.columns()) or "count(*) AS one"
        return f"SELECT {columns}{from_sql}{f' WHERE {where}' if where else ''}{sets}"

    # --- the select list ------------------------------------------------------------------------------------------

    def _outputs(self, expressions: Expressions, fields: Sequence[Field]) -> list[_Output]:
        outputs: list[_Output] = []
        for item in self.node.expressions:
            if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
                outputs += self._star(item, expressions, fields)
            elif isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
                outputs += _row_fields(expressions.analyse(item.this), item)
            else:
                name = item.alias.lower() if isinstance(item, exp.Alias) else _natural_name(item)
                inner = item.this if isinstance(item, exp.Alias) else item
                outputs.append(_Output(name or None, expressions.analyse(inner)))
        if not outputs:
            raise at(
                self.node, QueryError("COLUMN_NOT_FOUND", "SELECT * not allowed from relation that has no columns")
            )
        return outputs

    def _star(self, item: exp.Expr, expressions: Expressions, fields: Sequence[Field]) -> list[_Output]:
        star = item if isinstance(item, exp.Star) else item.this
        if any(star.args.get(part) for part in ("except_", "replace", "rename")):
            raise at(item, QueryError("SYNTAX_ERROR", "mismatched input after '*'"))
        shown = [field for field in fields if not field.hidden]
        if isinstance(item, exp.Column):
            qualifiers = tuple(part.name.lower() for part in item.parts[:-1])
            shown = [field for field in shown if field.qualifiers[-len(qualifiers) :] == qualifiers]
            if not shown:
                raise at(item, QueryError("TABLE_NOT_FOUND", f"Table '{'.'.join(qualifiers)}' not found"))
        elif not fields:
            raise at(self.node, QueryError("COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause"))
        return [_Output(field.name, self._starred(field, expressions, item)) for field in shown]

    def _starred(self, field: Field, expressions: Expressions, item: exp.Expr) -> Value:
        grouping = expressions.scope.grouping
        if grouping is None:
            return field.value
        if field.value.sql not in grouping.keys:
            message = f"'{field.name}' must be an aggregate expression or appear in GROUP BY clause"
            raise at(item, QueryError("EXPRESSION_NOT_AGGREGATE", message))
        return grouping.keys[field.value.sql]

    def _distinct(self, outputs: Sequence[_Output]) -> str:
        if self.node.args.get("distinct") is None:
            return ""
        for output in outputs:
            sort_key(output.value)  # refuses what cannot be compared
            if output.value.type.base == "timestamp with time zone" and output.value.type.zone is None:
                raise at(self.node, unsupported("DISTINCT over timestamps of varying zones"))
        return "DISTINCT "

    # --- GROUP BY -------------------------------------------------------------------------------------------------

    def _group_by(self, plain: Expressions, grouping: Grouping, fields: Sequence[Field]) -> str:
        clause = self.node.args.get("group")
        if clause is None:
            return ""
        if clause.args.get("all") or clause.args.get("totals"):
            raise at(self.node, QueryError("SYNTAX_ERROR", "mismatched input after GROUP BY"))
        terms = [self._group_term(item, plain, grouping, fields) for item in clause.expressions]
        parts = [term for term in terms if term]
        return f" GROUP BY {', '.join(parts)}" if parts else " GROUP BY ()"

    def _group_term(self, item: exp.Expr, plain: Expressions, grouping: Grouping, fields: Sequence[Field]) -> str:
        match item:
            case exp.GroupingSets() | exp.Rollup() | exp.Cube():
                word = {"GroupingSets": "GROUPING SETS", "Rollup": "ROLLUP", "Cube": "CUBE"}[type(item).__name__]
                inner = [self._group_set(part, plain, grouping, fields) for part in item.expressions]
                return f"{word} ({', '.join(inner)})"
            case exp.Tuple():
                return self._group_set(item, plain, grouping, fields)
            case _:
                return self._group_key(item, plain, grouping, fields)

    def _group_set(self, item: exp.Expr, plain: Expressions, grouping: Grouping, fields: Sequence[Field]) -> str:
        if isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets):
            return self._group_term(item, plain, grouping, fields)
        parts = (
            item.expressions if isinstance(item, exp.Tuple) else [item.this if isinstance(item, exp.Paren) else item]
        )
        return f"({', '.join(self._group_key(part, plain, grouping, fields) for part in parts)})"

    def _group_key(self, item: exp.Expr, plain: Expressions, grouping: Grouping, fields: Sequence[Field]) -> str:
        index = ordinal(item, self._width(fields), "GROUP BY")
        if index is not None:
            item = self._selected(index, fields)
        _refuse_aggregates(item, "GROUP BY clause")
        value = plain.analyse(item)
        if value.constant is not None or value.sql == "NULL":
            return self._constant_key(value, grouping)
        if value.type.base == "timestamp with time zone" and value.type.zone is None:
            raise at(item, unsupported("GROUP BY a timestamp of varying zones"))
        grouping.add_key(value)
        return value.sql

    def _constant_key(self, value: Value, grouping: Grouping) -> str:
        """DuckDB would read a number as a position."""
        grouping.add_key(value)
        return f"CAST({value.sql} AS {value.type.duckdb})"

    def _width(self, fields: Sequence[Field]) -> int:
        return len(self._expanded(fields))

    def _expanded(self, fields: Sequence[Field]) -> list[exp.Expr | None]:
        """The select list with stars written out as nothing: a position on a star names a column of the source."""
        items: list[exp.Expr | None] = []
        for item in self.node.expressions:
            if isinstance(item, exp.Star):
                items += [None] * len([field for field in fields if not field.hidden])
            else:
                items.append(item.this if isinstance(item, exp.Alias) else item)
        return items

    def _selected(self, index: int, fields: Sequence[Field]) -> exp.Expr:
        item = self._expanded(fields)[index]
        if item is None:
            raise at(self.node, unsupported("GROUP BY the position of a column of *"))
        return item

    # --- ORDER BY -------------------------------------------------------------------------------------------------

    def _order(self, above: Expressions, outputs: Sequence[_Output]) -> list[str]:
        clause = self.node.args.get("order")
        if clause is None:
            return []
        return [self._order_term(item, above, outputs) for item in clause.expressions]

    def _order_term(self, item: exp.Ordered, above: Expressions, outputs: Sequence[_Output]) -> str:
        index = ordinal(item.this, len(outputs), "ORDER BY")
        value = outputs[index].value if index is not None else self._order_value(item.this, above, outputs)
        if not orderable(value.type):
            raise at(
                item,
                QueryError(
                    "TYPE_MISMATCH", f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY"
                ),
            )
        position = next((i for i, output in enumerate(outputs) if output.value.sql == value.sql), None)
        if position is None and self.node.args.get("distinct") is not None:
            raise at(
                item,
                QueryError(
                    "EXPRESSION_NOT_IN_DISTINCT", "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                ),
            )
        key = sort_key(value)
        term = str(position + 1) if position is not None and key == value.sql else key
        return f"{term} {direction_sql(item)}"

    def _order_value(self, node: exp.Expr, above: Expressions, outputs: Sequence[_Output]) -> Value:
        """A name means an output column first, then a column of the source."""
        named = {output.name: output.value for output in outputs if output.name}
        counts = [output.name for output in outputs]

        def resolve(name: str) -> Value | None:
            if name not in named:
                return None
            if counts.count(name) > 1 and len({o.value.sql for o in outputs if o.name == name}) > 1:
                raise at(node, QueryError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous"))
            return named[name]

        if isinstance(node, exp.Column) and len(node.parts) == 1 and (found := resolve(node.name.lower())) is not None:
            return found
        scope = above.scope.with_outputs({name: value for name, value in named.items() if resolve(name) is not None})
        return Expressions(self.statement, scope, above.windows).analyse(node)


def _windows(node: exp.Select) -> dict[str, exp.Window]:
    return {window.name.lower(): window for window in node.args.get("windows") or ()}


def _natural_name(item: exp.Expr) -> str | None:
    """The name of a column that is selected without an alias."""
    if isinstance(item, exp.Column):
        return item.name.lower()
    if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Identifier):
        return item.expression.name.lower()
    return None


def _row_fields(value: Value, item: exp.Expr) -> list[_Output]:
    if value.type.base != "row":
        raise at(item, QueryError("TYPE_MISMATCH", "All columns reference (.*) needs a row"))
    outputs: list[_Output] = []
    for (written, kind), (name, _) in zip(value.type.fields, value.type.named_fields, strict=True):
        named = Value(value.sql, TrinoType("row", args=(kind,), names=(name,)))
        outputs.append(_Output(written, dereference(named, [name], QueryError)))
    return outputs


def _calls(node: exp.Expr) -> list[exp.Anonymous]:
    """The calls of aggregates at this level: not in subqueries, and not those with OVER themselves."""
    found: list[exp.Anonymous] = []
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, exp.Query):
            continue
        if isinstance(current, exp.Window):
            inner = current.this
            while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.Filter | exp.WithinGroup):
                inner = inner.this
            stack += list(inner.iter_expressions())
            stack += [child for child in current.iter_expressions() if child is not current.this]
            continue
        if isinstance(current, exp.Anonymous):
            name = function_name(current)
            if name in functions.AGGREGATES.overloads or name == "grouping":
                found.append(current)
        stack += list(current.iter_expressions())
    return found


def _aggregates(node: exp.Select) -> bool:
    if node.args.get("group") is not None or node.args.get("having") is not None:
        return True
    order = node.args.get("order")
    places = [*node.expressions, *(order.expressions if order is not None else ())]
    return any(_calls(item) for item in places)


def _refuse_aggregates(node: exp.Expr, where: str) -> None:
    calls = _calls(node)
    if calls:
        message = (
            f"{where} cannot contain aggregations, window functions or grouping operations: [{function_name(calls[0])}]"
        )
        raise at(calls[0], QueryError("EXPRESSION_NOT_SCALAR", message))
    window = next(
        (part for part in node.find_all(exp.Window) if part.find_ancestor(exp.Query) is node.find_ancestor(exp.Query)),
        None,
    )
    if window is not None:
        message = f"{where} cannot contain aggregations, window functions or grouping operations"
        raise at(window, QueryError("EXPRESSION_NOT_SCALAR", message))
