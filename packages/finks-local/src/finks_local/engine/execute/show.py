"""SHOW and DESCRIBE: the catalog told as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from finks_local.engine import metastore
from finks_local.engine.ddl.statements import Describe, Show, ShowCreate
from finks_local.engine.execute.queries import lines, place, texts
from finks_local.engine.metastore import Row
from finks_local.engine.request import UTILITY, Outcome
from finks_local.engine.scan.projection import is_projected, projected_partitions
from finks_local.engine.views import read_view
from finks_local.engine.workspace import Workspace
from finks_local.sql.errors import QueryError


def _matches(pattern: str | None, value: str) -> bool:
    """Hive's patterns: `*` for any text, `|` between choices; the case does not matter."""
    if pattern is None:
        return True
    choices = [re.escape(choice).replace(r"\*", ".*") for choice in pattern.split("|")]
    return re.fullmatch("|".join(choices), value, re.IGNORECASE) is not None


def _list(substatement: str, column: str, values: Iterable[str]) -> Outcome:
    columns, batches = lines(column, values)
    return Outcome(UTILITY, substatement, columns, iter(batches))


def show(workspace: Workspace, statement: Show) -> Outcome:
    """SHOW DATABASES, TABLES, VIEWS, COLUMNS, PARTITIONS, TBLPROPERTIES."""
    return _SHOWS[statement.what](workspace, statement)


def _databases(workspace: Workspace, statement: Show) -> Outcome:
    names = sorted(row["Name"] for row in workspace.catalog.databases())
    return _list("SHOW_DATABASES", "database_name", [name for name in names if _matches(statement.pattern, name)])


def _tables(workspace: Workspace, statement: Show) -> Outcome:
    views_only = statement.what == "VIEWS"
    rows = workspace.catalog.tables(statement.database or workspace.request.database)
    names = sorted(row["Name"] for row in rows if metastore.is_view(row) or not views_only)
    found = [name for name in names if _matches(statement.pattern, name)]
    return _list(f"SHOW_{statement.what}", "views" if views_only else "tab_name", found)


def _table_of(workspace: Workspace, statement: Show) -> Row:
    if statement.table is None:
        raise QueryError("SYNTAX_ERROR", f"SHOW {statement.what} needs a table")
    return workspace.catalog.table(*place(workspace, statement.table))


def _columns(workspace: Workspace, statement: Show) -> Outcome:
    row = _table_of(workspace, statement)
    return _list("SHOW_COLUMNS", "field", [column["Name"] for column in _all_columns(row)])


def _all_columns(row: Row) -> list[Row]:
    return [*metastore.columns(row), *metastore.partition_keys(row)]


def _partitions(workspace: Workspace, statement: Show) -> Outcome:
    row = _table_of(workspace, statement)
    names = [key["Name"] for key in metastore.partition_keys(row)]
    if not names:
        raise QueryError("NOT_SUPPORTED", f"Table {row['Name']} is not a partitioned table")
    found = (
        projected_partitions(row, workspace.request.now)
        if is_projected(row)
        else workspace.catalog.partitions(row["DatabaseName"], row["Name"])
    )
    told = ["/".join(f"{n}={v}" for n, v in zip(names, one["Values"], strict=True)) for one in found]
    return _list("SHOW_PARTITIONS", "partition", sorted(told))


def _properties(workspace: Workspace, statement: Show) -> Outcome:
    known = metastore.parameters(_table_of(workspace, statement))
    if statement.pattern is not None:
        missing = f"Table does not have property: {statement.pattern}"
        return _list("SHOW_TBLPROPERTIES", "prpt_value", [known.get(statement.pattern, missing)])
    columns, batches = texts(("prpt_name", "prpt_value"), sorted(known.items()))
    return Outcome(UTILITY, "SHOW_TBLPROPERTIES", columns, iter(batches))


_SHOWS: Final[Mapping[str, Callable[[Workspace, Show], Outcome]]] = {
    "DATABASES": _databases,
    "TABLES": _tables,
    "VIEWS": _tables,
    "COLUMNS": _columns,
    "PARTITIONS": _partitions,
    "TBLPROPERTIES": _properties,
}


def describe(workspace: Workspace, statement: Describe) -> Outcome:
    """DESCRIBE: names, types and comments; with EXTENDED or FORMATTED the row's facts too."""
    row = workspace.catalog.table(*place(workspace, statement.name))
    columns = _all_columns(row)
    if statement.column is not None:
        columns = [column for column in columns if column["Name"] == statement.column]
        if not columns:
            raise QueryError("COLUMN_NOT_FOUND", f"Invalid column reference {statement.column}")
    told: list[tuple[str, str, str]] = [_described(column) for column in columns]
    keys = metastore.partition_keys(row)
    if keys and statement.column is None:
        heading = [("", "", ""), ("# Partition Information", "", ""), ("# col_name", "data_type", "comment")]
        told += [*heading, *(_described(key) for key in keys)]
    if statement.detail is not None:
        told += [("", "", ""), ("# Detailed Table Information", "", ""), *_facts(row)]
    names, batches = texts(("col_name", "data_type", "comment"), told)
    return Outcome(UTILITY, "DESCRIBE_TABLE", names, iter(batches))


def _described(column: Row) -> tuple[str, str, str]:
    return column["Name"], column["Type"], column.get("Comment") or ""


def _facts(row: Row) -> list[tuple[str, str, str]]:
    descriptor = row.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    facts = {
        "Database:": row["DatabaseName"],
        "Location:": descriptor.get("Location"),
        "Table Type:": row.get("TableType"),
        "SerDe Library:": serde.get("SerializationLibrary"),
        "InputFormat:": descriptor.get("InputFormat"),
        "OutputFormat:": descriptor.get("OutputFormat"),
        **{f"Table Parameter {key}:": value for key, value in sorted(metastore.parameters(row).items())},
    }
    return [(key, str(value), "") for key, value in facts.items() if value]


def show_create(workspace: Workspace, statement: ShowCreate) -> Outcome:
    """SHOW CREATE TABLE, SHOW CREATE VIEW."""
    row = workspace.catalog.table(*place(workspace, statement.name))
    if metastore.is_view(row) != statement.view:
        wanted, other = ("VIEW", "TABLE") if statement.view else ("TABLE", "VIEW")
        raise QueryError("NOT_SUPPORTED", f"SHOW CREATE {wanted} of {row['Name']}: use SHOW CREATE {other}")
    if statement.view:
        view = f"CREATE VIEW {row['DatabaseName']}.{row['Name']} AS\n{read_view(row).sql}"
        return _list("SHOW_CREATE_VIEW", "Create View", view.splitlines())
    told = _iceberg_ddl(workspace, row) if metastore.is_iceberg(row) else _hive_ddl(row)
    return _list("SHOW_CREATE_TABLE", "createtab_stmt", told)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _column_lines(columns: list[Row]) -> list[str]:
    told = [
        f"  `{column['Name']}` {column['Type']}"
        + (f" COMMENT {_quoted(column['Comment'])}" if column.get("Comment") else "")
        for column in columns
    ]
    return [*(f"{line}, " for line in told[:-1]), f"{told[-1]})"]


def _pairs(values: Mapping[str, str]) -> list[str]:
    told = [f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(values.items())]
    return [*(f"{line}, " for line in told[:-1]), f"{told[-1]})"] if told else []


def _hive_ddl(row: Row) -> list[str]:
    descriptor = row["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    told = [f"CREATE EXTERNAL TABLE `{row['DatabaseName']}.{row['Name']}`(", *_column_lines(metastore.columns(row))]
    if metastore.partition_keys(row):
        told += ["PARTITIONED BY ( ", *_column_lines(metastore.partition_keys(row))]
    told += ["ROW FORMAT SERDE ", f"  {_quoted(serde.get('SerializationLibrary') or '')} "]
    if serde.get("Parameters"):
        told += ["WITH SERDEPROPERTIES ( ", *_pairs(serde["Parameters"])]
    told += ["STORED AS INPUTFORMAT ", f"  {_quoted(descriptor.get('InputFormat') or '')} "]
    told += ["OUTPUTFORMAT ", f"  {_quoted(descriptor.get('OutputFormat') or '')}"]
    told += ["LOCATION", f"  {_quoted(metastore.location(row))}"]
    properties = _pairs(metastore.parameters(row))
    return [*told, "TBLPROPERTIES (", *properties] if properties else told


def _iceberg_ddl(workspace: Workspace, row: Row) -> list[str]:
    table = workspace.iceberg(row["DatabaseName"], row["Name"])
    told = [f"CREATE TABLE {row['DatabaseName']}.{row['Name']} (", *_column_lines(metastore.columns(row))]
    names = table.schema().find_column_name
    keys = [_transform(str(field.transform), str(names(field.source_id))) for field in table.spec().fields]
    if keys:
        told.append(f"PARTITIONED BY ({', '.join(keys)})")
    told += [f"LOCATION {_quoted(table.location())}", "TBLPROPERTIES (", *_pairs({"table_type": "iceberg"})]
    return told


def _transform(transform: str, column: str) -> str:
    number = re.fullmatch(r"(bucket|truncate)\[(\d+)\]", transform)
    if number is not None:
        return f"{number[1]}({number[2]}, `{column}`)"
    return f"`{column}`" if transform == "identity" else f"{transform}(`{column}`)"
