"""Calls in expressions: scalar functions, aggregates, window functions, lambdas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from finks_local.sql import functions
from finks_local.sql.coercion import coerce
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.aggregate import Aggregation, aggregate_sql
from finks_local.sql.functions.registry import Argument, Call, emit, resolve
from finks_local.sql.functions.window import FrameBound, Window, window_sql
from finks_local.sql.literals import row_value
from finks_local.sql.operators import compare, orderable, sort_key
from finks_local.sql.places import at
from finks_local.sql.types import UNKNOWN, VARCHAR, TrinoType, varchar
from finks_local.sql.value import Lambda, Value, unsupported

if TYPE_CHECKING:
    from finks_local.sql.expressions import Expressions, Queries
    from finks_local.sql.scope import Scope

_FORMS: Final = ("if", "coalesce", "nullif", "try", "typeof", "row", "grouping")


def function_name(node: exp.Anonymous) -> str:
    """The name of a called function, in lower case."""
    return node.this.name.lower() if isinstance(node.this, exp.Identifier) else str(node.this).lower()


class Calls:
    """The part of `Expressions` that deals with calls."""

    queries: Queries
    scope: Scope
    windows: dict[str, exp.Window]

    if TYPE_CHECKING:

        def analyse(self, node: exp.Expr) -> Value:
            """See `Expressions`."""
            ...

        def boolean(self, node: exp.Expr, where: str) -> str:
            """See `Expressions`."""
            ...

        def common(self, values: Sequence[Value], node: exp.Expr) -> TrinoType:
            """See `Expressions`."""
            ...

    def inside(self, scope: Scope) -> Expressions:
        """The same analysis with other names."""
        return type(self)(self.queries, scope, self.windows)  # type: ignore[call-arg, return-value]

    def call(self, node: exp.Anonymous) -> Value:
        """A call of any function."""
        name = function_name(node)
        if name in _FORMS:
            return getattr(self, f"form_{name}")(node)
        if name in functions.AGGREGATES.overloads or name in functions.AGGREGATES.handlers:
            return self.aggregate(node)
        if name in functions.WINDOWS.overloads:
            raise QueryError("MISSING_OVER", f"Window function {name} requires an OVER clause")
        return self.scalar(name, [self.argument(item) for item in node.expressions])

    def scalar(self, name: str, args: Sequence[Argument]) -> Value:
        """A call of a scalar function with analysed arguments."""
        handler = functions.SCALARS.handlers.get(name)
        if handler is not None:
            return handler(Call(name, tuple(args), self.queries.now, self.queries.database))
        overloads = functions.SCALARS.overloads.get(name)
        if overloads is not None:
            return emit(*resolve(name, overloads, args))
        if functions.known_elsewhere(name):
            raise unsupported(f"function {name}")
        raise QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")

    def argument(self, node: exp.Expr) -> Argument:
        """An argument: a value, or a lambda to analyse later.

        Raises:
            QueryError: SYNTAX_ERROR for forms that only other dialects have.
        """
        if isinstance(node, exp.Lambda):
            return self._lambda(node)
        if isinstance(node, exp.Distinct | exp.Order | exp.Limit | exp.Alias | exp.Kwarg | exp.Star):
            raise at(node, QueryError("SYNTAX_ERROR", f"mismatched input in the arguments: {node.sql()}"))
        return self.analyse(node)

    def _lambda(self, node: exp.Lambda) -> Lambda:
        parameters = [parameter.name.lower() for parameter in node.expressions]

        def bind(types: tuple[TrinoType, ...], fields: tuple[str, ...]) -> tuple[tuple[str, ...], Value]:
            names = tuple(self.queries.fresh("p") for _ in parameters)
            values = {
                parameter: Value(f"{name}.{field}" if field else name, kind)
                for parameter, name, kind, field in zip(parameters, names, types, fields, strict=True)
            }
            return names, self.inside(self.scope.with_lambdas(values)).analyse(node.this)

        return Lambda(len(parameters), bind)

    # --- forms of their own ---------------------------------------------------------------------------------------

    def form_if(self, node: exp.Anonymous) -> Value:
        """`if(condition, yes[, no])`."""
        if len(node.expressions) not in {2, 3}:
            raise QueryError("SYNTAX_ERROR", "Invalid number of arguments for 'if' function")
        condition, *results = node.expressions
        test = self.boolean(condition, "Condition of IF")
        values = [self.analyse(result) for result in results]
        if len(values) == 1:
            values.append(Value("NULL", UNKNOWN))
        kind = self.common(values, node)
        yes, no = (coerce(value, kind).sql for value in values)
        return Value(f"(CASE WHEN {test} THEN {yes} ELSE {no} END)", kind)

    def form_coalesce(self, node: exp.Anonymous) -> Value:
        """`coalesce(...)`."""
        if len(node.expressions) < 2:
            raise QueryError("SYNTAX_ERROR", "The 'coalesce' function must have at least two arguments")
        values = [self.analyse(item) for item in node.expressions]
        kind = self.common(values, node)
        return Value(f"coalesce({', '.join(coerce(value, kind).sql for value in values)})", kind)

    def form_nullif(self, node: exp.Anonymous) -> Value:
        """`nullif(a, b)`."""
        if len(node.expressions) != 2:
            raise QueryError("SYNTAX_ERROR", "Invalid number of arguments for 'nullif' function")
        first, second = (self.analyse(item) for item in node.expressions)
        same = compare("=", first, second).sql
        return Value(f"(CASE WHEN {same} THEN NULL ELSE {first.sql} END)", first.type)

    def form_try(self, node: exp.Anonymous) -> Value:
        """`try(x)`."""
        if len(node.expressions) != 1:
            raise QueryError("SYNTAX_ERROR", "The 'try' function must have exactly one argument")
        return functions.attempt(self.analyse(node.expressions[0]))

    def form_typeof(self, node: exp.Anonymous) -> Value:
        """`typeof(x)`: known when the query is analysed."""
        (argument,) = node.expressions
        name = self.analyse(argument).type.trino
        return Value(f"'{name.replace(chr(39), chr(39) * 2)}'", VARCHAR, name)

    def form_row(self, node: exp.Anonymous) -> Value:
        """`row(...)`: nameless fields."""
        return row_value([self.analyse(item) for item in node.expressions])

    def form_grouping(self, node: exp.Anonymous) -> Value:
        """`grouping(...)`: computed in the inner query of the aggregation."""
        grouping = self.scope.grouping
        if grouping is None:
            raise QueryError(
                "INVALID_ARGUMENTS",
                "A GROUPING() operation can only be used with a corresponding GROUPING SET/CUBE/ROLLUP/GROUP BY clause",
            )
        grouping.in_aggregate = True
        keys = [self.analyse(item).sql for item in node.expressions]
        grouping.in_aggregate = False
        if any(key not in grouping.keys for key in keys):
            raise QueryError(
                "INVALID_ARGUMENTS",
                "The arguments to GROUPING() must be expressions referenced by the GROUP BY at line 1:1",
            )
        kind = TrinoType("integer")
        return grouping.add(Value(f"CAST(grouping({', '.join(keys)}) AS INTEGER)", kind))

    # --- special syntax that stands for a function ----------------------------------------------------------------

    def trim(self, node: exp.Trim) -> Value:
        """`trim([side] [characters] FROM x)`."""
        side = (node.args.get("position") or "BOTH").upper()
        name = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[side]
        characters = node.args.get("expression")
        args = [self.analyse(node.this), *([self.analyse(characters)] if characters is not None else [])]
        return self.scalar(name, args)

    def substring(self, node: exp.Substring) -> Value:
        """`substring(x FROM a FOR b)`."""
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return self.scalar("substring", [self.analyse(part) for part in parts if part is not None])

    def position(self, node: exp.StrPosition) -> Value:
        """`position(a IN b)`."""
        return self.scalar("strpos", [self.analyse(node.this), self.analyse(node.args["substr"])])

    def normalize(self, node: exp.Normalize) -> Value:
        """`normalize(x, NFD)`."""
        form = node.args.get("form")
        name = form.name.upper() if form is not None else "NFC"
        return self.scalar("normalize", [self.analyse(node.this), Value(f"'{name}'", varchar(len(name)), name)])

    # --- aggregates and windows -----------------------------------------------------------------------------------

    def filtered(self, node: exp.Filter) -> Value:
        """An aggregate with FILTER."""
        call = node.this
        order: exp.Expr | None = None
        if isinstance(call, exp.WithinGroup):
            call, order = call.this, call.expression
        if not isinstance(call, exp.Anonymous):
            raise QueryError("SYNTAX_ERROR", "mismatched input 'FILTER'")
        return self.aggregate(call, where=node.expression.this, within=order)

    def within_group(self, node: exp.WithinGroup) -> Value:
        """An aggregate with WITHIN GROUP."""
        if not isinstance(node.this, exp.Anonymous):
            raise QueryError("SYNTAX_ERROR", "mismatched input 'WITHIN'")
        return self.aggregate(node.this, within=node.expression)

    def ignoring_nulls(self, node: exp.Expr) -> Value:
        """IGNORE NULLS where no window follows."""
        raise QueryError("SYNTAX_ERROR", "mismatched input 'NULLS': IGNORE NULLS belongs to a window function")

    def aggregate(self, node: exp.Anonymous, where: exp.Expr | None = None, within: exp.Expr | None = None) -> Value:
        """An aggregate without OVER: computed in the inner query of the aggregation."""
        grouping = self.scope.grouping
        name = function_name(node)
        if name not in functions.AGGREGATES.overloads and name not in functions.AGGREGATES.handlers:
            raise QueryError("FUNCTION_NOT_AGGREGATE", f"Filter is only valid for aggregation functions: {name}")
        if grouping is None:
            raise QueryError(
                "EXPRESSION_NOT_SCALAR", f"Cannot contain aggregations, window functions or grouping operations: {name}"
            )
        if grouping.in_aggregate:
            raise QueryError("NESTED_AGGREGATION", f"Cannot nest aggregations inside aggregation '{name}'")
        grouping.in_aggregate = True
        try:
            value = aggregate_sql(self._aggregation(node, where, within), "")
        finally:
            grouping.in_aggregate = False
        return grouping.add(value)

    def _aggregation(self, node: exp.Anonymous, where: exp.Expr | None, within: exp.Expr | None) -> Aggregation:
        items = list(node.expressions)
        order: exp.Expr | None = within
        if items and isinstance(items[-1], exp.Order) and items[-1].this is not None:
            order = items[-1]
            items[-1] = items[-1].this
        distinct = bool(items) and isinstance(items[0], exp.Distinct)
        if distinct:
            items = list(items[0].expressions) + items[1:]
            if items and isinstance(items[-1], exp.Order):
                order = items[-1]
                items[-1] = items[-1].this
        star = len(items) == 1 and isinstance(items[0], exp.Star)
        return Aggregation(
            function_name(node),
            () if star else tuple(self.argument(item) for item in items),
            distinct=distinct,
            order=", ".join(self.ordering(order)) if order is not None else "",
            where=self.boolean(where, "Filter expression") if where is not None else "",
            star=star,
        )

    def ordering(self, order: exp.Expr) -> list[str]:
        """The terms of an ORDER BY over expressions; nulls come last unless said otherwise."""
        return [ordered_sql(item, self.analyse(item.this)) for item in order.expressions]

    def window(self, node: exp.Window) -> Value:
        """A function with OVER."""
        call, nulls, where, within = _window_call(node)
        if self.scope.grouping is not None and self.scope.grouping.in_aggregate:
            raise QueryError("NESTED_WINDOW", "Cannot nest window functions inside aggregation")
        name = function_name(call)
        over = self._window(node)
        if name in functions.WINDOWS.overloads:
            return window_sql(name, [self.argument(item) for item in call.expressions], over, nulls)
        if name in functions.AGGREGATES.overloads or name in functions.AGGREGATES.handlers:
            if nulls:
                raise QueryError("FUNCTION_NOT_WINDOW", "Cannot specify null treatment clause for aggregate functions")
            return aggregate_sql(self._aggregation(call, where, within), over.sql)
        if name in functions.SCALARS.overloads or name in functions.SCALARS.handlers or name in _FORMS:
            raise QueryError("FUNCTION_NOT_WINDOW", f"Not a window function: {name}")
        raise QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")

    def _window(self, node: exp.Window, seen: tuple[str, ...] = ()) -> Window:
        base = Window()
        alias = node.args.get("alias")
        if alias is not None:
            name = alias.name.lower()
            if name not in self.windows or name in seen:
                raise at(alias, QueryError("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {name}"))
            base = self._window(self.windows[name], (*seen, name))
        partition = tuple(sort_key(self.analyse(item)) for item in node.args.get("partition_by") or ())
        order = node.args.get("order")
        keys = tuple(self.analyse(item.this) for item in order.expressions) if order is not None else base.keys
        spec = node.args.get("spec")
        window = replace(
            base,
            partition=partition or base.partition,
            order=tuple(self.ordering(order)) if order is not None else base.order,
            keys=keys,
        )
        return replace(window, frame=self._frame(spec, keys)) if spec is not None else window

    def _frame(self, spec: exp.WindowSpec, keys: Sequence[Value]) -> str:
        if spec.args.get("exclude"):
            raise QueryError("SYNTAX_ERROR", "mismatched input 'EXCLUDE'")
        kind = spec.args["kind"].upper()
        start = self._bound(spec.args.get("start"), spec.args.get("start_side"), kind, keys)
        end = self._bound(spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"), kind, keys)
        return f"{kind} BETWEEN {start} AND {end}"

    def _bound(self, amount: exp.Expr | str | None, side: str | None, kind: str, keys: Sequence[Value]) -> str:
        offset = None if amount is None or isinstance(amount, str) else self.analyse(amount)
        return FrameBound(str(amount).upper() if offset is None else "", (side or "").upper(), offset).sql(kind, keys)


def _window_call(
    node: exp.Window,
) -> tuple[exp.Anonymous, str, exp.Expr | None, exp.Expr | None]:
    """The called function, its treatment of nulls, its filter and its WITHIN GROUP order."""
    call: exp.Expr = node.this
    nulls = ""
    where: exp.Expr | None = None
    within: exp.Expr | None = None
    while not isinstance(call, exp.Anonymous):
        match call:
            case exp.IgnoreNulls():
                nulls = "IGNORE NULLS"
            case exp.RespectNulls():
                nulls = "RESPECT NULLS"
            case exp.Filter():
                where = call.expression.this
            case exp.WithinGroup():
                within = call.expression
            case _:
                raise QueryError("SYNTAX_ERROR", "mismatched input 'OVER'")
        call = call.this
    return call, nulls, where, within


def ordered_sql(item: exp.Expr, value: Value) -> str:
    """One term of an ORDER BY.

    Raises:
        QueryError: TYPE_MISMATCH for a type without an order.
    """
    if not orderable(value.type):
        raise at(
            item,
            QueryError(
                "TYPE_MISMATCH", f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY"
            ),
        )
    return f"{sort_key(value)} {direction_sql(item)}"


def direction_sql(item: exp.Expr) -> str:
    """ASC or DESC, and where nulls go: last unless the text says first."""
    direction = "DESC" if item.args.get("desc") else "ASC"
    return f"{direction} NULLS {'FIRST' if item.args.get('nulls_first') else 'LAST'}"
