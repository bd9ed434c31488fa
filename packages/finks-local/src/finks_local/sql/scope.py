"""Which columns a name can mean, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from finks_local.sql.errors import QueryError
from finks_local.sql.types import TrinoType
from finks_local.sql.value import Value, name_literal, text_literal


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a relation.

    Args:
        name: In lower case; None when it cannot be named.
        value: Its SQL and type.
        qualifiers: The relation's name, most general part first: `("awsdatacatalog", "db", "t")` or `("alias",)`.
        hidden: Not part of `*`.
    """

    name: str | None
    value: Value
    qualifiers: tuple[str, ...] = ()
    hidden: bool = False

    def answers(self, qualifiers: Sequence[str], name: str) -> bool:
        """Whether `qualifiers.name` can mean this column."""
        return self.name == name and (not qualifiers or self.qualifiers[-len(qualifiers) :] == tuple(qualifiers))


@dataclass(slots=True)
class Grouping:
    """An aggregation under analysis: what its inner query computes, and what was used without being grouped.

    Args:
        alias: DuckDB's name of the inner query.
        keys: SQL over the source → the column of the inner query, and its type.
        computed: Columns of the inner query beyond the keys: SQL → name.
        loose: Messages for columns that are neither grouped nor aggregated; see `Expressions.analyse`.
    """

    alias: str
    keys: dict[str, Value] = field(default_factory=dict[str, Value])
    computed: dict[str, str] = field(default_factory=dict[str, str])
    loose: list[QueryError] = field(default_factory=list[QueryError])
    in_aggregate: bool = False

    def add_key(self, value: Value) -> None:
        """Group by a value."""
        if value.sql not in self.keys:
            name = f"k{len(self.keys) + 1}"
            self.keys[value.sql] = Value(f"{self.alias}.{name}", value.type)

    def add(self, value: Value) -> Value:
        """Compute an aggregate in the inner query."""
        name = self.computed.setdefault(value.sql, f"a{len(self.computed) + 1}")
        return Value(f"{self.alias}.{name}", value.type)

    def columns(self) -> list[str]:
        """The inner query's select list."""
        keys = [f"{sql} AS {ref.sql.rsplit('.', 1)[1]}" for sql, ref in self.keys.items()]
        return keys + [f"{sql} AS {name}" for sql, name in self.computed.items()]


@dataclass(slots=True)
class Scope:
    """The columns that an expression sees; then those of the enclosing query."""

    fields: Sequence[Field]
    parent: Scope | None = None
    grouping: Grouping | None = None
    lambdas: dict[str, Value] = field(default_factory=dict[str, Value])
    outputs: dict[str, Value] = field(default_factory=dict[str, Value])

    def with_lambdas(self, names: dict[str, Value]) -> Scope:
        """The same columns, and a lambda's parameters before them."""
        return replace(self, lambdas={**self.lambdas, **names})

    def with_outputs(self, names: dict[str, Value]) -> Scope:
        """The same columns, and those of the select list before them, as ORDER BY sees them."""
        return replace(self, outputs=names)

    def resolve(self, parts: Sequence[str], fail: Callable[[str, str], QueryError]) -> Value:
        """The value of a dotted name: a column, or fields of a row in one.

        Args:
            parts: In lower case.
            fail: Makes the error of a code and a message with the name's place.

        Raises:
            QueryError: COLUMN_NOT_FOUND, AMBIGUOUS_NAME.
        """
        if parts[0] in self.lambdas:
            return dereference(self.lambdas[parts[0]], parts[1:], fail)
        if len(parts) == 1 and parts[0] in self.outputs:
            return self._output(parts[0], fail)
        scope: Scope | None = self
        while scope is not None:
            found = scope.own(parts, fail)
            if found is not None:
                return found
            scope = scope.parent
        raise fail("COLUMN_NOT_FOUND", f"Column '{'.'.join(parts)}' cannot be resolved")

    def _output(self, name: str, fail: Callable[[str, str], QueryError]) -> Value:
        """A column of the select list; inside an aggregate only one that a column of the source is."""
        value = self.outputs[name]
        if self.grouping is None or not self.grouping.in_aggregate:
            return value
        source = self.own([name], fail)
        if source is None or self.grouping.keys.get(source.sql) != value:
            raise fail(
                "INVALID_COLUMN_REFERENCE", "Invalid reference to output projection attribute from ORDER BY aggregation"
            )
        return source

    def own(self, parts: Sequence[str], fail: Callable[[str, str], QueryError]) -> Value | None:
        """The same among this scope's own columns alone."""
        for size in range(len(parts), 0, -1):
            qualifiers, name = parts[: size - 1], parts[size - 1]
            found = [column for column in self.fields if column.answers(qualifiers, name)]
            if len(found) > 1:
                raise fail("AMBIGUOUS_NAME", f"Column '{'.'.join(parts[:size])}' is ambiguous")
            if found:
                value = self._grouped(found[0].value, ".".join(parts[:size]), fail)
                return dereference(value, parts[size:], fail)
        return None

    def _grouped(self, value: Value, name: str, fail: Callable[[str, str], QueryError]) -> Value:
        grouping = self.grouping
        if grouping is None or grouping.in_aggregate:
            return value
        if value.sql in grouping.keys:
            return grouping.keys[value.sql]
        message = f"'{name}' must be an aggregate expression or appear in GROUP BY clause"
        grouping.loose.append(fail("EXPRESSION_NOT_AGGREGATE", message))
        return value


def dereference(value: Value, names: Sequence[str], fail: Callable[[str, str], QueryError]) -> Value:
    """A field of a row, and so on inward."""
    for name in names:
        if value.type.base != "row":
            raise fail("TYPE_MISMATCH", f"Expression {name} is not of type ROW")
        found = [(own, kind) for own, kind in value.type.fields if own is not None and own.lower() == name]
        if not found:
            raise fail("COLUMN_NOT_FOUND", f"Column '{name}' cannot be resolved")
        if len(found) > 1:
            raise fail("AMBIGUOUS_NAME", f"Ambiguous row field reference: {name}")
        own, kind = found[0]
        value = Value(f"struct_extract({value.sql}, {text_literal(own)})", kind)
    return value


def column(alias: str, name: str, kind: TrinoType) -> Value:
    """A column of a relation in DuckDB's SQL."""
    return Value(f"{alias}.{name_literal(name)}", kind)
