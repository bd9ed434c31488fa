"""Expressions of a query: names, literals, operators and calls, each to a `Value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlglot import exp

from finks_local.sql import functions
from finks_local.sql.calls import Calls
from finks_local.sql.casting import cast
from finks_local.sql.coercion import coerce, common_type
from finks_local.sql.dialect import LITERAL
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.datetime import extract
from finks_local.sql.intervals import interval_literal
from finks_local.sql.literals import millis_text, now_value, number_value, row_value, text_value, typed_literal
from finks_local.sql.operators import arithmetic, compare, concat, negate
from finks_local.sql.places import at
from finks_local.sql.scope import Scope, dereference
from finks_local.sql.typenames import type_of
from finks_local.sql.types import (
    BOOLEAN,
    DATE,
    JSON,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    TrinoType,
    array,
    timestamp,
)
from finks_local.sql.value import Value, text_literal, unsupported
from finks_local.sql.zones import zoned_literal

_COMPARISONS: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_ARITHMETIC: Final[dict[type[exp.Expr], str]] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


class Queries(Protocol):
    """What expressions need of the translator of queries."""

    now: datetime
    database: str

    def subquery(self, query: exp.Expr, scope: Scope) -> tuple[str, list[TrinoType]]:
        """The SQL of a subquery, in parentheses, and its columns' types."""
        ...

    def fresh(self, stem: str) -> str:
        """A name that nothing else in the statement has."""
        ...


class Expressions(Calls):
    """Analyses expressions in one scope.

    Args:
        queries: The translator of the whole statement.
        scope: What names mean.
        windows: Named windows of the query.
    """

    def __init__(self, queries: Queries, scope: Scope, windows: dict[str, exp.Window] | None = None) -> None:
        self.queries = queries
        self.scope = scope
        self.windows = windows or {}

    def analyse(self, node: exp.Expr) -> Value:
        """The value of an expression.

        In an aggregation, an expression that is a grouping key becomes that key's column; what was noted as loose
        below it is then no longer loose.

        Raises:
            QueryError: With the place, as Trino tells it.
        """
        grouping = self.scope.grouping
        loose = len(grouping.loose) if grouping else 0
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise at(node, unsupported(f"the syntax {type(node).__name__}"))
        try:
            value = handler(self, node)
        except QueryError as error:
            raise at(node, error) from None
        if grouping and not grouping.in_aggregate and value.sql in grouping.keys:
            del grouping.loose[loose:]
            return grouping.keys[value.sql]
        return value

    def boolean(self, node: exp.Expr, where: str) -> str:
        """The SQL of a condition.

        Raises:
            QueryError: TYPE_MISMATCH.
        """
        value = self.analyse(node)
        if value.type not in (BOOLEAN, UNKNOWN):
            raise at(node, QueryError("TYPE_MISMATCH", f"{where} must evaluate to a boolean: actual type {value.type}"))
        return coerce(value, BOOLEAN).sql

    # --- names and literals ---------------------------------------------------------------------------------------

    def column(self, node: exp.Column) -> Value:
        """A name, with or without qualifiers."""
        if isinstance(node.this, exp.Star):
            raise QueryError("SYNTAX_ERROR", "mismatched input '*'")
        parts = [part.name.lower() for part in node.parts]
        return self._name(parts, node)

    def identifier(self, node: exp.Identifier) -> Value:
        """A bare name, as in a lambda."""
        return self._name([node.name.lower()], node)

    def _name(self, parts: Sequence[str], node: exp.Expr) -> Value:
        if list(parts) in (["current_schema"], ["current_catalog"]) and not self._known(parts):
            text = self.queries.database if parts[0] == "current_schema" else "awsdatacatalog"
            return Value(text_literal(text), VARCHAR)
        return self.scope.resolve(parts, lambda code, message: at(node, QueryError(code, message)))

    def _known(self, parts: Sequence[str]) -> bool:
        try:
            self.scope.resolve(parts, QueryError)
        except QueryError:
            return False
        return True

    def literal(self, node: exp.Literal) -> Value:
        """A text or a number."""
        if node.is_string:
            return text_value(node.this)
        return number_value(node.this)

    def null(self, _node: exp.Expr) -> Value:
        """NULL."""
        return Value("NULL", UNKNOWN)

    def truth(self, node: exp.Boolean) -> Value:
        """TRUE or FALSE."""
        return Value("TRUE" if node.this else "FALSE", BOOLEAN)

    def bytes_literal(self, node: exp.HexString) -> Value:
        """`X'6869'`."""
        digits = re.sub(r"\s", "", node.this)
        if len(digits) % 2 or not re.fullmatch(r"[0-9A-Fa-f]*", digits):
            raise QueryError("SYNTAX_ERROR", "Binary literal must contain an even number of digits")
        return Value(f"unhex('{digits}')", VARBINARY)

    def unicode_literal(self, node: exp.UnicodeString) -> Value:
        """A text with escaped code points."""
        text = re.sub(
            r"\\(\\|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4})",
            lambda m: "\\" if m[1] == "\\" else chr(int(m[1].lstrip("+"), 16)),
            node.name,
        )
        return text_value(text)

    def json_literal(self, node: exp.ParseJSON) -> Value:
        """`JSON '[1]'`."""
        return Value(f"trino_json_parse({self.analyse(node.this).sql})", JSON)

    def interval(self, node: exp.Interval) -> Value:
        """`INTERVAL '1' DAY`."""
        return interval_literal(node)

    def array(self, node: exp.Array) -> Value:
        """`ARRAY[...]`."""
        values = [self.analyse(item) for item in node.expressions]
        kind = self.common(values, node)
        items = ", ".join(coerce(value, kind).sql for value in values)
        return Value(f"[{items}]" if values else "[]", array(kind))

    def common(self, values: Sequence[Value], node: exp.Expr) -> TrinoType:
        """The common type of alternatives.

        Raises:
            QueryError: TYPE_MISMATCH.
        """
        kind = UNKNOWN
        for value in values:
            common = common_type(kind, value.type)
            if common is None:
                message = f"All {_label(node)} results must be the same type or coercible to a common type."
                raise QueryError("TYPE_MISMATCH", f"{message} Cannot find common type between {kind} and {value.type}")
            kind = common
        return kind

    def tuple(self, node: exp.Tuple) -> Value:
        """`(a, b)`: a row."""
        return row_value([self.analyse(item) for item in node.expressions])

    def dot(self, node: exp.Dot) -> Value:
        """A field of a row."""
        if isinstance(node.expression, exp.Identifier):
            value = self.analyse(node.this)
            return dereference(value, [node.expression.name.lower()], lambda c, m: at(node, QueryError(c, m)))
        raise unsupported("this syntax after a dot")

    def bracket(self, node: exp.Bracket) -> Value:
        """`a[b]`."""
        if len(node.expressions) != 1:
            raise QueryError("SYNTAX_ERROR", "mismatched input ','")
        return functions.subscript(self.analyse(node.this), self.analyse(node.expressions[0]))

    # --- operators ------------------------------------------------------------------------------------------------

    def paren(self, node: exp.Paren) -> Value:
        """Parentheses."""
        return self.analyse(node.this)

    def arithmetic(self, node: exp.Binary) -> Value:
        """`+ - * / %`."""
        return arithmetic(_ARITHMETIC[type(node)], self.analyse(node.left), self.analyse(node.right))

    def negative(self, node: exp.Neg) -> Value:
        """`-x`; a number's sign belongs to the literal."""
        inner = node.this
        if isinstance(inner, exp.Literal) and not inner.is_string:
            return number_value("-" + inner.this)
        return negate(self.analyse(inner))

    def pipes(self, node: exp.DPipe) -> Value:
        """`a || b`."""
        return concat(self.analyse(node.left), self.analyse(node.right))

    def comparison(self, node: exp.Binary) -> Value:
        """A comparison, quantified ones too."""
        operator = _COMPARISONS[type(node)]
        quantified = _quantifier(node.right)
        if quantified is None:
            return compare(operator, self.analyse(node.left), self.analyse(node.right))
        word, query = quantified
        left = self.analyse(node.left)
        sql, types = self.queries.subquery(query, self.scope)
        if len(types) != 1:
            raise QueryError("TYPE_MISMATCH", "Multiple columns returned by subquery are not yet supported")
        return functions.quantified(operator, left, sql, types[0], every=word == "all")

    def logical(self, node: exp.Connector) -> Value:
        """AND, OR."""
        word = "AND" if isinstance(node, exp.And) else "OR"
        terms = [self.boolean(term, f"Logical {word} expression term") for term in node.flatten(unnest=False)]
        return Value(f"({f' {word} '.join(terms)})", BOOLEAN)

    def negation(self, node: exp.Not) -> Value:
        """NOT."""
        return Value(f"(NOT {self.boolean(node.this, 'Value of logical NOT expression')})", BOOLEAN)

    def is_null(self, node: exp.Is) -> Value:
        """IS NULL."""
        if not isinstance(node.expression, exp.Null):
            raise QueryError(
                "SYNTAX_ERROR", f"mismatched input '{node.expression.sql()}'. Expecting: 'DISTINCT', 'NOT', 'NULL'"
            )
        return Value(f"({self.analyse(node.this).sql} IS NULL)", BOOLEAN)

    def between(self, node: exp.Between) -> Value:
        """BETWEEN: each bound is compared."""
        if node.args.get("symmetric"):
            raise unsupported("BETWEEN SYMMETRIC")
        value = self.analyse(node.this)
        low, high = self.analyse(node.args["low"]), self.analyse(node.args["high"])
        kind = self._between_type(value, low, high)
        value, low, high = coerce(value, kind), coerce(low, kind), coerce(high, kind)
        return Value(f"({compare('>=', value, low).sql} AND {compare('<=', value, high).sql})", BOOLEAN)

    def _between_type(self, value: Value, low: Value, high: Value) -> TrinoType:
        first = common_type(value.type, low.type)
        kind = common_type(first, high.type) if first else None
        if kind is None:
            message = f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}"
            raise QueryError("TYPE_MISMATCH", message)
        return kind

    def membership(self, node: exp.In) -> Value:
        """IN, of a list or of a subquery."""
        value = self.analyse(node.this)
        query = node.args.get("query")
        if query is not None:
            sql, types = self.queries.subquery(query, self.scope)
            return functions.in_subquery(value, sql, types)
        if node.args.get("unnest") or node.args.get("field"):
            raise QueryError("SYNTAX_ERROR", "mismatched input. Expecting: '('")
        items = [self.analyse(item) for item in node.expressions]
        kind = value.type
        for item in items:
            common = common_type(kind, item.type)
            if common is None:
                raise QueryError(
                    "TYPE_MISMATCH", f"IN value and list items must be the same type: {kind} vs {item.type}"
                )
            kind = common
        return functions.in_list(coerce(value, kind), [coerce(item, kind) for item in items])

    def like(self, node: exp.Like) -> Value:
        """LIKE."""
        matched = self._like(node, None)
        return Value(f"(NOT {matched.sql})", BOOLEAN) if node.args.get("negate") else matched

    def escaped_like(self, node: exp.Escape) -> Value:
        """LIKE with ESCAPE."""
        inner = node.this
        if not isinstance(inner, exp.Like):
            raise QueryError("SYNTAX_ERROR", "mismatched input 'ESCAPE'")
        matched = self._like(inner, self.analyse(node.expression))
        return Value(f"(NOT {matched.sql})", BOOLEAN) if inner.args.get("negate") else matched

    def _like(self, node: exp.Like, escape: Value | None) -> Value:
        if isinstance(node.expression, exp.Any | exp.All | exp.Tuple):
            raise QueryError("SYNTAX_ERROR", "mismatched input after LIKE")
        return functions.like(self.analyse(node.this), self.analyse(node.expression), escape)

    def case(self, node: exp.Case) -> Value:
        """CASE of both forms."""
        operand = self.analyse(node.this) if node.this is not None else None
        conditions: list[str] = []
        results: list[Value] = []
        for branch in node.args["ifs"]:
            if operand is None:
                conditions.append(self.boolean(branch.this, "CASE WHEN clause"))
            else:
                conditions.append(compare("=", operand, self.analyse(branch.this)).sql)
            results.append(self.analyse(branch.args["true"]))
        default = node.args.get("default")
        otherwise = self.analyse(default) if default is not None else Value("NULL", UNKNOWN)
        kind = self.common([*results, otherwise], node)
        branches = zip(conditions, results, strict=True)
        whens = " ".join(f"WHEN {condition} THEN {coerce(result, kind).sql}" for condition, result in branches)
        return Value(f"(CASE {whens} ELSE {coerce(otherwise, kind).sql} END)", kind)

    def cast(self, node: exp.Cast) -> Value:
        """CAST, TRY_CAST, and literals with a type's name."""
        target = type_of(node.to)
        if node.meta.get(LITERAL):
            return typed_literal(node.this.this, target, node.to)
        if isinstance(node.this, exp.Literal) and target.base == "timestamp with time zone":
            return zoned_literal(node.this.this, target.precision)
        result = cast(self.analyse(node.this), target)
        return result if not isinstance(node, exp.TryCast) else functions.attempt(result)

    def at_time_zone(self, node: exp.AtTimeZone) -> Value:
        """AT TIME ZONE."""
        return functions.at_time_zone(self.analyse(node.this), self.analyse(node.args["zone"]))

    def extract(self, node: exp.Extract) -> Value:
        """`EXTRACT(field FROM x)`."""
        return extract(node.this.name.lower(), self.analyse(node.expression))

    # --- subqueries -----------------------------------------------------------------------------------------------

    def subquery(self, node: exp.Expr) -> Value:
        """A scalar subquery."""
        sql, types = self.queries.subquery(node, self.scope)
        if len(types) == 1:
            return Value(sql, types[0])
        raise unsupported("a scalar subquery of several columns")

    def exists(self, node: exp.Exists) -> Value:
        """EXISTS."""
        sql, _ = self.queries.subquery(node.this, self.scope)
        return Value(f"EXISTS {sql}", BOOLEAN)

    # --- moments --------------------------------------------------------------------------------------------------

    def current_date(self, _node: exp.Expr) -> Value:
        """The day of the query, in UTC."""
        return Value(f"DATE '{self.queries.now:%Y-%m-%d}'", DATE)

    def current_timestamp(self, _node: exp.Expr) -> Value:
        """The query's time."""
        return now_value(self.queries.now, 3)

    def local_timestamp(self, _node: exp.Expr) -> Value:
        """The query's time without its zone."""
        return Value(f"TIMESTAMP '{millis_text(self.queries.now)}'", timestamp(3))


def _label(node: exp.Expr) -> str:
    """What Trino calls the expression in a message."""
    return node.name.upper() if isinstance(node, exp.Anonymous) else type(node).__name__.upper()


def _quantifier(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """`all`, `any` or `some` and its subquery; sqlglot takes some forms for calls of functions."""
    if isinstance(node, exp.Any | exp.All):
        return type(node).__name__.lower(), node.this
    if isinstance(node, exp.Anonymous) and node.name.lower() in {"all", "some"} and len(node.expressions) == 1:
        return node.name.lower(), node.expressions[0]
    return None


Handler = Callable[[Expressions, Any], Value]
_HANDLERS: Final[dict[type[exp.Expr], Handler]] = {
    exp.Column: Expressions.column,
    exp.Identifier: Expressions.identifier,
    exp.Literal: Expressions.literal,
    exp.Null: Expressions.null,
    exp.Boolean: Expressions.truth,
    exp.HexString: Expressions.bytes_literal,
    exp.UnicodeString: Expressions.unicode_literal,
    exp.ParseJSON: Expressions.json_literal,
    exp.Interval: Expressions.interval,
    exp.Array: Expressions.array,
    exp.Tuple: Expressions.tuple,
    exp.Dot: Expressions.dot,
    exp.Bracket: Expressions.bracket,
    exp.Paren: Expressions.paren,
    exp.Neg: Expressions.negative,
    exp.DPipe: Expressions.pipes,
    **dict.fromkeys(_ARITHMETIC, Expressions.arithmetic),
    **dict.fromkeys(_COMPARISONS, Expressions.comparison),
    exp.And: Expressions.logical,
    exp.Or: Expressions.logical,
    exp.Not: Expressions.negation,
    exp.Is: Expressions.is_null,
    exp.Between: Expressions.between,
    exp.In: Expressions.membership,
    exp.Like: Expressions.like,
    exp.Escape: Expressions.escaped_like,
    exp.Case: Expressions.case,
    exp.Cast: Expressions.cast,
    exp.TryCast: Expressions.cast,
    exp.AtTimeZone: Expressions.at_time_zone,
    exp.Extract: Expressions.extract,
    exp.Subquery: Expressions.subquery,
    exp.Select: Expressions.subquery,
    exp.Exists: Expressions.exists,
    exp.CurrentDate: Expressions.current_date,
    exp.CurrentTimestamp: Expressions.current_timestamp,
    exp.Localtimestamp: Expressions.local_timestamp,
    exp.Anonymous: Expressions.call,
    exp.Trim: Expressions.trim,
    exp.Substring: Expressions.substring,
    exp.StrPosition: Expressions.position,
    exp.Normalize: Expressions.normalize,
    exp.Window: Expressions.window,
    exp.Filter: Expressions.filtered,
    exp.WithinGroup: Expressions.within_group,
    exp.IgnoreNulls: Expressions.ignoring_nulls,
    exp.RespectNulls: Expressions.ignoring_nulls,
}
