"""The Glue Data Catalog of a lake on S3: one Glue database for each zone, and commits whose outcome is always known.

Whether a commit landed cannot be read from Glue's answer alone. The answer may be lost on its way; then boto3 asks
again, and Glue refuses the second time because of the first. pyiceberg would take that for another writer's commit
and delete the files of its own. So after every refusal the table is asked what it points at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pyarrow.fs import FileSystem
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitStateUnknownException, NoSuchIcebergTableError
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

from finks.lake.aws import Aws
from finks.lake.catalog import NAMESPACES, Guarded

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import TableInputTypeDef, TableTypeDef

_POINTER: Final = "metadata_location"
_KEPT_METADATA: Final = 64


class S3FileIO(PyArrowFileIO):
    """pyiceberg's way to S3, with the credentials of the moment."""

    def __init__(self, aws: Aws) -> None:
        super().__init__()

        def files(scheme: str, netloc: str | None = None) -> FileSystem:
            return aws.files()

        self.fs_by_scheme = files


class ZoneCatalog(Guarded, GlueCatalog):
    """The catalog of one lake.

    Args:
        aws: The account.
        address: `s3://bucket/prefix`; a table's files are below `<address>/<zone>/<table>`.
        prefix: Stands before a zone's name in the name of its Glue database.
    """

    def __init__(self, aws: Aws, address: str, prefix: str) -> None:
        super().__init__("finks", client=aws.client("glue"), warehouse=address)
        self._address = address
        self._databases = {zone: f"{prefix}{zone}" for zone in NAMESPACES}
        self._io = S3FileIO(aws)
        # A metadata file never changes: what was read once is not read again.
        self._metadata = lru_cache(maxsize=_KEPT_METADATA)(self._read_metadata)

    def database(self, zone: str) -> str:
        """The Glue database of a zone."""
        return self._databases.get(zone, zone)

    # What follows has the names and the arguments of pyiceberg's methods.

    def identifier_to_database(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, identifier: str | Identifier, err: Any = ValueError
    ) -> str:
        """The Glue database of a zone, or of what is one already."""
        return self.database(GlueCatalog.identifier_to_database(identifier, err))

    def identifier_to_database_and_table(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, identifier: str | Identifier, err: Any = ValueError
    ) -> tuple[str, str]:
        """The Glue database and the name of a table."""
        zone, table = GlueCatalog.identifier_to_database_and_table(identifier, err)
        return self.database(zone), table

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        return self._io

    def _is_s3tables_database(self, database_name: str) -> bool:
        # Asked before every table is made; finks' databases never are.
        return False

    def _get_default_warehouse_location(self, database_name: str, table_name: str) -> str:
        zone = next((zone for zone, name in self._databases.items() if name == database_name), database_name)
        return f"{self._address}/{zone}/{table_name}"

    def _convert_glue_to_iceberg(self, glue_table: TableTypeDef) -> Table:
        location = glue_table.get("Parameters", {}).get(_POINTER)
        if location is None:
            raise NoSuchIcebergTableError(f"not an Iceberg table: {glue_table.get('Name')}")
        identifier = (glue_table.get("DatabaseName", ""), glue_table["Name"])
        return Table(identifier, self._metadata(location), location, self._io, self)

    def _read_metadata(self, location: str) -> TableMetadata:
        return FromInputFile.table_metadata(self._io.new_input(location))

    def _update_glue_table(
        self, database_name: str, table_name: str, table_input: TableInputTypeDef, version_id: str
    ) -> None:
        self.guard()
        try:
            super()._update_glue_table(database_name, table_name, table_input, version_id)
        except Exception as error:
            try:
                landed = table_input.get("Parameters", {}).get(_POINTER) in self._history(database_name, table_name)
            except Exception as second:
                raise CommitStateUnknownException(f"{database_name}.{table_name}: {error}") from second
            if not landed:
                raise

    def _history(self, database: str, name: str) -> set[str]:
        """The metadata files of the table's last states. Each commit's name is its own."""
        table = self.load_table((database, name))
        return {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
