"""One page of rows as bytes: JSON, CSV, NDJSON and Arrow.

The lines of a page are joined column-wise, each ending with what separates it from the next: the buffer of that one
column of lines is the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from finks_api.formats.columns import even, is_quoted, pc, plain, texts


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an answer says of itself beside its rows.

    Attributes:
        release: The number of the Gold release that was read.
        published_at: When that was published; aware.
        as_of: The knowledge time that was asked for; aware. None when none was.
        next: The token of the next page; None when there is none.
    """

    release: int
    published_at: datetime
    as_of: datetime | None = None
    next: str | None = None


def instant_text(moment: datetime) -> str:
    """An aware instant as every answer writes it: RFC 3339 in UTC, microseconds only when there."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_json(table: pa.Table, envelope: Envelope) -> bytes:
    """An object: the envelope's members, and the rows as objects under `data`."""
    head = _json({"release": envelope.release, "published_at": instant_text(envelope.published_at)})
    as_of = _json(None if envelope.as_of is None else instant_text(envelope.as_of))
    rows = _objects(table, ",")[:-1]
    return b'%s,"as_of":%s,"data":[%s],"next":%s}' % (head[:-1], as_of, rows, _json(envelope.next))


def write_ndjson(table: pa.Table, envelope: Envelope) -> bytes:
    """One object a line, each line ending with a line feed; the envelope is in the headers."""
    return _objects(table, "\n")


def write_csv(table: pa.Table, envelope: Envelope) -> bytes:
    r"""A row of names and the rows, by RFC 4180: comma, `"` doubled inside `"`, each line ending with CR LF.

    Null is nothing at all, an empty text is `""`. No value is altered, one that a spreadsheet takes for a formula
    neither. The envelope is in the headers.
    """
    names = _fields(pa.array(table.column_names, pa.string())).to_pylist()
    columns = [_fields(texts(c)) if pa.types.is_string(c.type) else texts(c) for c in _columns(table)]
    commas = [part for column in columns for part in (",", column)][1:]
    return ",".join(names).encode() + b"\r\n" + _lines(commas, "\r\n", null="")


def write_arrow(table: pa.Table, envelope: Envelope) -> bytes:
    """A stream of Arrow IPC; the envelope is the metadata of its schema, the page's token in the headers."""
    said = {"finks.release": str(envelope.release), "finks.published_at": instant_text(envelope.published_at)}
    if envelope.as_of is not None:
        said["finks.as_of"] = instant_text(envelope.as_of)
    columns = [even(column) for column in _columns(table)]
    stamped = pa.table(columns, schema=plain(table).schema.with_metadata(said))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, stamped.schema) as writer:
        writer.write_table(stamped)
    return sink.getvalue().to_pybytes()


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _columns(table: pa.Table) -> list[pa.Array]:
    return [column.combine_chunks() for column in plain(table).columns]


def _objects(table: pa.Table, end: str) -> bytes:
    parts: list[Any] = []
    for name, column in zip(table.column_names, _columns(table), strict=True):
        parts += [("," if parts else "{") + _json(name).decode() + ":", _members(column)]
    return _lines(parts, "}" + end, null="null")


def _members(column: pa.Array) -> pa.StringArray:
    text = texts(column)
    if pa.types.is_string(column.type):
        text = _escaped(text)
    return pc.binary_join_element_wise('"', text, '"', "") if is_quoted(column.type) else text


def _escaped(text: pa.StringArray) -> pa.StringArray:
    few = pc.match_substring_regex(text, r'["\\\x00-\x1f]')
    if not pc.any(few).as_py():
        return text
    return pc.replace_with_mask(text, few, pa.array([_json(v)[1:-1].decode() for v in text.filter(few).to_pylist()]))


def _fields(text: pa.StringArray) -> pa.StringArray:
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(text, r'^$|[",\r\n]'), quoted, text)


def _lines(parts: list[Any], end: str, null: str) -> bytes:
    lines = pc.binary_join_element_wise(*parts, end, "", null_handling="replace", null_replacement=null)
    # A buffer may begin before its array does and end after it.
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "")
    return joined[0].as_buffer().to_pybytes()
