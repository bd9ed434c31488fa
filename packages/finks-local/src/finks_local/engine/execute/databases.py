"""CREATE, ALTER and DROP DATABASE."""

from __future__ import annotations

from finks_local.engine import metastore
from finks_local.engine.ddl.statements import CreateDatabase, DropDatabase, SetDatabaseProperties
from finks_local.engine.execute.tables import drop_one
from finks_local.engine.request import DDL, Outcome
from finks_local.engine.workspace import Workspace
from finks_local.sql.errors import QueryError


def create_database(workspace: Workspace, statement: CreateDatabase) -> Outcome:
    """CREATE DATABASE.

    Raises:
        QueryError: SCHEMA_ALREADY_EXISTS.
    """
    if statement.if_not_exists and workspace.catalog.find_database(statement.name) is not None:
        return Outcome(DDL, "CREATE_DATABASE")
    row: metastore.Row = {"Name": statement.name, "Parameters": dict(statement.properties)}
    if statement.comment is not None:
        row["Description"] = statement.comment
    if statement.location is not None:
        row["LocationUri"] = statement.location
    try:
        workspace.catalog.create_database(row)
    except QueryError as error:
        # Another query may have made it since.
        if not (statement.if_not_exists and error.code == "SCHEMA_ALREADY_EXISTS"):
            raise
    return Outcome(DDL, "CREATE_DATABASE")


def set_properties(workspace: Workspace, statement: SetDatabaseProperties) -> Outcome:
    """ALTER DATABASE ... SET DBPROPERTIES."""
    row = workspace.catalog.database(statement.name)
    properties = {**metastore.parameters(row), **statement.properties}
    workspace.catalog.update_database({**row, "Parameters": properties})
    return Outcome(DDL, "ALTER_DATABASE")


def drop_database(workspace: Workspace, statement: DropDatabase) -> Outcome:
    """DROP DATABASE; CASCADE drops its tables as DROP TABLE does.

    Raises:
        QueryError: SCHEMA_NOT_FOUND, SCHEMA_NOT_EMPTY.
    """
    if statement.if_exists and workspace.catalog.find_database(statement.name) is None:
        return Outcome(DDL, "DROP_DATABASE")
    tables = list(workspace.catalog.tables(statement.name))
    if tables and not statement.cascade:
        message = f"Cannot drop non-empty schema '{statement.name}'. Use CASCADE to drop its tables too"
        raise QueryError("SCHEMA_NOT_EMPTY", message)
    for row in tables:
        drop_one(workspace, row)
    workspace.catalog.delete_database(statement.name)
    return Outcome(DDL, "DROP_DATABASE")
