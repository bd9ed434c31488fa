"""Versions of Glue tables: Glue keeps a table as it was before every UpdateTable that does not say SkipArchive."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from finks_local.store import Store
from finks_local.wire import ServiceError

_KIND: Final = "glue-table-version"
_PAGE: Final = 100

Shape = dict[str, Any]


def as_on_the_wire(shape: Shape) -> Shape:
    """A table or a partition of botocore's as Glue sends it: times in seconds, no owner where none is set.

    Given an empty owner, botocore refuses to send the table back in an UpdateTable.
    """
    plain = {name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in shape.items()}
    return {name: value for name, value in plain.items() if name != "Owner" or value}


class TableVersions:
    """The old versions of every table, and the operations on them.

    Each operation takes a client of the emulator's Glue, for the current version, and the request's members.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def before_update(self, glue: Any, request: Shape) -> Shape | None:
        """The table that an UpdateTable is about to change, where its version is to be kept."""
        if request.get("SkipArchive"):
            return None
        try:
            found = glue.get_table(DatabaseName=request["DatabaseName"], Name=request["TableInput"]["Name"])
        except (ClientError, KeyError):  # the emulator's own answer says what is wrong
            return None
        return as_on_the_wire(found["Table"])

    def keep(self, table: Shape) -> None:
        """Keep a table as a version."""
        version = table["VersionId"]
        self._store.put(
            _KIND, _key(table["DatabaseName"], table["Name"], version), {"Table": table, "VersionId": version}
        )

    def forget(self, operation: str, request: Shape) -> None:
        """Remove the versions of what DeleteTable, BatchDeleteTable or DeleteDatabase removed."""
        if operation == "DeleteDatabase":
            prefixes = [_key(request["Name"], "")]
        else:
            names = request["TablesToDelete"] if operation == "BatchDeleteTable" else [request["Name"]]
            prefixes = [_key(request["DatabaseName"], name, "") for name in names]
        for key in self._store.keys(_KIND):
            if key.startswith(tuple(prefixes)):
                self._store.delete(_KIND, key)

    def list(self, glue: Any, request: Shape) -> Shape:
        """GetTableVersions."""
        versions = self._all(glue, request)
        start = int(request.get("NextToken") or 0)
        end = start + int(request.get("MaxResults") or _PAGE)
        return {"TableVersions": versions[start:end], **({"NextToken": str(end)} if end < len(versions) else {})}

    def get(self, glue: Any, request: Shape) -> Shape:
        """GetTableVersion."""
        versions = self._all(glue, request)
        wanted = str(request.get("VersionId") or versions[0]["VersionId"])
        for version in versions:
            if version["VersionId"] == wanted:
                return {"TableVersion": version}
        raise _absent(wanted)

    def delete(self, glue: Any, request: Shape) -> Shape:
        """DeleteTableVersion."""
        self._delete(glue, request, str(request["VersionId"]))
        return {}

    def delete_batch(self, glue: Any, request: Shape) -> Shape:
        """BatchDeleteTableVersion."""
        errors: list[Shape] = []
        for version in request["VersionIds"]:
            try:
                self._delete(glue, request, str(version))
            except ServiceError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({"TableName": request["TableName"], "VersionId": version, "ErrorDetail": detail})
        return {"Errors": errors}

    def _all(self, glue: Any, request: Shape) -> list[Shape]:
        """Every version of a table, the current one first."""
        database, name = request["DatabaseName"], request["TableName"]
        try:
            current = as_on_the_wire(glue.get_table(DatabaseName=database, Name=name)["Table"])
        except glue.exceptions.EntityNotFoundException:
            raise ServiceError("EntityNotFoundException", f"Table {name} not found.") from None
        prefix = _key(database, name, "")
        keys = sorted(
            (key for key in self._store.keys(_KIND) if key.startswith(prefix)),
            key=lambda key: int(key.removeprefix(prefix)),
            reverse=True,
        )
        kept = [version for key in keys if (version := self._store.get(_KIND, key)) is not None]
        return [{"Table": current, "VersionId": current["VersionId"]}, *kept]

    def _delete(self, glue: Any, request: Shape, version: str) -> None:
        database, name = request["DatabaseName"], request["TableName"]
        if version == self._all(glue, request)[0]["VersionId"]:
            raise ServiceError("InvalidInputException", "The current version of a table cannot be deleted.")
        if not self._store.delete(_KIND, _key(database, name, version)):
            raise _absent(version)


def _key(*parts: str) -> str:
    return "\0".join(parts)


def _absent(version: str) -> ServiceError:
    return ServiceError("EntityNotFoundException", f"Version {version} not found.")
