"""Hive's text formats: lines taken apart as the SerDe of the table does it.

Athena's SerDe references say what each does with a value that is not of the column's type: LazySimpleSerDe makes it
null, OpenCSVSerDe and the JSON SerDes refuse the row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import duckdb
import pyarrow as pa

from finks_local.engine import metastore
from finks_local.engine.metastore import Row
from finks_local.engine.scan.relation import FILE
from finks_local.engine.storage import DataFile, name, path_list, text
from finks_local.sql.errors import QueryError
from finks_local.sql.types import Column, TrinoType

MAX_LINE: Final = 100_000_000
"""Bytes; Athena refuses longer lines too."""

_NESTED: Final = ("array", "map", "row")
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def lazy_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """Lines of LazySimpleSerDe: values between delimiters, without quotes."""
    properties = _serde(table)
    if "escape.delim" in properties:
        raise QueryError("NOT_SUPPORTED", "ROW FORMAT DELIMITED with ESCAPED BY")
    if properties.get("line.delim", "\n") != "\n":
        raise QueryError("NOT_SUPPORTED", "ROW FORMAT DELIMITED with LINES TERMINATED BY other than a newline")
    levels = [
        properties.get("field.delim", properties.get("serialization.format", "\x01")),
        properties.get("collection.delim", "\x02"),
        properties.get("mapkey.delim", "\x03"),
    ]
    levels[0] = "\x01" if levels[0] == "1" else levels[0]
    null = properties.get("serialization.null.format", "\\N")
    parts = f"(select string_split(line, {text(levels[0])}) as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [_lazy(f"parts[{i + 1}]", column.type, levels[1:], null) for i, column in enumerate(columns)]
    return _select(columns, values, parts)


def _lazy(value: str, kind: TrinoType, levels: Sequence[str], null: str) -> str:
    """The expression that turns the text `value` into a value of the type."""
    known = f"nullif({value}, {text(null)})"
    if kind.base not in _NESTED:
        return known if kind.duckdb == "VARCHAR" else f"try_cast({known} as {kind.duckdb})"
    if kind.base != "array" or kind.element.base in _NESTED or not levels:
        raise QueryError("NOT_SUPPORTED", f"Columns of type {kind} in text tables")
    element = _lazy("v", kind.element, levels[1:], null)
    return f"list_transform(string_split({known}, {text(levels[0])}), lambda v: {element})"


def open_csv_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """Lines of OpenCSVSerDe: values in quotes or not, escapes; dates are days, timestamps milliseconds."""
    properties = _serde(table)
    marks = [
        properties.get("separatorChar", ","),
        properties.get("quoteChar", '"'),
        properties.get("escapeChar", "\\"),
    ]
    call = f"finks_split_csv(line, {', '.join(text(mark) for mark in marks)})"
    parts = f"(select {call} as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [_csv(f"parts[{i + 1}]", column.type, i) for i, column in enumerate(columns)]
    return _select(columns, values, parts)


def _csv(value: str, kind: TrinoType, position: int) -> str:
    if kind.duckdb == "VARCHAR":
        return value
    if kind.base in _NESTED:
        raise QueryError("NOT_SUPPORTED", f"Columns of type {kind} in OpenCSVSerDe tables")
    cast = {
        "date": f"date '1970-01-01' + try_cast({value} as integer)",
        "timestamp": f"make_timestamp(try_cast({value} as bigint) * 1000)",
    }.get(kind.base, f"try_cast({value} as {kind.duckdb})")
    message = f"'QueryError: HIVE_BAD_DATA: Error parsing field value ''' || {value} || ''' for field {position}'"
    return f"case when {value} is not null and ({cast}) is null then error({message}) else {cast} end"


def json_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """One JSON object a line; the case of names does not matter."""
    shape = "{" + ", ".join(f"{_json_string(c.name)}: {_json_shape(c.type)}" for c in columns) + "}"
    lenient = _serde(table).get("ignore.malformed.json", "false").lower() == "true"
    line = "finks_lower_keys(line)"
    good = f"case when json_valid({line}) then {line} end" if lenient else line
    parts = f"(select json_transform_strict({good}, {text(shape)}) as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [f"parts[{text(column.name)}]" for column in columns]
    return _select(columns, values, parts)


def _json_shape(kind: TrinoType) -> str:
    match kind.base:
        case "array":
            return f"[{_json_shape(kind.element)}]"
        case "row":
            return "{" + ", ".join(f"{_json_string(n)}: {_json_shape(t)}" for n, t in kind.named_fields) + "}"
        case _:
            return _json_string(kind.duckdb)


def _json_string(value: str) -> str:
    return json.dumps(value)


def _select(columns: Sequence[Column], values: Sequence[str], source: str) -> str:
    named = [f"{value} as {name(column.name)}" for column, value in zip(columns, values, strict=True)]
    return f"(select {', '.join([*named, FILE])} from {source})"  # noqa: S608


def _serde(table: Row) -> dict[str, str]:
    return (table["StorageDescriptor"].get("SerdeInfo") or {}).get("Parameters") or {}


def _lines(table: Row, files: Sequence[DataFile]) -> str:
    """The lines of the files, without the header lines of each."""
    skip = int({**_serde(table), **metastore.parameters(table)}.get("skip.header.line.count", 0))
    options = "delim = '', quote = '', escape = '', comment = '', header = false, auto_detect = false"
    return (
        f"read_csv({path_list(files)}, columns = {{'line': 'VARCHAR'}}, {options}, skip = {skip},"
        f" max_line_size = {MAX_LINE}, nullstr = [chr(1) || 'no null'], filename = {text(FILE)})"
    )


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection the functions that text scans call."""
    texts = ["VARCHAR"]
    connection.create_function("finks_split_csv", _split_csv, texts * 4, "VARCHAR[]", type="arrow")  # pyright: ignore[reportArgumentType]
    connection.create_function("finks_lower_keys", _lower_keys, texts, "VARCHAR", type="arrow")  # pyright: ignore[reportArgumentType]


def _split_csv(lines: pa.Array, separators: pa.Array, quotes: pa.Array, escapes: pa.Array) -> pa.Array:
    if not len(lines):
        return pa.array([], pa.list_(pa.string()))
    separator, quote, escape = (str(marks[0].as_py()) for marks in (separators, quotes, escapes))
    return pa.array([split_csv(line, separator, quote, escape) for line in lines.to_pylist()], pa.list_(pa.string()))


def split_csv(line: str, separator: str, quote: str, escape: str) -> list[str]:
    """The values of one line, as OpenCSV's parser takes them apart; a doubled quote inside quotes is one quote."""
    if quote not in line and escape not in line:
        return line.split(separator)
    values: list[str] = []
    current: list[str] = []
    quoted, at = False, 0
    while at < len(line):
        mark, following = line[at], line[at + 1 : at + 2]
        if mark == escape and quoted and following in {quote, escape} and following:
            current.append(following)
            at += 1
        elif mark == quote and quoted and following == quote:
            current.append(quote)
            at += 1
        elif mark == quote:
            quoted = not quoted
        elif mark == separator and not quoted:
            values.append("".join(current))
            current.clear()
        elif mark != escape or escape == quote:
            current.append(mark)
        at += 1
    return [*values, "".join(current)]


def _lower_keys(lines: pa.Array) -> pa.Array:
    return pa.array([lower_keys(line) for line in lines.to_pylist()], pa.string())


def lower_keys(line: str) -> str:
    """JSON text with the names of its fields in lower case."""
    return _JSON_STRING.sub(lambda match: match[0].lower() if match[2] else match[0], line)
