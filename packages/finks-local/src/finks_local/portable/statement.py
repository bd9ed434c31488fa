"""One statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import OptimizeError, ParseError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from finks_local.portable.findings import Finding
from finks_local.portable.meaning import reduced_stars, unlike
from finks_local.portable.spelling import misspelt

DIALECT = "athena"

Schema = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]
"""Catalog, database and table to the columns and their SQL types."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that was looked at.

    Attributes:
        findings: What is not portable, in order of lines.
        columns: The result's columns and their SQL types; empty where they cannot be known.
    """

    findings: tuple[Finding, ...]
    columns: Mapping[str, str]


def check(sql: str, schema: Schema | None = None) -> Checked:
    """Look at one query.

    Args:
        sql: As Athena would get it.
        schema: The tables that it reads. With it every column is resolved, so that an unknown one or one of the same
            select list is found, and the types of all expressions are known; without it only what casts and literals
            say.
    """
    found = set(misspelt(sql))
    try:
        tree = parse_one(sql, dialect=DIALECT)
    except ParseError as error:
        return Checked(_ordered(found or {_unparsed(error)}), {})
    found.update(reduced_stars(tree))
    columns: dict[str, str] = {}
    try:
        typed = _typed(tree, schema)
        columns = _columns(typed)
    except OptimizeError as error:
        found.add(Finding(_line(str(error)), "column", f"{error}; a column of the same select list cannot be used"))
        typed = annotate_types(tree, dialect=DIALECT)
    return Checked(_ordered(found | set(unlike(typed, sql))), columns)


def _typed(tree: exp.Expr, schema: Schema | None) -> exp.Expr:
    for literal in tree.find_all(exp.Literal):
        # To the parser every number with a point is a double; to both engines it is a decimal.
        if not literal.is_string and "." in literal.name and "e" not in literal.name.lower():
            literal.replace(exp.cast(literal.copy(), "decimal", dialect=DIALECT))
    if schema is None or not _knows(schema, tree):
        return annotate_types(tree, dialect=DIALECT)
    tables = MappingSchema(dict(schema), dialect=DIALECT)
    qualified = qualify(tree, schema=tables, dialect=DIALECT, quote_identifiers=False, expand_alias_refs=False)
    return annotate_types(qualified, schema=tables, dialect=DIALECT)


def _columns(query: exp.Expr) -> dict[str, str]:
    selects = query.selects if isinstance(query, exp.Query) else []
    return {item.alias_or_name: item.type.sql(DIALECT) for item in selects if item.type is not None}


def _knows(schema: Schema, tree: exp.Expr) -> bool:
    """Whether the types of all tables are known. A name without a database is that of a common table expression."""
    tables = [table for table in tree.find_all(exp.Table) if table.db]
    return all(schema.get(table.catalog, {}).get(table.db, {}).get(table.name) for table in tables)


def _ordered(found: set[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found))


def _unparsed(error: ParseError) -> Finding:
    first = error.errors[0]
    return Finding(first["line"], "syntax", f"Athena cannot read it: {first['description']}")


def _line(message: str) -> int:
    """The text of the error ends in it: `Column 'b' could not be resolved. Line: 1, Col: 13`."""
    _, _, place = message.partition("Line: ")
    return int(place.partition(",")[0]) if place else 1
