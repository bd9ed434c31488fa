"""UNLOAD: a query's rows as Parquet files in a folder of S3."""

from __future__ import annotations

from typing import Final

from finks_local.engine.ddl.statements import Unload
from finks_local.engine.execute.create import ROWS
from finks_local.engine.query import parsed
from finks_local.engine.request import DML, Outcome
from finks_local.engine.storage import list_objects, name
from finks_local.engine.workspace import Workspace
from finks_local.engine.write import hive
from finks_local.engine.write.columns import created_columns, fitted, numbered
from finks_local.engine.write.files import codec
from finks_local.sql.errors import QueryError

_KNOWN: Final = {"format", "compression", "partitioned_by"}


def unload(workspace: Workspace, statement: Unload) -> Outcome:
    """UNLOAD (query) TO location WITH (format = 'PARQUET', ...).

    Raises:
        QueryError: NOT_SUPPORTED: another format or property; HIVE_PATH_ALREADY_EXISTS.
    """
    unknown = [key for key in statement.properties if key not in _KNOWN]
    wanted = str(statement.properties.get("format", "")).upper()
    if unknown or wanted != "PARQUET":
        what = f"property {unknown[0]}" if unknown else f"format {wanted or 'missing'}"
        raise QueryError("NOT_SUPPORTED", f"UNLOAD with {what}: this endpoint writes format PARQUET")
    if next(list_objects(workspace.backend.s3, statement.location), None) is not None:
        raise QueryError("HIVE_PATH_ALREADY_EXISTS", f"Target directory is not empty: {statement.location}")
    sql, found = workspace.translated(parsed(statement.query))
    columns = created_columns(found)
    keys = statement.properties.get("partitioned_by", ())
    names = (keys,) if isinstance(keys, str) else keys
    if names and tuple(column.name for column in columns[-len(names) :]) != tuple(names):
        message = f"Partition keys must be the last columns of the query: [{', '.join(names)}]"
        raise QueryError("HIVE_COLUMN_ORDER_MISMATCH", message)
    cut = len(columns) - len(names)
    compression = codec(str(statement.properties.get("compression", "GZIP")), "GZIP")
    target = hive.Target(statement.location, tuple(columns[:cut]), tuple(columns[cut:]), compression)
    select = ", ".join(f"{fitted(i, c.type, c.type)} as {name(c.name)}" for i, c in enumerate(columns))
    written = hive.write(workspace, f"select {select} from {numbered(sql, len(columns))}", target)  # noqa: S608
    return Outcome(DML, "UNLOAD", ROWS, update_count=written.rows, data_manifest=tuple(written.files))
