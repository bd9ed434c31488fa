"""Hive's text formats: lines taken apart as the SerDe of the table does it.

Athena's SerDe references say what each does with a value that is not of the column's type: LazySimpleSerDe makes it
null, OpenCSVSerDe and the JSON SerDes refuse the row. DuckDB passes over empty lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from finks_local.engine import metastore
from finks_local.engine.metastore import Row
from finks_local.engine.scan.relation import FILE
from finks_local.engine.storage import DataFile, name, path_list, text
from finks_local.sql.errors import QueryError
from finks_local.sql.types import BIGINT, INTEGER, Column, TrinoType
from finks_local.sql.udf.failure import Functions
from finks_local.sql.value import fail_sql

MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes; a longer line is refused."""

_BAD_DATA: Final = "HIVE_BAD_DATA"
_NESTED: Final = ("array", "map", "row")
_NUMBER: Final = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_GRAMMARS: Final = (
    (("tinyint", "smallint", "integer", "bigint"), "[+-]?[0-9]+"),
    (("decimal",), _NUMBER),
    (("real", "double"), f"{_NUMBER}|NaN|[+-]?Infinity"),
    (("boolean",), "(?i)true|false"),
)
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


def lazy_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """Lines of LazySimpleSerDe: values between delimiters, without quotes."""
    properties = _serde(table)
    if "escape.delim" in properties:
        raise QueryError("NOT_SUPPORTED", "ROW FORMAT DELIMITED with ESCAPED BY")
    if properties.get("line.delim", "\n") != "\n":
        raise QueryError("NOT_SUPPORTED", "ROW FORMAT DELIMITED with LINES TERMINATED BY other than a newline")
    field = properties.get("field.delim", properties.get("serialization.format", "1"))
    levels = [properties.get("collection.delim", "\x02"), properties.get("mapkey.delim", "\x03")]
    null = properties.get("serialization.null.format", "\\N")
    split = f"string_split(line, {text(chr(1) if field == '1' else field)})"
    parts = f"(select {split} as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [_lazy(f"parts[{i + 1}]", column.type, levels, null) for i, column in enumerate(columns)]
    return _select(columns, values, parts)


def _lazy(value: str, kind: TrinoType, levels: Sequence[str], null: str) -> str:
    """The expression of a text as a value of the type; null where it is none."""
    known = f"nullif({value}, {text(null)})"
    if kind.base not in _NESTED:
        return _read(known, kind)
    if kind.base != "array" or kind.element.base in _NESTED:
        raise QueryError("NOT_SUPPORTED", f"Columns of type {kind} in text tables")
    element = _lazy("v", kind.element, levels[1:], null)
    return f"list_transform(string_split({known}, {text(levels[0])}), lambda v: {element})"


def _read(value: str, kind: TrinoType) -> str:
    """The expression of a text as a value of a plain type; null where it is none, however freely DuckDB casts."""
    if kind.duckdb == "VARCHAR":
        return value
    pattern = next((grammar for bases, grammar in _GRAMMARS if kind.base in bases), None)
    cast = f"try_cast({value} as {kind.duckdb})"
    return f"case when regexp_full_match({value}, {text(pattern)}) then {cast} end" if pattern else cast


def _required(value: str, read: str, kind: TrinoType, place: str) -> str:
    """The expression `read`, which fails where it makes nothing of the text `value`."""
    before, after = text("Error parsing field value '"), text(f"' for {place}")
    message = f"{before} || {value} || {after}"
    failure = fail_sql(_BAD_DATA, message, kind.duckdb)
    return f"case when {value} is not null and ({read}) is null then {failure} else {read} end"


def open_csv_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """Lines of OpenCSVSerDe: values in quotes or not, escapes; dates are days, timestamps milliseconds."""
    properties = _serde(table)
    marks = (("separatorChar", ","), ("quoteChar", '"'), ("escapeChar", "\\"))
    given = ", ".join(text(properties.get(mark, default)) for mark, default in marks)
    parts = f"(select finks_split_csv(line, {given}) as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [_csv(f"parts[{i + 1}]", column.type, i) for i, column in enumerate(columns)]
    return _select(columns, values, parts)


def _csv(value: str, kind: TrinoType, position: int) -> str:
    if kind.base in _NESTED:
        raise QueryError("NOT_SUPPORTED", f"Columns of type {kind} in OpenCSVSerDe tables")
    read = {
        "date": f"date '1970-01-01' + {_read(value, INTEGER)}",
        "timestamp": f"make_timestamp({_read(value, BIGINT)} * 1000)",
    }.get(kind.base) or _read(value, kind)
    return _required(value, read, kind, f"field {position}")


def json_source(table: Row, columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """One JSON object a line; the case of names does not matter."""
    lenient = _serde(table).get("ignore.malformed.json", "false").lower() == "true"
    broken = fail_sql(_BAD_DATA, "'Row is not a valid JSON object: ' || line[:200]", "JSON")
    otherwise = "null" if lenient else broken
    line = f"case when json_valid(line) then cast(finks_lower_keys(line) as json) else {otherwise} end"
    parts = f"(select {line} as parts, {FILE} from {_lines(table, files)})"  # noqa: S608
    values = [_json(_member("parts", column.name), column.type, column.name) for column in columns]
    return _select(columns, values, parts)


def _member(value: str, member: str) -> str:
    path = '$."' + member.replace('"', '\\"') + '"'
    return f"json_extract({value}, {text(path)})"


def _json(value: str, kind: TrinoType, place: str) -> str:
    """The expression of a JSON value as a value of the type; it fails where it is none."""
    match kind.base:
        case "array":
            inner = f"list_transform(json_extract({value}, '$[*]'), lambda e: {_json('e', kind.element, place)})"
        case "row":
            fields = [f"{text(n)}: {_json(_member(value, n), t, f'{place}.{n}')}" for n, t in kind.named_fields]
            inner = "{" + ", ".join(fields) + "}"
        case "map":
            raise QueryError("NOT_SUPPORTED", f"Columns of type {kind} in JSON tables")
        case _:
            plain = f"({value} ->> '$')"
            inner = _required(plain, _read(plain, kind), kind, place)
    return f"case when {value} is not null and json_type({value}) <> 'NULL' then {inner} end"


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
        f" max_line_size = {MAX_LINE}, buffer_size = {2 * MAX_LINE}, nullstr = [chr(1) || 'no null'],"
        f" filename = {text(FILE)})"
    )


def split_csv(line: str, separator: str, quote: str, escape: str) -> list[str]:
    """The values of one line, as OpenCSV's parser takes them apart; a doubled quote inside quotes is one quote."""
    if quote not in line and escape not in line:
        return line.split(separator)
    values: list[str] = []
    current: list[str] = []
    quoted, at = False, 0
    while at < len(line):
        mark, following = line[at], line[at + 1 : at + 2]
        escaped = (mark == escape and following and following in quote + escape) or mark == following == quote
        if quoted and escaped:
            current.append(following)
            at += 1
        elif mark == quote:
            quoted = not quoted
        elif mark == separator and not quoted:
            values.append("".join(current))
            current.clear()
        elif mark != escape:
            current.append(mark)
        at += 1
    return [*values, "".join(current)]


def lower_keys(line: str) -> str:
    """JSON text with the names of its fields in lower case."""
    return _JSON_STRING.sub(lambda match: match[0].lower() if match[2] else match[0], line)


FUNCTIONS: Final[Functions] = {
    "finks_split_csv": (split_csv, ["VARCHAR"] * 4, "VARCHAR[]"),
    "finks_lower_keys": (lower_keys, ["VARCHAR"], "VARCHAR"),
}
"""What text scans call."""
