"""ALTER TABLE and ALTER DATABASE."""

from __future__ import annotations

from finks_local.engine.ddl.reader import Reader
from finks_local.engine.ddl.statements import (
    Action,
    AddColumns,
    AddPartitions,
    AlterTable,
    ChangeColumn,
    DropColumn,
    DropPartitions,
    PartitionSpec,
    RenamePartition,
    RenameTable,
    ReplaceColumns,
    SetDatabaseProperties,
    SetLocation,
    SetProperties,
    UnsetProperties,
)
from finks_local.engine.ddl.tables import column, column_list, pairs


def alter_database(reader: Reader) -> SetDatabaseProperties:
    """ALTER DATABASE name SET DBPROPERTIES (...)."""
    name = reader.database()
    reader.expect("SET", "DBPROPERTIES")
    return SetDatabaseProperties(name, pairs(reader))


def alter_table(reader: Reader) -> AlterTable:
    """ALTER TABLE, from its second word on."""
    reader.expect("TABLE")
    return AlterTable(reader.table(), _action(reader))


def _action(reader: Reader) -> Action:
    if reader.looking_at("PARTITION"):
        return _of_partition(reader)
    if reader.accept("ADD"):
        return _add(reader)
    if reader.accept("DROP"):
        return _drop(reader)
    if reader.accept("SET"):
        return _set(reader)
    if reader.accept("UNSET", "TBLPROPERTIES"):
        return UnsetProperties(_names(reader))
    if reader.accept("REPLACE", "COLUMNS"):
        return ReplaceColumns(column_list(reader))
    if reader.accept("RENAME", "TO"):
        return RenameTable(reader.table())
    if reader.accept("CHANGE"):
        return _change(reader)
    raise reader.error()


def _add(reader: Reader) -> Action:
    if reader.accept("COLUMNS"):
        return AddColumns(column_list(reader))
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    partitions = [_partition(reader, located=True)]
    while reader.accept(",") or reader.looking_at("PARTITION"):
        partitions.append(_partition(reader, located=True))
    return AddPartitions(tuple(partitions), if_not_exists)


def _drop(reader: Reader) -> Action:
    if reader.accept("COLUMN"):
        return DropColumn(reader.identifier())
    if_exists = reader.accept("IF", "EXISTS")
    partitions = [_partition(reader)]
    while reader.accept(","):
        partitions.append(_partition(reader))
    return DropPartitions(tuple(partitions), if_exists)


def _set(reader: Reader) -> Action:
    if reader.accept("LOCATION"):
        return SetLocation(reader.string())
    reader.expect("TBLPROPERTIES")
    return SetProperties(pairs(reader))


def _of_partition(reader: Reader) -> Action:
    partition = _partition(reader)
    if reader.accept("SET", "LOCATION"):
        return SetLocation(reader.string(), partition)
    reader.expect("RENAME", "TO")
    return RenamePartition(partition, _partition(reader))


def _change(reader: Reader) -> ChangeColumn:
    reader.accept("COLUMN")
    old = reader.identifier()
    new = column(reader)
    first = reader.accept("FIRST")
    after = reader.identifier() if reader.accept("AFTER") else None
    return ChangeColumn(old, new, first, after)


def _names(reader: Reader) -> tuple[str, ...]:
    reader.expect("(")
    names = [reader.string()]
    while reader.accept(","):
        names.append(reader.string())
    reader.expect(")")
    return tuple(names)


def _partition(reader: Reader, *, located: bool = False) -> PartitionSpec:
    values: dict[str, str] = {}
    reader.expect("PARTITION", "(")
    while not reader.accept(")"):
        if values:
            reader.expect(",")
        name = reader.identifier()
        reader.expect("=")
        values[name] = _constant(reader)
    return PartitionSpec(values, reader.string() if located and reader.accept("LOCATION") else None)


def _constant(reader: Reader) -> str:
    """A string, a number with or without its sign, or a date: the text as a partition's value."""
    reader.accept("DATE")
    sign = "-" if reader.accept("-") else ""
    return reader.string() if reader.peek().kind == "string" else sign + reader.take().text
