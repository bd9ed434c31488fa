"""A translated expression: DuckDB's SQL and Trino's type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from finks_local.sql.errors import QueryError

if TYPE_CHECKING:
    from finks_local.sql.types import TrinoType

FAILURE_MARK: Final = "!"
"""Before and after the code in an error that a translation raises by itself: `!CODE!message`."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression.

    Args:
        sql: DuckDB's SQL, complete in itself: a name, a call, a cast, or in parentheses.
        type: Trino's type.
        constant: The value of a literal; None otherwise.
    """

    sql: str
    type: TrinoType
    constant: str | int | Decimal | None = None

    def typed(self, kind: TrinoType) -> Value:
        """The same SQL with another type."""
        return Value(self.sql, kind, self.constant)


@dataclass(frozen=True, slots=True)
class Lambda:
    """A lambda that is not analysed yet, because its parameters' types come from the other arguments.

    Args:
        arity: Number of parameters.
        analyse: Analyses the body for parameters of these types, each the named field of what is passed ("" for
            the whole); gives the parameters' names and the body.
    """

    arity: int
    analyse: Callable[[tuple[TrinoType, ...], tuple[str, ...]], tuple[tuple[str, ...], Value]]

    def bind(self, types: tuple[TrinoType, ...], fields: tuple[str, ...] = ()) -> tuple[tuple[str, ...], Value]:
        """The parameters' names and the body, for parameters of these types."""
        return self.analyse(types, fields or ("",) * len(types))


def text_literal(text: str) -> str:
    """DuckDB's literal of a text."""
    return "'" + text.replace("'", "''") + "'"


def name_literal(name: str) -> str:
    """DuckDB's quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def cast_sql(sql: str, duckdb: str) -> str:
    """A cast in DuckDB."""
    return f"CAST({sql} AS {duckdb})"


def fail_sql(code: str, message_sql: str, duckdb: str = "INTEGER") -> str:
    """DuckDB SQL that always fails with a Trino error.

    A cast that fails is used, not `error()`: that one is volatile and cannot stand inside TRY.
    """
    failing = f"trino_fail({text_literal(code)}, {message_sql})"
    return failing if duckdb == "INTEGER" else f"CAST(CAST({failing} AS VARCHAR) AS {duckdb})"


_ARGUMENT: Final = re.compile(r"\$(\d+)")


def fill(template: str, arguments: list[str]) -> str:
    """Put arguments in place of `$1`, `$2`... of a template."""
    return _ARGUMENT.sub(lambda match: arguments[int(match[1]) - 1], template)


def unsupported(what: str) -> QueryError:
    """Something that Trino has and this translation does not."""
    return QueryError("NOT_SUPPORTED", f"{what} is not supported by the local Athena")
