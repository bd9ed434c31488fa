"""The type that a tree names, as in a cast."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from finks_local.sql.errors import QueryError
from finks_local.sql.types import TrinoType, array, map_of, parse_trino, row

_KINDS: Final = exp.DataType.Type
_NAMES: Final = {
    _KINDS.BOOLEAN: "boolean",
    _KINDS.TINYINT: "tinyint",
    _KINDS.SMALLINT: "smallint",
    _KINDS.INT: "integer",
    _KINDS.BIGINT: "bigint",
    _KINDS.FLOAT: "real",
    _KINDS.DOUBLE: "double",
    _KINDS.DECIMAL: "decimal",
    _KINDS.VARCHAR: "varchar",
    _KINDS.CHAR: "char",
    _KINDS.VARBINARY: "varbinary",
    _KINDS.DATE: "date",
    _KINDS.TIME: "time",
    _KINDS.TIMETZ: "time with time zone",
    _KINDS.TIMESTAMP: "timestamp",
    _KINDS.TIMESTAMPTZ: "timestamp with time zone",
    _KINDS.JSON: "json",
    _KINDS.UUID: "uuid",
}


def type_of(node: exp.DataType) -> TrinoType:
    """Trino's type of a type's tree.

    Raises:
        QueryError: TYPE_NOT_FOUND.
    """
    kind = node.this
    if isinstance(kind, exp.Interval):
        return parse_trino("interval " + kind.args["unit"].sql().lower())
    match kind:
        case _KINDS.ARRAY:
            return array(type_of(node.expressions[0]))
        case _KINDS.MAP:
            key, value = node.expressions
            return map_of(type_of(key), type_of(value))
        case _KINDS.STRUCT:
            return row([_field(field) for field in node.expressions])
        case _ if kind in _NAMES:
            return _scalar(_NAMES[kind], node)
        case _:
            raise QueryError("TYPE_NOT_FOUND", f"Unknown type: {node.sql()}")


def _field(node: exp.Expr) -> tuple[str | None, TrinoType]:
    if isinstance(node, exp.DataType):
        return None, type_of(node)
    kind = node.args.get("kind")
    if not isinstance(kind, exp.DataType):
        return None, parse_trino(node.name)
    return node.name.lower(), type_of(kind)


def _scalar(name: str, node: exp.DataType) -> TrinoType:
    params = ",".join(param.name for param in node.expressions)
    if not params:
        return parse_trino(name)
    first, _, rest = name.partition(" ")
    return parse_trino(f"{first}({params}) {rest}")
