"""FROM: tables, subqueries, joins, UNNEST and what columns they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from finks_local.sql.coercion import coerce, common_type
from finks_local.sql.errors import QueryError
from finks_local.sql.expressions import Expressions
from finks_local.sql.operators import compare_sql
from finks_local.sql.places import at
from finks_local.sql.results import QueryResult
from finks_local.sql.scope import Field, Scope, column
from finks_local.sql.tables import TableRef
from finks_local.sql.types import BIGINT, TrinoType
from finks_local.sql.value import Value, name_literal, unsupported
from finks_local.sql.zones import read_zoned, tzinfo_of

if TYPE_CHECKING:
    from finks_local.sql.query import Statement

CATALOG: Final = "awsdatacatalog"
_TABLE_PARTS: Final = {"this", "db", "catalog", "alias", "version", "sample", "joins"}
_JOIN_PARTS: Final = {"this", "side", "kind", "on", "using", "method"}


@dataclass(frozen=True, slots=True)
class Relation:
    """A part of FROM.

    Args:
        sql: Of DuckDB.
        fields: Its columns.
        lateral: Whether it needs the columns before it.
    """

    sql: str
    fields: tuple[Field, ...]
    lateral: bool = False


class Relations:
    """Translates one FROM clause.

    Args:
        statement: The translator of the statement.
        parent: What an enclosing query's names mean.
    """

    def __init__(self, statement: Statement, parent: Scope | None) -> None:
        self.statement = statement
        self.parent = parent

    def from_clause(
        self, source: exp.From | None, joins: Sequence[exp.Join], sample: exp.TableSample | None = None
    ) -> Relation:
        """FROM with everything that is joined to it; without FROM one row of no columns.

        Args:
            source: The clause.
            joins: In order.
            sample: TABLESAMPLE that sqlglot took for the query's, when it followed an alias with columns.
        """
        if source is None:
            return Relation("", ())
        if sample is None:
            return self._joined(self.factor(source.this, ()), joins)
        if joins:
            raise at(sample, unsupported("TABLESAMPLE after an alias with columns, with joins"))
        sampled = source.this.copy()
        sampled.set("sample", sample.copy())
        return self.factor(sampled, ())

    def _joined(self, first: Relation, joins: Sequence[exp.Join]) -> Relation:
        """Joins bind tighter than commas: conditions see only what stands after the last comma."""
        before: list[Relation] = []
        current = first
        for join in joins:
            self._check_join(join)
            visible = tuple(field for relation in before for field in relation.fields) + current.fields
            if _is_comma(join):
                factor = self.factor(join.this, visible)
                if factor.lateral:
                    current = Relation(f"{current.sql} CROSS JOIN {factor.sql}", current.fields + factor.fields)
                else:
                    before.append(current)
                    current = factor
            else:
                current = self._join(current, join, visible)
        result = current
        if before:
            parts = [*before, current]
            sql = " CROSS JOIN ".join(_grouped(part.sql) for part in parts)
            result = Relation(sql, tuple(field for part in parts for field in part.fields))
        return result

    def _check_join(self, join: exp.Join) -> None:
        method = (join.args.get("method") or "").upper()
        kind = (join.args.get("kind") or "").upper()
        side = (join.args.get("side") or "").upper()
        if method == "NATURAL":
            raise at(join, QueryError("NOT_SUPPORTED", "Natural join not supported"))
        if method or kind not in {"", "INNER", "CROSS", "OUTER"} or side not in {"", "LEFT", "RIGHT", "FULL"}:
            raise at(join, QueryError("SYNTAX_ERROR", f"mismatched input '{method or kind or side}'"))
        unknown = {key for key, value in join.args.items() if value} - _JOIN_PARTS
        if unknown:
            raise at(join, unsupported(f"join with {', '.join(sorted(unknown))}"))

    def _join(self, left: Relation, join: exp.Join, visible: tuple[Field, ...]) -> Relation:
        right = self.factor(join.this, visible)
        side = (join.args.get("side") or "").upper()
        on, using = join.args.get("on"), join.args.get("using")
        cross = (join.args.get("kind") or "").upper() == "CROSS"
        word = f"{side} JOIN" if side else "JOIN"
        if using:
            return self._using(left, right, word, [name.name.lower() for name in using], join)
        fields = left.fields + right.fields
        if cross:
            return Relation(f"{left.sql} CROSS JOIN {_grouped(right.sql)}", fields)
        if on is None:
            raise at(join, QueryError("SYNTAX_ERROR", "mismatched input. Expecting: 'ON', 'USING'"))
        if right.lateral and side in {"RIGHT", "FULL"}:
            raise at(join, unsupported(f"{side} JOIN of UNNEST or LATERAL"))
        condition = Expressions(self.statement, Scope(fields, self.parent)).boolean(on, "JOIN ON clause")
        if right.lateral and condition != "TRUE":
            raise at(
                join,
                QueryError(
                    "NOT_SUPPORTED", f"{side or 'INNER'} JOIN involving UNNEST is only supported with condition ON TRUE"
                ),
            )
        return Relation(f"{left.sql} {word} {_grouped(right.sql)} ON {condition}", fields)

    def _using(self, left: Relation, right: Relation, word: str, names: list[str], join: exp.Join) -> Relation:
        conditions: list[str] = []
        shared: list[Field] = []
        for name in names:
            one, two = (self._only(side, name, where, join) for side, where in ((left, "left"), (right, "right")))
            kind = common_type(one.value.type, two.value.type)
            if kind is None:
                kinds = f"{one.value.type}, {two.value.type}"
                message = f"Column types of left and right side of join are not comparable: {kinds}"
                raise at(join, QueryError("TYPE_MISMATCH", message))
            pair = coerce(one.value, kind), coerce(two.value, kind)
            conditions.append(compare_sql("=", *pair))
            merged = Value(f"coalesce({pair[0].sql}, {pair[1].sql})", kind)
            chosen = {"JOIN": pair[0], "LEFT JOIN": pair[0], "RIGHT JOIN": pair[1]}.get(word, merged)
            shared.append(Field(name, chosen))
        rest = [field for side in (left, right) for field in side.fields if field.name not in names]
        sql = f"{left.sql} {word} {_grouped(right.sql)} ON {' AND '.join(conditions)}"
        return Relation(sql, (*shared, *rest))

    def _only(self, relation: Relation, name: str, side: str, join: exp.Join) -> Field:
        found = [field for field in relation.fields if field.name == name]
        if not found:
            raise at(join, QueryError("COLUMN_NOT_FOUND", f"Column '{name}' is missing from {side} side of join"))
        if len(found) > 1:
            raise at(join, QueryError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous"))
        return found[0]

    # --- factors --------------------------------------------------------------------------------------------------

    def factor(self, node: exp.Expr, visible: tuple[Field, ...]) -> Relation:
        """One table, subquery, UNNEST, LATERAL or VALUES.

        Args:
            node: Its tree.
            visible: The columns before it, for UNNEST and LATERAL.
        """
        match node:
            case exp.Table():
                relation = self._table(node)
            case exp.Unnest():
                relation = self._unnest(node, visible)
            case exp.Lateral():
                relation = self._lateral(node, visible)
            case exp.Subquery() if isinstance(node.this, exp.Table | exp.Unnest):
                relation = self._parenthesised(node)
            case exp.Subquery() | exp.Values():
                relation = self._subquery(node)
            case _:
                raise at(node, unsupported(f"the relation {type(node).__name__}"))
        joins = node.args.get("joins") or () if isinstance(node, exp.Table) else ()
        if not joins:
            return relation
        joined = self._joined(relation, joins)
        return Relation(f"({joined.sql})", joined.fields)

    def _parenthesised(self, node: exp.Subquery) -> Relation:
        inner = self.factor(node.this, ())
        joined = self._joined(inner, node.args.get("joins") or ())
        return Relation(_grouped(joined.sql), joined.fields, lateral=inner.lateral)

    def _table(self, node: exp.Table) -> Relation:
        unknown = {key for key, value in node.args.items() if value} - _TABLE_PARTS
        if unknown or not isinstance(node.this, exp.Identifier):
            what = ", ".join(sorted(unknown)) or "a table function"
            raise at(node, unsupported(f"a table with {what}"))
        name = node.name.lower()
        named = self.statement.named(name) if not node.db else None
        alias = self.statement.fresh("t")
        if named is not None:
            own = (name,)
            fields = [Field(f.name, column(alias, f.physical, f.type), own) for f in named.fields]
            sql = named.relation
        else:
            table = self._reference(node)
            self._remember(table)
            own = (CATALOG, table.database, name)
            known = self.statement.resolver.columns(table)
            fields = [Field(c.name, column(alias, c.name, c.type), own, c.hidden) for c in known]
            sql = table.relation
        sql = self._sampled(sql, node.args.get("sample"), node)
        return Relation(f"{sql} AS {alias}", _aliased(fields, node))

    def _sampled(self, sql: str, sample: exp.TableSample | None, node: exp.Expr) -> str:
        if sample is None:
            return sql
        method = sample.args["method"].name.upper() if sample.args.get("method") else ""
        percent = sample.args.get("percent")
        if method not in {"BERNOULLI", "SYSTEM"} or percent is None:
            raise at(node, QueryError("SYNTAX_ERROR", "mismatched input. Expecting: 'BERNOULLI', 'SYSTEM'"))
        return f"(SELECT * FROM {sql} TABLESAMPLE {method} ({float(percent.name)} PERCENT))"  # noqa: S608

    def _reference(self, node: exp.Table) -> TableRef:
        catalog = node.catalog.lower()
        if catalog and catalog != CATALOG:
            raise at(node, QueryError("CATALOG_NOT_FOUND", f"Catalog '{catalog}' not found"))
        name, _, metadata = node.name.lower().partition("$")
        table = TableRef(node.db.lower() or self.statement.database, name, metadata=metadata or None)
        version = node.args.get("version")
        return table if version is None else self._as_of(table, version)

    def _as_of(self, table: TableRef, version: exp.Version) -> TableRef:
        value = Expressions(self.statement, Scope((), None)).analyse(version.expression)
        if version.this.upper() == "VERSION":
            if not isinstance(value.constant, int):
                raise at(version, unsupported("FOR VERSION AS OF anything but a number"))
            return replace(table, version=value.constant)
        node = version.expression
        if not isinstance(node, exp.Cast) or not isinstance(node.this, exp.Literal):
            raise at(version, unsupported("FOR TIMESTAMP AS OF anything but a literal"))
        read = read_zoned(node.this.name)
        if read is None:
            raise at(version, QueryError("INVALID_LITERAL", f"'{node.this.name}' is not a valid timestamp literal"))
        clock, zone, _ = read
        return replace(table, at=clock.replace(tzinfo=tzinfo_of(zone or "UTC")))

    def _remember(self, table: TableRef) -> None:
        if table not in self.statement.tables:
            self.statement.tables.append(table)

    def _subquery(self, node: exp.Subquery | exp.Values) -> Relation:
        bare = node.copy()
        bare.set("alias", None)
        sample = bare.args.pop("sample", None)
        result = self.statement.query(bare, self.parent)
        return self._from_query(result, node, sample)

    def _from_query(self, result: QueryResult, node: exp.Expr, sample: exp.TableSample | None) -> Relation:
        alias = self.statement.fresh("t")
        sql = self._sampled(f"({result.sql})", sample, node)
        return Relation(f"{sql} AS {alias}", _aliased(result.as_fields(alias), node))

    def _lateral(self, node: exp.Lateral, visible: tuple[Field, ...]) -> Relation:
        inner = node.this
        if not isinstance(inner, exp.Subquery):
            raise at(node, unsupported("LATERAL of a function"))
        result = self.statement.query(inner, Scope(visible, self.parent))
        relation = self._from_query(result, node, None)
        return Relation(f"LATERAL {relation.sql}", relation.fields, lateral=True)

    def _unnest(self, node: exp.Unnest, visible: tuple[Field, ...]) -> Relation:
        expressions = Expressions(self.statement, Scope(visible, self.parent))
        outputs: list[str] = []
        kinds: list[TrinoType] = []
        for item in node.expressions:
            for sql, kind in _unnested(expressions.analyse(item), item):
                outputs.append(sql)
                kinds.append(kind)
        offset = node.args.get("offset")
        names = [f"u{i}" for i in range(len(outputs))]
        if offset:
            lengths = ", ".join(_length(sql) for sql in outputs)
            outputs.append(f"unnest(range(1, 1 + greatest({lengths}))) ")
            kinds.append(BIGINT)
            names.append("ordinality")
        alias = self.statement.fresh("t")
        inner = ", ".join(f"{sql} AS {name_literal(n)}" for sql, n in zip(outputs, names, strict=True))
        fields = [Field(None, column(alias, n, kind)) for n, kind in zip(names, kinds, strict=True)]
        fields = _unpacked(fields, [expressions.analyse(item).type for item in node.expressions], bool(offset))
        return Relation(f"LATERAL (SELECT {inner}) AS {alias}", _aliased_unnest(fields, node), lateral=True)


def _unnested(value: Value, node: exp.Expr) -> list[tuple[str, TrinoType]]:
    match value.type.base:
        case "array":
            return [(f"unnest({value.sql})", value.type.element)]
        case "map":
            entries = f"map_entries({value.sql})"
            return [
                (f"unnest(list_transform({entries}, lambda e: e.key))", value.type.args[0]),
                (f"unnest(list_transform({entries}, lambda e: e.value))", value.type.args[1]),
            ]
        case _:
            raise at(node, QueryError("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {value.type}"))


def _length(sql: str) -> str:
    return f"coalesce(len({sql.removeprefix('unnest(').removesuffix(')')}), 0)"


def _unpacked(fields: list[Field], kinds: list[TrinoType], ordinality: bool) -> list[Field]:
    """An array of rows gives a column for each field."""
    result: list[Field] = []
    rest = list(fields)
    for kind in kinds:
        taken = rest.pop(0)
        result.append(taken)
        if kind.base == "map":
            result.append(rest.pop(0))
        elif kind.base == "array" and kind.element.base == "row":
            result.pop()
            for written, (name, field) in zip(kind.element.names, kind.element.named_fields, strict=True):
                sql = f"struct_extract({taken.value.sql}, '{name.replace(chr(39), chr(39) * 2)}')"
                result.append(Field(written, Value(sql, field)))
    return result + (rest if ordinality else [])


def _aliased_unnest(fields: list[Field], node: exp.Unnest) -> tuple[Field, ...]:
    alias = node.args.get("alias")
    if alias is None:
        return tuple(fields)
    names = [name.name.lower() for name in alias.columns]
    offset = node.args.get("offset")
    if isinstance(offset, exp.Identifier):
        names.append(offset.name.lower())
    return _named(fields, alias.name.lower(), names, node)


def _aliased(fields: Sequence[Field], node: exp.Expr) -> tuple[Field, ...]:
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias) or not alias.this:
        return tuple(fields)
    return _named(fields, alias.name.lower(), [name.name.lower() for name in alias.columns], node)


def _named(fields: Sequence[Field], alias: str, names: Sequence[str], node: exp.Expr) -> tuple[Field, ...]:
    shown = [field for field in fields if not field.hidden]
    if names and len(names) != len(shown):
        message = f"Column alias list has {len(names)} entries but '{alias}' has {len(shown)} columns available"
        raise at(node, QueryError("MISMATCHED_COLUMN_ALIASES", message))
    if not names:
        return tuple(replace(field, qualifiers=(alias,)) for field in fields)
    pairs = zip(shown, names, strict=True)
    return tuple(replace(field, name=name, qualifiers=(alias,)) for field, name in pairs)


def _is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(part) for part in ("side", "kind", "on", "using", "method"))


def _grouped(sql: str) -> str:
    return f"({sql})" if " JOIN " in sql and not sql.startswith(("(", "LATERAL")) else sql
