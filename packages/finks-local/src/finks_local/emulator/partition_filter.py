"""The filter expressions of Glue's GetPartitions: a WHERE clause over a table's partition keys.

The grammar is that of the Glue API Reference, GetPartitions, `Expression`: comparisons, IN, BETWEEN, LIKE, IS NULL,
AND, OR, NOT, on keys of the types listed there. Anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from finks_local.wire import ServiceError

_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_TYPES: Final = {
    "string": "VARCHAR", "varchar": "VARCHAR", "char": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP",
    "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "integer": "INTEGER", "bigint": "BIGINT",
    "long": "BIGINT",
}  # fmt: skip
_ALLOWED: Final = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between,
    exp.Like, exp.Is, exp.Null, exp.Column, exp.Identifier, exp.Literal, exp.Neg, exp.Tuple, exp.Cast, exp.DataType,
    exp.DataTypeParam,
)  # fmt: skip


def matching(expression: str, keys: Sequence[tuple[str, str]], values: Sequence[Sequence[str]]) -> list[int]:
    """The positions of the partitions that a filter keeps.

    Args:
        expression: The filter.
        keys: Name and Hive type of the table's partition keys, in order.
        values: The values of each partition, as Glue keeps them.

    Raises:
        ServiceError: `InvalidInputException`; the expression is not of the grammar, or names what is no key.
    """
    condition = _parse(expression, {name.lower() for name, _ in keys})
    columns = ", ".join(f"{_quoted(name)} {_duckdb_type(type_)}" for name, type_ in keys)
    rows = [(number, *(None if v == _NULL else v for v in partition)) for number, partition in enumerate(values)]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE partition (number INTEGER, {columns})")
        try:
            if rows:
                marks = ", ".join("?" * (len(keys) + 1))
                connection.executemany(f"INSERT INTO partition VALUES ({marks})", rows)  # noqa: S608
            where = condition.sql(dialect="duckdb", identify=True)
            kept = connection.execute(f"SELECT number FROM partition WHERE {where} ORDER BY number")  # noqa: S608
            return [number for (number,) in kept.fetchall()]
        except duckdb.Error as error:
            raise _refusal(expression, str(error).splitlines()[0]) from None


def _parse(expression: str, names: set[str]) -> exp.Expr:
    try:
        condition = sqlglot.condition(expression, dialect="trino")
    except SqlglotError as error:
        raise _refusal(expression, str(error).splitlines()[0]) from None
    for node in condition.walk():
        if not isinstance(node, _ALLOWED):
            raise _refusal(expression, f"{node.sql(dialect='trino')} is not supported")
        if isinstance(node, exp.Column):
            if node.name.lower() not in names or node.table:
                raise _refusal(expression, f"{node.sql(dialect='trino')} is not a partition key")
            node.this.replace(exp.to_identifier(node.name.lower(), quoted=True))
    return condition


def _duckdb_type(hive: str) -> str:
    plain = hive.strip().lower()
    if re.fullmatch(r"decimal(\(\d+(\s*,\s*\d+)?\))?", plain):
        return plain.upper() if "(" in plain else "DECIMAL(10, 0)"
    found = _TYPES.get(plain.partition("(")[0])
    if found is None:
        raise ServiceError("InvalidInputException", f"Unsupported expression: a partition key of type {hive}.")
    return found


def _quoted(name: str) -> str:
    return exp.to_identifier(name.lower(), quoted=True).sql(dialect="duckdb")


def _refusal(expression: str, why: str) -> ServiceError:
    return ServiceError("InvalidInputException", f"Unsupported expression: {expression!r}: {why}")
