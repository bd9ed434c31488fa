"""The Glue Data Catalog: databases, tables and partitions as Athena reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from finks_local.engine.failures import from_aws
from finks_local.sql.errors import QueryError

Row = dict[str, Any]

ICEBERG: Final = "ICEBERG"
VIEW: Final = "VIRTUAL_VIEW"
FIELD_CURRENT: Final = "iceberg.field.current"
CREATE_BATCH: Final = 100

_INPUT: Final = (
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
)
"""What of a table's row Glue takes back as its `TableInput`."""


def is_iceberg(table: Row) -> bool:
    """Whether the row is of an Iceberg table."""
    return str(parameters(table).get("table_type", "")).upper() == ICEBERG


def is_view(table: Row) -> bool:
    """Whether the row is of a view."""
    return table.get("TableType") == VIEW


def parameters(table: Row) -> dict[str, str]:
    """The table's parameters."""
    return table.get("Parameters") or {}


def columns(table: Row) -> list[Row]:
    """The table's columns without those of its partitions and those that an Iceberg table has dropped."""
    listed = (table.get("StorageDescriptor") or {}).get("Columns") or []
    return [column for column in listed if (column.get("Parameters") or {}).get(FIELD_CURRENT, "true") == "true"]


def partition_keys(table: Row) -> list[Row]:
    """The columns of the table's partitions."""
    return table.get("PartitionKeys") or []


def location(table: Row) -> str:
    """Where the table's files are."""
    return (table.get("StorageDescriptor") or {}).get("Location") or ""


def table_input(table: Row) -> Row:
    """The part of a row that Glue takes back."""
    return {key: table[key] for key in _INPUT if key in table and table[key] != ""}


class Metastore:
    """The catalog for one query: what was looked up once is not asked again.

    Args:
        glue: A boto3 client.
    """

    def __init__(self, glue: Any) -> None:
        self._glue = glue
        self._tables: dict[tuple[str, str], Row | None] = {}

    def databases(self) -> Iterator[Row]:
        """Every database."""
        yield from self._pages("get_databases", "DatabaseList")

    def find_database(self, database: str) -> Row | None:
        """A database's row."""
        return self._find(lambda: self._call("get_database", database, Name=database)["Database"])

    def database(self, database: str) -> Row:
        """A database's row.

        Raises:
            QueryError: SCHEMA_NOT_FOUND.
        """
        row = self.find_database(database)
        if row is None:
            raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
        return row

    def create_database(self, row: Row) -> None:
        """Add a database.

        Raises:
            QueryError: SCHEMA_ALREADY_EXISTS.
        """
        exists = QueryError("SCHEMA_ALREADY_EXISTS", f"Schema '{row['Name']}' already exists")
        self._call("create_database", row["Name"], exists, DatabaseInput=row)

    def update_database(self, row: Row) -> None:
        """Replace a database's row."""
        known = {key: row[key] for key in ("Name", "Description", "LocationUri", "Parameters") if row.get(key)}
        self._call("update_database", row["Name"], Name=row["Name"], DatabaseInput=known)

    def delete_database(self, database: str) -> None:
        """Remove a database and its tables' rows."""
        self._call("delete_database", database, Name=database)

    def tables(self, database: str) -> Iterator[Row]:
        """Every table and view of a database."""
        self.database(database)
        yield from self._pages("get_tables", "TableList", DatabaseName=database)

    def find(self, database: str, table: str) -> Row | None:
        """A table's row."""
        key = (database, table)
        if key not in self._tables:
            resource = f"{database}.{table}"
            self._tables[key] = self._find(
                lambda: self._call("get_table", resource, DatabaseName=database, Name=table)["Table"]
            )
        return self._tables[key]

    def table(self, database: str, table: str) -> Row:
        """A table's row.

        Raises:
            QueryError: TABLE_NOT_FOUND or SCHEMA_NOT_FOUND.
        """
        row = self.find(database, table)
        if row is None:
            self.database(database)
            raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{table}' does not exist")
        return row

    def create_table(self, database: str, row: Row) -> None:
        """Add a table.

        Raises:
            QueryError: TABLE_ALREADY_EXISTS.
        """
        resource = f"{database}.{row['Name']}"
        exists = already_exists(database, row["Name"])
        self._call("create_table", resource, exists, DatabaseName=database, TableInput=row)
        self._tables.clear()

    def update_table(self, database: str, row: Row) -> None:
        """Replace a table's row."""
        self._call("update_table", f"{database}.{row['Name']}", DatabaseName=database, TableInput=table_input(row))
        self._tables.clear()

    def delete_table(self, database: str, table: str) -> None:
        """Remove a table's row and its partitions'."""
        self._call("delete_table", f"{database}.{table}", DatabaseName=database, Name=table)
        self._tables.clear()

    def partitions(self, database: str, table: str) -> Iterator[Row]:
        """Every partition of a table."""
        yield from self._pages("get_partitions", "Partitions", DatabaseName=database, TableName=table)

    def partition(self, database: str, table: str, values: Sequence[str]) -> Row | None:
        """One partition."""
        where: Row = {"DatabaseName": database, "TableName": table, "PartitionValues": list(values)}
        return self._find(lambda: self._call("get_partition", f"{database}.{table}", **where)["Partition"])

    def create_partitions(self, database: str, table: str, rows: Iterable[Row]) -> list[str]:
        """Add partitions.

        Returns:
            What Glue says of those that it has already.

        Raises:
            QueryError: Glue refuses one for another reason.
        """
        existing: list[str] = []
        waiting = list(rows)
        for start in range(0, len(waiting), CREATE_BATCH):
            batch = waiting[start : start + CREATE_BATCH]
            where: Row = {"DatabaseName": database, "TableName": table, "PartitionInputList": batch}
            answer = self._call("batch_create_partition", f"{database}.{table}", **where)
            for error in answer.get("Errors", []):
                detail = error.get("ErrorDetail", {})
                if detail.get("ErrorCode") != "AlreadyExistsException":
                    raise QueryError("HIVE_METASTORE_ERROR", f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}")
                existing.append("/".join(error.get("PartitionValues", [])))
        return existing

    def replace_partition(self, database: str, table: str, values: Sequence[str], row: Row) -> None:
        """Put a row, perhaps of other values, in a partition's place; catalogs without UpdatePartition can do it too.

        Raises:
            QueryError: PARTITION_ALREADY_EXISTS: there is one with the new values.
        """
        if list(values) == row["Values"]:
            self.delete_partition(database, table, values)
        if self.create_partitions(database, table, [row]):
            taken = "/".join(row["Values"])
            raise QueryError("PARTITION_ALREADY_EXISTS", f"AlreadyExistsException: Partition already exists: {taken}")
        if list(values) != row["Values"]:
            self.delete_partition(database, table, values)

    def delete_partition(self, database: str, table: str, values: Sequence[str]) -> bool:
        """Remove a partition; False if there is none."""
        where: Row = {"DatabaseName": database, "TableName": table, "PartitionValues": list(values)}
        answer = self._find(lambda: {"gone": self._call("delete_partition", f"{database}.{table}", **where)})
        return answer is not None

    def _pages(self, operation: str, key: str, **arguments: object) -> Iterator[Row]:
        try:
            for page in self._glue.get_paginator(operation).paginate(**arguments):
                yield from page[key]
        except ClientError as error:
            raise from_aws(error, str(arguments.get("DatabaseName", "the catalog"))) from error

    def _call(self, operation: str, resource: str, exists: QueryError | None = None, **arguments: Any) -> Row:
        try:
            return getattr(self._glue, operation)(**arguments)
        except ClientError as error:
            if _code(error) == "EntityNotFoundException":
                raise _MissingError(str(error)) from error
            if exists is not None and _code(error) == "AlreadyExistsException":
                raise exists from error
            raise from_aws(error, resource) from error

    def _find(self, call: Callable[[], Row]) -> Row | None:
        try:
            return call()
        except _MissingError:
            return None


class _MissingError(QueryError):
    """Glue has no such thing."""

    def __init__(self, message: str) -> None:
        super().__init__("HIVE_METASTORE_ERROR", message)


def already_exists(database: str, table: str) -> QueryError:
    """Athena's refusal of a second table of one name."""
    return QueryError("TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{database}.{table}' already exists")


def _code(error: ClientError) -> str:
    details: Mapping[str, Any] = error.response.get("Error", {})
    return str(details.get("Code", ""))
