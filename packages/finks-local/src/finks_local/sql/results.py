"""What a query gives, and the clauses that count its columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from finks_local.sql.errors import QueryError
from finks_local.sql.places import at
from finks_local.sql.scope import Field, column
from finks_local.sql.types import TrinoType
from finks_local.sql.value import unsupported


@dataclass(frozen=True, slots=True)
class OutputField:
    """One column of a query's result.

    Args:
        name: In lower case; None without a name.
        type: Its type.
        physical: DuckDB's name of it, unique in the result.
    """

    name: str | None
    type: TrinoType
    physical: str


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A translated query."""

    sql: str
    fields: tuple[OutputField, ...]

    def as_fields(self, alias: str, qualifiers: tuple[str, ...] = ()) -> list[Field]:
        """Its columns when it stands in FROM under a DuckDB alias."""
        return [Field(f.name, column(alias, f.physical, f.type), qualifiers) for f in self.fields]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query of WITH: DuckDB's name of it and its columns."""

    relation: str
    fields: tuple[OutputField, ...]


def physical_names(names: Sequence[str | None]) -> list[str]:
    """Unique names for DuckDB, near to the given ones."""
    seen: set[str] = set()
    result: list[str] = []
    for index, name in enumerate(names):
        candidate = name or f"_col{index}"
        if candidate.lower() in seen:
            candidate = f"{candidate}_{index}"
        while candidate.lower() in seen:
            candidate += "_"
        seen.add(candidate.lower())
        result.append(candidate)
    return result


def renamed(fields: tuple[OutputField, ...], names: Sequence[str], node: exp.Expr) -> tuple[OutputField, ...]:
    """The columns under an alias's names.

    Raises:
        QueryError: MISMATCHED_COLUMN_ALIASES.
    """
    if not names:
        return fields
    if len(names) != len(fields):
        message = f"Column alias list has {len(names)} entries but relation has {len(fields)} columns"
        raise at(node, QueryError("MISMATCHED_COLUMN_ALIASES", message))
    return tuple(OutputField(name, f.type, f.physical) for name, f in zip(names, fields, strict=True))


def ordinal(node: exp.Expr, width: int, clause: str) -> int | None:
    """The column that a number in GROUP BY or ORDER BY means, from 0.

    Raises:
        QueryError: INVALID_COLUMN_REFERENCE.
    """
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        return None
    position = int(node.this)
    if not 1 <= position <= width:
        raise at(node, QueryError("INVALID_COLUMN_REFERENCE", f"{clause} position {position} is not in select list"))
    return position - 1


def limit_sql(node: exp.Expr) -> str:
    """OFFSET and LIMIT, or FETCH FIRST.

    Raises:
        QueryError: NOT_SUPPORTED for WITH TIES.
    """
    parts = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            raise at(node, unsupported("FETCH FIRST ... WITH TIES"))
        count = limit.args.get("count")
        parts += f" LIMIT {_whole(count) if count is not None else 1}"
    elif limit is not None:
        if limit.args.get("expressions") or limit.args.get("offset"):
            raise at(node, QueryError("SYNTAX_ERROR", "mismatched input after LIMIT"))
        if limit.expression.name.upper() != "ALL":
            parts += f" LIMIT {_whole(limit.expression)}"
    if offset is not None:
        parts += f" OFFSET {_whole(offset.expression)}"
    return parts


def _whole(node: exp.Expr) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit():
        raise at(node, QueryError("SYNTAX_ERROR", f"mismatched input '{node.sql()}'. Expecting: 'ALL', <integer>"))
    return int(node.this)
