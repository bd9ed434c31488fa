"""From a statement's text to its value: Trino's statements by their heads, Hive's by `tables` and `alter`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from finks_local.engine.ddl import statements as ast
from finks_local.engine.ddl.alter import alter_database, alter_table
from finks_local.engine.ddl.reader import Reader
from finks_local.engine.ddl.show import describe, show
from finks_local.engine.ddl.tables import create_table, pairs
from finks_local.sql.errors import QueryError

Values = Mapping[str, str | tuple[str, ...]]

_QUERY: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_ROW_CHANGES: Final = ("UPDATE", "DELETE", "MERGE")


def parse_statement(text: str) -> ast.Statement:
    """The statement that the text is.

    Raises:
        QueryError: SYNTAX_ERROR: it is none of Athena's, or is malformed before its query begins.
    """
    reader = Reader(text)
    word = reader.peek().upper
    if word in _QUERY:
        return ast.Query(reader.rest())
    if word in _ROW_CHANGES:
        return ast.RowChange(word, reader.rest())
    parser = _PARSERS.get(word)
    if parser is None:
        raise reader.error("Expecting a statement that Athena knows")
    reader.take()
    statement = parser(reader)
    reader.finish()
    return statement


def _create(reader: Reader) -> ast.Statement:
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return _create_database(reader)
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("VIEW"):
        name = reader.table()
        reader.expect("AS")
        return ast.CreateView(name, replace, reader.rest())
    external = reader.accept("EXTERNAL")
    reader.expect("TABLE")
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.table()
    if reader.looking_at("("):
        return create_table(reader, name, external=external, if_not_exists=if_not_exists)
    properties = _values(reader) if reader.accept("WITH") else {}
    reader.expect("AS")
    query, with_data = _data_clause(reader.rest())
    return ast.CreateTableAs(name, if_not_exists, properties, query, with_data)


def _data_clause(query: str) -> tuple[str, bool]:
    """The query of a CTAS without its WITH [NO] DATA, and whether the rows are wanted."""
    reader = Reader(query)
    ends: list[int] = []
    while not reader.done:
        if reader.looking_at("WITH", "DATA") or reader.looking_at("WITH", "NO", "DATA"):
            ends.append(reader.peek().start)
        reader.take()
    if not ends:
        return query, True
    tail = Reader(query[ends[-1] :])
    no_data = tail.accept("WITH", "NO", "DATA")
    return (query[: ends[-1]], not no_data) if no_data or (tail.accept("WITH", "DATA") and tail.done) else (query, True)


def _create_database(reader: Reader) -> ast.CreateDatabase:
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.database()
    comment = reader.string() if reader.accept("COMMENT") else None
    location = reader.string() if reader.accept("LOCATION") else None
    properties = pairs(reader) if reader.accept("WITH", "DBPROPERTIES") else {}
    return ast.CreateDatabase(name, if_not_exists, comment, location, properties)


def _drop(reader: Reader) -> ast.Statement:
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        if_exists = reader.accept("IF", "EXISTS")
        name = reader.database()
        cascade = reader.accept("CASCADE")
        if not cascade:
            reader.accept("RESTRICT")
        return ast.DropDatabase(name, if_exists, cascade)
    view = reader.accept("VIEW")
    if not view:
        reader.expect("TABLE")
    if_exists = reader.accept("IF", "EXISTS")
    return ast.Drop(reader.table(), view, if_exists)


def _alter(reader: Reader) -> ast.Statement:
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return alter_database(reader)
    return alter_table(reader)


def _repair(reader: Reader) -> ast.Repair:
    reader.expect("REPAIR", "TABLE")
    return ast.Repair(reader.table())


def _insert(reader: Reader) -> ast.Insert:
    if reader.looking_at("OVERWRITE"):
        raise QueryError("NOT_SUPPORTED", "INSERT OVERWRITE is not supported by Athena")
    reader.expect("INTO")
    name = reader.table()
    columns = _column_list(reader)
    return ast.Insert(name, columns, reader.rest())


def _column_list(reader: Reader) -> tuple[str, ...] | None:
    """The names in parentheses; None when what is in parentheses is the query itself."""
    if not reader.looking_at("(") or reader.peek(1).upper in _QUERY:
        return None
    reader.expect("(")
    columns = [reader.identifier()]
    while reader.accept(","):
        columns.append(reader.identifier())
    reader.expect(")")
    return tuple(columns)


def _unload(reader: Reader) -> ast.Unload:
    reader.expect("(")
    query = reader.until_closing()
    reader.expect("TO")
    location = reader.string()
    reader.expect("WITH")
    return ast.Unload(query, location, _values(reader))


def _optimize(reader: Reader) -> ast.Optimize:
    name = reader.table()
    reader.expect("REWRITE", "DATA", "USING", "BIN_PACK")
    return ast.Optimize(name, reader.rest() if reader.accept("WHERE") else None)


def _vacuum(reader: Reader) -> ast.Vacuum:
    return ast.Vacuum(reader.table())


def _prepare(reader: Reader) -> ast.Prepare:
    name = reader.identifier()
    reader.expect("FROM")
    return ast.Prepare(name, reader.rest().strip())


def _execute(reader: Reader) -> ast.Execute:
    name = reader.identifier()
    values: list[str] = []
    if reader.accept("USING"):
        values.append(_expression(reader))
        while reader.accept(","):
            values.append(_expression(reader))
    return ast.Execute(name, tuple(values))


def _expression(reader: Reader) -> str:
    """The text up to the next comma outside of parentheses."""
    start, depth, end = reader.peek().start, 0, 0
    while not reader.done and (depth or not reader.looking_at(",")):
        token = reader.take()
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.upper, 0)
        end = token.end
    return reader.text[start:end]


def _deallocate(reader: Reader) -> ast.Deallocate:
    reader.expect("PREPARE")
    return ast.Deallocate(reader.identifier())


def _explain(reader: Reader) -> ast.Explain:
    analyze = reader.accept("ANALYZE")
    options: dict[str, str] = {}
    if reader.looking_at("(") and reader.peek(1).upper in {"FORMAT", "TYPE"}:
        reader.expect("(")
        while not reader.accept(")"):
            option = reader.identifier().upper()
            options[option] = reader.identifier().upper()
            reader.accept(",")
    return ast.Explain(reader.rest(), analyze, options)


def _values(reader: Reader) -> Values:
    """`(name = value, ...)`, where a value is a text, a number, a word or ARRAY[...] of texts."""
    found: dict[str, str | tuple[str, ...]] = {}
    reader.expect("(")
    while not reader.accept(")"):
        if found:
            reader.expect(",")
        name = reader.string().lower() if reader.peek().kind == "string" else reader.identifier()
        reader.expect("=")
        if name in found:
            raise QueryError("SYNTAX_ERROR", f"Duplicate property: {name}")
        found[name] = _value(reader)
    return found


def _value(reader: Reader) -> str | tuple[str, ...]:
    if reader.accept("ARRAY"):
        reader.expect("[")
        items: list[str] = []
        while not reader.accept("]"):
            if items:
                reader.expect(",")
            items.append(reader.string())
        return tuple(items)
    return reader.string() if reader.peek().kind == "string" else reader.take().text


_PARSERS: Final[Mapping[str, Callable[[Reader], ast.Statement]]] = MappingProxyType(
    {
        "CREATE": _create,
        "DROP": _drop,
        "ALTER": _alter,
        "MSCK": _repair,
        "SHOW": show,
        "DESCRIBE": describe,
        "DESC": describe,
        "INSERT": _insert,
        "UNLOAD": _unload,
        "OPTIMIZE": _optimize,
        "VACUUM": _vacuum,
        "PREPARE": _prepare,
        "EXECUTE": _execute,
        "DEALLOCATE": _deallocate,
        "EXPLAIN": _explain,
    }
)
