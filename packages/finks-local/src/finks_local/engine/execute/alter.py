"""ALTER TABLE: columns, properties, names and places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from finks_local.engine import metastore
from finks_local.engine.ddl import statements as ast
from finks_local.engine.execute import partitions
from finks_local.engine.execute.queries import place
from finks_local.engine.execute.tables import glue_columns, iceberg_column
from finks_local.engine.failures import told
from finks_local.engine.metastore import Row, partition_keys, table_input
from finks_local.engine.request import DDL, Outcome
from finks_local.engine.workspace import Workspace
from finks_local.engine.write.iceberg_tables import iceberg_type, table_properties
from finks_local.sql.errors import QueryError


def alter_table(workspace: Workspace, statement: ast.AlterTable) -> Outcome:
    """ALTER TABLE.

    Raises:
        QueryError: TABLE_NOT_FOUND; NOT_SUPPORTED: the table's kind has no such action.
    """
    database, table = place(workspace, statement.name)
    row = workspace.catalog.table(database, table)
    if metastore.is_view(row):
        raise QueryError("NOT_SUPPORTED", f"ALTER TABLE of a view: {database}.{table}")
    known = _ICEBERG if metastore.is_iceberg(row) else _HIVE
    action = known.get(type(statement.action))
    if action is None:
        kind = "Iceberg" if metastore.is_iceberg(row) else "Hive"
        name = type(statement.action).__name__
        raise QueryError("NOT_SUPPORTED", f"ALTER TABLE {name} is not supported for {kind} tables: {database}.{table}")
    action(workspace, row, statement.action)
    return Outcome(DDL, f"ALTER_TABLE_{_NAMES.get(type(statement.action), 'OTHER')}")


def _update(workspace: Workspace, row: Row, **changes: object) -> None:
    workspace.catalog.update_table(row["DatabaseName"], {**row, **changes})


def _set_columns(workspace: Workspace, row: Row, columns: list[Row]) -> None:
    descriptor = {**row["StorageDescriptor"], "Columns": columns}
    _update(workspace, row, StorageDescriptor=descriptor)


def _add_columns(workspace: Workspace, row: Row, action: ast.AddColumns) -> None:
    existing = metastore.columns(row)
    names = {column["Name"] for column in [*existing, *partition_keys(row)]}
    for column in action.columns:
        if column.name in names:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Duplicate column name: {column.name}")
    _set_columns(workspace, row, [*existing, *glue_columns(action.columns)])


def _replace_columns(workspace: Workspace, row: Row, action: ast.ReplaceColumns) -> None:
    _set_columns(workspace, row, list(glue_columns(action.columns)))


def _change_column(workspace: Workspace, row: Row, action: ast.ChangeColumn) -> None:
    columns = [dict(column) for column in metastore.columns(row)]
    at = _position(columns, action.name)
    (new,) = glue_columns((action.column,))
    kept = {"Comment": columns[at]["Comment"]} if "Comment" in columns[at] else {}
    columns[at] = {**kept, **new}
    if action.first or action.after is not None:
        moved = columns.pop(at)
        columns.insert(0 if action.after is None else _position(columns, action.after) + 1, moved)
    _set_columns(workspace, row, columns)


def _position(columns: list[dict[str, Any]], name: str) -> int:
    names = [column["Name"] for column in columns]
    if name not in names:
        raise QueryError("COLUMN_NOT_FOUND", f"Invalid column reference {name}")
    return names.index(name)


def _set_properties(workspace: Workspace, row: Row, action: ast.SetProperties) -> None:
    _update(workspace, row, Parameters={**metastore.parameters(row), **action.properties})


def _unset_properties(workspace: Workspace, row: Row, action: ast.UnsetProperties) -> None:
    kept = {key: value for key, value in metastore.parameters(row).items() if key not in action.names}
    _update(workspace, row, Parameters=kept)


def _set_location(workspace: Workspace, row: Row, action: ast.SetLocation) -> None:
    if action.partition is not None:
        partitions.set_location(workspace, row, action.partition, action.location)
    else:
        _update(workspace, row, StorageDescriptor={**row["StorageDescriptor"], "Location": action.location})


def _iceberg_add(workspace: Workspace, row: Row, action: ast.AddColumns) -> None:
    with _schema_update(workspace, row) as update:
        for text in action.columns:
            column = iceberg_column(text)
            update.add_column(column.name, iceberg_type(column.type), doc=text.comment)


def _iceberg_drop(workspace: Workspace, row: Row, action: ast.DropColumn) -> None:
    with _schema_update(workspace, row) as update:
        update.delete_column(action.name)


def _iceberg_replace(workspace: Workspace, row: Row, action: ast.ReplaceColumns) -> None:
    wanted = {text.name: iceberg_column(text) for text in action.columns}
    table = workspace.iceberg(row["DatabaseName"], row["Name"])
    present = {field.name: field for field in table.schema().fields}
    with _schema_update(workspace, row) as update:
        for name in present.keys() - wanted.keys():
            update.delete_column(name)
        for name, column in wanted.items():
            kind = iceberg_type(column.type)
            if name not in present:
                update.add_column(name, kind)
            elif str(present[name].field_type) != str(kind):
                update.update_column(name, field_type=kind)


def _iceberg_change(workspace: Workspace, row: Row, action: ast.ChangeColumn) -> None:
    table = workspace.iceberg(row["DatabaseName"], row["Name"])
    column = iceberg_column(action.column)
    kind = iceberg_type(column.type)
    with _schema_update(workspace, row) as update:
        field = table.schema().find_field(action.name)
        if str(field.field_type) != str(kind) or action.column.comment is not None:
            update.update_column(action.name, field_type=kind, doc=action.column.comment)
        if action.first:
            update.move_first(action.name)
        if action.after is not None:
            update.move_after(action.name, action.after)
        if action.name != column.name:
            update.rename_column(action.name, column.name)


class _schema_update:  # noqa: N801
    """A change of an Iceberg table's schema, committed at the end."""

    def __init__(self, workspace: Workspace, row: Row) -> None:
        self._name = f"{row['DatabaseName']}.{row['Name']}"
        self._update = workspace.iceberg(row["DatabaseName"], row["Name"]).update_schema()

    def __enter__(self) -> Any:
        return self._update

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ValueError):
            raise QueryError("NOT_SUPPORTED", f"{self._name}: {error}") from error
        if error is None:
            with told(self._name):
                self._update.commit()


def _iceberg_properties(workspace: Workspace, row: Row, action: ast.SetProperties) -> None:
    table = workspace.iceberg(row["DatabaseName"], row["Name"])
    known = table_properties({"write_compression": "zstd", **action.properties})
    given = {key.lower() for key in action.properties}
    if "write_compression" not in given:
        known.pop("write.parquet.compression-codec")
    with told(f"{row['DatabaseName']}.{row['Name']}"), table.transaction() as transaction:
        transaction.set_properties(known)


def _iceberg_unset(workspace: Workspace, row: Row, action: ast.UnsetProperties) -> None:
    table = workspace.iceberg(row["DatabaseName"], row["Name"])
    with told(f"{row['DatabaseName']}.{row['Name']}"), table.transaction() as transaction:
        transaction.remove_properties(*action.names)


def _rename(workspace: Workspace, row: Row, action: ast.RenameTable) -> None:
    database, table = action.to.database or row["DatabaseName"], action.to.table
    workspace.catalog.create_table(database, {**table_input(row), "Name": table})
    workspace.catalog.delete_table(row["DatabaseName"], row["Name"])


Handler = Callable[[Workspace, Row, Any], None]

_HIVE: Final[Mapping[type, Handler]] = {
    ast.AddPartitions: partitions.add,
    ast.DropPartitions: partitions.drop,
    ast.RenamePartition: partitions.rename,
    ast.AddColumns: _add_columns,
    ast.ReplaceColumns: _replace_columns,
    ast.ChangeColumn: _change_column,
    ast.SetProperties: _set_properties,
    ast.UnsetProperties: _unset_properties,
    ast.SetLocation: _set_location,
}
_ICEBERG: Final[Mapping[type, Handler]] = {
    ast.AddColumns: _iceberg_add,
    ast.DropColumn: _iceberg_drop,
    ast.ReplaceColumns: _iceberg_replace,
    ast.ChangeColumn: _iceberg_change,
    ast.RenameTable: _rename,
    ast.SetProperties: _iceberg_properties,
    ast.UnsetProperties: _iceberg_unset,
}
_NAMES: Final[Mapping[type, str]] = {
    ast.AddPartitions: "ADD_PARTITION",
    ast.DropPartitions: "DROP_PARTITION",
    ast.RenamePartition: "RENAME_PARTITION",
    ast.AddColumns: "ADD_COLUMNS",
    ast.ReplaceColumns: "REPLACE_COLUMNS",
    ast.ChangeColumn: "CHANGE_COLUMN",
    ast.DropColumn: "DROP_COLUMN",
    ast.RenameTable: "RENAME",
    ast.SetProperties: "SET_PROPERTIES",
    ast.UnsetProperties: "UNSET_PROPERTIES",
    ast.SetLocation: "SET_LOCATION",
}
