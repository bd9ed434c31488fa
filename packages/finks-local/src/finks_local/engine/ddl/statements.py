"""What the statements say, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from finks_local.engine.ddl.reader import Name


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    """CREATE DATABASE."""

    name: str
    if_not_exists: bool
    comment: str | None = None
    location: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DropDatabase:
    """DROP DATABASE."""

    name: str
    if_exists: bool
    cascade: bool


@dataclass(frozen=True, slots=True)
class SetDatabaseProperties:
    """ALTER DATABASE ... SET DBPROPERTIES."""

    name: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A column as DDL writes it; the type in Hive's spelling, empty for an Iceberg partition's source."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class RowFormat:
    """ROW FORMAT: a SerDe's class and its properties."""

    serde: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Storage:
    """STORED AS: the name of a format, or the classes themselves."""

    format: str | None = None
    input_format: str | None = None
    output_format: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE [EXTERNAL] TABLE.

    Args:
        partitioned_by: Columns of a Hive table.
        transforms: Texts such as `day(ts)` of an Iceberg table.
    """

    name: Name
    columns: tuple[ColumnText, ...]
    external: bool
    if_not_exists: bool
    partitioned_by: tuple[ColumnText, ...] = ()
    transforms: tuple[str, ...] = ()
    comment: str | None = None
    row_format: RowFormat | None = None
    storage: Storage | None = None
    location: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """DROP TABLE or DROP VIEW."""

    name: Name
    view: bool
    if_exists: bool


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """PARTITION (name = value, ...) [LOCATION ...]."""

    values: Mapping[str, str]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """ADD [IF NOT EXISTS] PARTITION."""

    partitions: tuple[PartitionSpec, ...]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropPartitions:
    """DROP [IF EXISTS] PARTITION."""

    partitions: tuple[PartitionSpec, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class RenamePartition:
    """PARTITION (...) RENAME TO PARTITION (...)."""

    partition: PartitionSpec
    to: PartitionSpec


@dataclass(frozen=True, slots=True)
class AddColumns:
    """ADD COLUMNS."""

    columns: tuple[ColumnText, ...]


@dataclass(frozen=True, slots=True)
class ReplaceColumns:
    """REPLACE COLUMNS."""

    columns: tuple[ColumnText, ...]


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """CHANGE [COLUMN] old new type [FIRST | AFTER other]."""

    name: str
    column: ColumnText
    first: bool = False
    after: str | None = None


@dataclass(frozen=True, slots=True)
class DropColumn:
    """DROP COLUMN."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameTable:
    """RENAME TO."""

    to: Name


@dataclass(frozen=True, slots=True)
class SetProperties:
    """SET TBLPROPERTIES."""

    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnsetProperties:
    """UNSET TBLPROPERTIES."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetLocation:
    """[PARTITION (...)] SET LOCATION."""

    location: str
    partition: PartitionSpec | None = None


Action = (
    AddPartitions
    | DropPartitions
    | RenamePartition
    | AddColumns
    | ReplaceColumns
    | ChangeColumn
    | DropColumn
    | RenameTable
    | SetProperties
    | UnsetProperties
    | SetLocation
)


@dataclass(frozen=True, slots=True)
class AlterTable:
    """ALTER TABLE."""

    name: Name
    action: Action


@dataclass(frozen=True, slots=True)
class Repair:
    """MSCK REPAIR TABLE."""

    name: Name


@dataclass(frozen=True, slots=True)
class Show:
    """SHOW of a list.

    Args:
        what: `DATABASES`, `TABLES`, `VIEWS`, `COLUMNS`, `PARTITIONS` or `TBLPROPERTIES`.
        database: Where it is looked for.
        table: Of which it is told.
        pattern: Hive's: `*` and `|`; or a property's name.
    """

    what: str
    database: str | None = None
    table: Name | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ShowCreate:
    """SHOW CREATE TABLE or SHOW CREATE VIEW."""

    name: Name
    view: bool


@dataclass(frozen=True, slots=True)
class Describe:
    """DESCRIBE [EXTENDED | FORMATTED] table [column]."""

    name: Name
    detail: str | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTableAs:
    """CREATE TABLE ... AS.

    Args:
        properties: Values are texts, or tuples of texts for ARRAY[...].
        query: At its place in the statement's text.
    """

    name: Name
    if_not_exists: bool
    properties: Mapping[str, str | tuple[str, ...]]
    query: str
    with_data: bool = True


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW."""

    name: Name
    replace: bool
    query: str


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT INTO."""

    name: Name
    columns: tuple[str, ...] | None
    query: str


@dataclass(frozen=True, slots=True)
class Unload:
    """UNLOAD (query) TO location WITH (...)."""

    query: str
    location: str
    properties: Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Optimize:
    """OPTIMIZE table REWRITE DATA USING BIN_PACK [WHERE ...]."""

    name: Name
    where: str | None


@dataclass(frozen=True, slots=True)
class Vacuum:
    """VACUUM table."""

    name: Name


@dataclass(frozen=True, slots=True)
class Prepare:
    """PREPARE name FROM statement."""

    name: str
    statement: str


@dataclass(frozen=True, slots=True)
class Execute:
    """EXECUTE name USING values; the values as written."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deallocate:
    """DEALLOCATE PREPARE name."""

    name: str


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN [ANALYZE] [(options)] statement."""

    statement: str
    analyze: bool
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowChange:
    """UPDATE, DELETE or MERGE, for the SQL parser."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """SELECT, WITH, VALUES, TABLE."""

    text: str


Statement = (
    CreateDatabase
    | DropDatabase
    | SetDatabaseProperties
    | CreateTable
    | Drop
    | AlterTable
    | Repair
    | Show
    | ShowCreate
    | Describe
    | CreateTableAs
    | CreateView
    | Insert
    | Unload
    | Optimize
    | Vacuum
    | Prepare
    | Execute
    | Deallocate
    | Explain
    | RowChange
    | Query
)
