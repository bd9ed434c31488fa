"""Hive's CREATE TABLE, and Athena's of Iceberg tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from finks_local.engine.ddl.reader import Name, Reader
from finks_local.engine.ddl.statements import ColumnText, CreateTable, RowFormat, Storage
from finks_local.sql.errors import QueryError

LAZY_SIMPLE: Final = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"

_DELIMITERS: Final = (
    (("FIELDS", "TERMINATED", "BY"), "field.delim"),
    (("ESCAPED", "BY"), "escape.delim"),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "collection.delim"),
    (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
    (("LINES", "TERMINATED", "BY"), "line.delim"),
    (("NULL", "DEFINED", "AS"), "serialization.null.format"),
)


@dataclass
class _Clauses:
    partitioned_by: list[ColumnText] = field(default_factory=list)
    transforms: list[str] = field(default_factory=list)
    comment: str | None = None
    row_format: RowFormat | None = None
    storage: Storage | None = None
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


def create_table(reader: Reader, name: Name, *, external: bool, if_not_exists: bool) -> CreateTable:
    """The statement from the parenthesis before its columns on."""
    columns = column_list(reader)
    clauses = _Clauses()
    while not reader.done:
        _clause(reader, clauses)
    return CreateTable(
        name,
        columns,
        external,
        if_not_exists,
        tuple(clauses.partitioned_by),
        tuple(clauses.transforms),
        clauses.comment,
        clauses.row_format,
        clauses.storage,
        clauses.location,
        clauses.properties,
    )


def _clause(reader: Reader, clauses: _Clauses) -> None:
    if reader.accept("COMMENT"):
        clauses.comment = reader.string()
    elif reader.accept("PARTITIONED", "BY"):
        _partitions(reader, clauses)
    elif reader.looking_at("CLUSTERED"):
        raise QueryError("NOT_SUPPORTED", "CLUSTERED BY: bucketed tables are not supported")
    elif reader.accept("ROW", "FORMAT", "DELIMITED"):
        clauses.row_format = _delimited(reader)
    elif reader.accept("ROW", "FORMAT", "SERDE"):
        serde = reader.string()
        clauses.row_format = RowFormat(serde, pairs(reader) if reader.accept("WITH", "SERDEPROPERTIES") else {})
    elif reader.accept("STORED", "AS"):
        clauses.storage = _storage(reader)
    elif reader.accept("LOCATION"):
        clauses.location = reader.string()
    elif reader.accept("TBLPROPERTIES"):
        clauses.properties = pairs(reader)
    else:
        raise reader.error()


def _delimited(reader: Reader) -> RowFormat:
    properties: dict[str, str] = {}
    found = True
    while found:
        found = False
        for words, name in _DELIMITERS:
            if reader.accept(*words):
                properties[name] = reader.string()
                found = True
    if "field.delim" in properties:
        properties["serialization.format"] = properties["field.delim"]
    return RowFormat(LAZY_SIMPLE, properties)


def _storage(reader: Reader) -> Storage:
    if reader.accept("INPUTFORMAT"):
        input_format = reader.string()
        reader.expect("OUTPUTFORMAT")
        return Storage(input_format=input_format, output_format=reader.string())
    return Storage(format=reader.identifier().upper())


def _partitions(reader: Reader, clauses: _Clauses) -> None:
    reader.expect("(")
    while not reader.accept(")"):
        if clauses.partitioned_by or clauses.transforms:
            reader.expect(",")
        if reader.peek(1).upper in {",", ")", "("}:
            clauses.transforms.append(_transform(reader))
        else:
            clauses.partitioned_by.append(column(reader))


def _transform(reader: Reader) -> str:
    """`column`, or `function(column)`, `function(n, column)`; in lower case."""
    name = reader.identifier()
    if not reader.accept("("):
        return name
    arguments: list[str] = []
    while not reader.accept(")"):
        if arguments:
            reader.expect(",")
        arguments.append(str(reader.number()) if reader.peek().kind == "number" else reader.identifier())
    return f"{name}({','.join(arguments)})"


def column_list(reader: Reader) -> tuple[ColumnText, ...]:
    """`(name type [COMMENT text], ...)`."""
    reader.expect("(")
    columns = [column(reader)]
    while reader.accept(","):
        columns.append(column(reader))
    reader.expect(")")
    return tuple(columns)


def column(reader: Reader) -> ColumnText:
    """`name type [COMMENT text]`."""
    name = reader.identifier()
    kind = _type(reader)
    return ColumnText(name, kind, reader.string() if reader.accept("COMMENT") else None)


def _type(reader: Reader) -> str:
    """A type's text without spaces and back quotes, in lower case; comments of a struct's fields are left out."""
    parts: list[str] = []
    depth = 0
    while depth or not (reader.done or reader.peek().upper in {",", ")", "COMMENT", "FIRST", "AFTER"}):
        if depth and reader.accept("COMMENT"):
            reader.string()
            continue
        token = reader.peek()
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(token.upper, 0)
        parts.append(reader.identifier() if token.kind == "quoted" else reader.take().text.lower())
    if not parts:
        raise reader.error("Expecting: <type>")
    return "".join(parts)


def pairs(reader: Reader) -> dict[str, str]:
    """`('name' = 'value', ...)`."""
    found: dict[str, str] = {}
    reader.expect("(")
    while not reader.accept(")"):
        if found:
            reader.expect(",")
        name = reader.string()
        reader.expect("=")
        found[name] = reader.string()
    return found
