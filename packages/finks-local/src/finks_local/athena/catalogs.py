"""Data catalogs and what is in them: the account's Glue catalog, called AwsDataCatalog, as Athena describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from finks_local.athena.failures import invalid, metadata
from finks_local.athena.paging import page

NAME: Final = "AwsDataCatalog"
ACCOUNT: Final = "000000000000"

Shape = dict[str, Any]


class Catalogs:
    """Answers what clients ask of catalogs, databases and tables.

    Args:
        glue: A boto3 client of Glue.
    """

    def __init__(self, glue: Any) -> None:
        self._glue = glue

    def get(self, request: Shape) -> Shape:
        """GetDataCatalog."""
        check_catalog(request["Name"])
        return {"DataCatalog": {"Name": NAME, "Type": "GLUE", "Parameters": {"catalog-id": ACCOUNT}}}

    def list(self, request: Shape) -> Shape:
        """ListDataCatalogs."""
        shown, more = page([{"CatalogName": NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}], request)
        return {"DataCatalogsSummary": shown, **more}

    def get_database(self, request: Shape) -> Shape:
        """GetDatabase."""
        check_catalog(request["CatalogName"])
        name = request["DatabaseName"].lower()
        try:
            return {"Database": _database(self._glue.get_database(Name=name)["Database"])}
        except ClientError as error:
            raise _told(error) from None

    def list_databases(self, request: Shape) -> Shape:
        """ListDatabases, by name."""
        check_catalog(request["CatalogName"])
        try:
            pages = self._glue.get_paginator("get_databases").paginate()
            databases = [_database(found) for part in pages for found in part["DatabaseList"]]
        except ClientError as error:
            raise _told(error) from None
        shown, more = page(sorted(databases, key=_name), request)
        return {"DatabaseList": shown, **more}

    def get_table(self, request: Shape) -> Shape:
        """GetTableMetadata."""
        check_catalog(request["CatalogName"])
        database, name = request["DatabaseName"].lower(), request["TableName"].lower()
        try:
            return {"TableMetadata": _table(self._glue.get_table(DatabaseName=database, Name=name)["Table"])}
        except ClientError as error:
            raise _told(error) from None

    def list_tables(self, request: Shape) -> Shape:
        """ListTableMetadata, by name; `Expression` is a regular expression for the whole name."""
        check_catalog(request["CatalogName"])
        pattern = _compiled(request.get("Expression") or ".*")
        try:
            pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=request["DatabaseName"].lower())
            tables = [
                _table(found) for part in pages for found in part["TableList"] if pattern.fullmatch(found["Name"])
            ]
        except ClientError as error:
            raise _told(error) from None
        kept = [table for table in tables if pattern.fullmatch(table["Name"])]
        shown, more = page(sorted(kept, key=_name), request)
        return {"TableMetadataList": shown, **more}


def check_catalog(name: str) -> None:
    """Refuse a catalog that is not there.

    Raises:
        ServiceError: The only catalog is AwsDataCatalog.
    """
    if name.lower() != NAME.lower():
        raise invalid(f"DataCatalog {name} was not found")


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        # `*` alone is how clients say everything.
        return re.compile(".*" if expression == "*" else expression)
    except re.error as error:
        raise invalid(f"Invalid expression {expression!r}: {error}") from None


def _told(error: ClientError) -> Exception:
    details: Mapping[str, Any] = error.response.get("Error", {})
    return metadata(f"{details.get('Message')} (Service: AWSGlue; Error Code: {details.get('Code')})")


def _name(shape: Shape) -> str:
    return shape["Name"]


def _database(found: Shape) -> Shape:
    kept = {name: found[name] for name in ("Description", "Parameters") if found.get(name)}
    return {"Name": found["Name"], **kept}


def _table(found: Shape) -> Shape:
    times = {name: found[name].timestamp() for name in ("CreateTime", "LastAccessTime") if name in found}
    return {
        "Name": found["Name"],
        **times,
        "TableType": found.get("TableType", ""),
        "Columns": [_column(column) for column in found.get("StorageDescriptor", {}).get("Columns", [])],
        "PartitionKeys": [_column(column) for column in found.get("PartitionKeys", [])],
        "Parameters": found.get("Parameters", {}),
    }


def _column(found: Shape) -> Shape:
    return {name: found[name] for name in ("Name", "Type", "Comment") if found.get(name)}
