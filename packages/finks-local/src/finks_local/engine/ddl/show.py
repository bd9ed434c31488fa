"""SHOW and DESCRIBE."""

from __future__ import annotations

from finks_local.engine.ddl.reader import Name, Reader
from finks_local.engine.ddl.statements import Describe, Show, ShowCreate


def show(reader: Reader) -> Show | ShowCreate:
    """SHOW, from its second word on."""
    if reader.accept("CREATE"):
        view = reader.accept("VIEW")
        if not view:
            reader.expect("TABLE")
        return ShowCreate(reader.table(), view)
    if reader.accept("DATABASES") or reader.accept("SCHEMAS"):
        return Show("DATABASES", pattern=_pattern(reader))
    if reader.looking_at("TABLES") or reader.looking_at("VIEWS"):
        what = reader.take().upper
        database = reader.database() if reader.accept("IN") or reader.accept("FROM") else None
        return Show(what, database=database, pattern=_pattern(reader))
    if reader.accept("COLUMNS"):
        return Show("COLUMNS", table=_columns_of(reader))
    if reader.accept("PARTITIONS"):
        return Show("PARTITIONS", table=reader.table())
    reader.expect("TBLPROPERTIES")
    return _properties(reader)


def _pattern(reader: Reader) -> str | None:
    return reader.string() if reader.accept("LIKE") or reader.peek().kind == "string" else None


def _columns_of(reader: Reader) -> Name:
    """`IN table`, `IN database.table` or `IN table IN database`."""
    if not reader.accept("IN"):
        reader.expect("FROM")
    name = reader.table()
    return Name(reader.database(), name.table) if reader.accept("IN") or reader.accept("FROM") else name


def _properties(reader: Reader) -> Show:
    table = reader.table()
    pattern = None
    if reader.accept("("):
        pattern = reader.string()
        reader.expect(")")
    return Show("TBLPROPERTIES", table=table, pattern=pattern)


def describe(reader: Reader) -> Describe:
    """DESCRIBE, from its second word on."""
    detail = reader.take().upper if reader.looking_at("EXTENDED") or reader.looking_at("FORMATTED") else None
    table = reader.table()
    return Describe(table, detail, None if reader.done else reader.identifier())
