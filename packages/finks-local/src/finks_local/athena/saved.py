"""Named queries and prepared statements: texts that a workgroup keeps."""

from __future__ import annotations

import time
import uuid
from typing import Any, Final

from finks_local.athena.failures import INVALID_INPUT, absent, invalid
from finks_local.athena.paging import page
from finks_local.athena.workgroups import WorkGroups
from finks_local.store import Store

NAMED: Final = "named-query"
PREPARED: Final = "prepared-statement"
_MANY_PREPARED: Final = 1000

Shape = dict[str, Any]


class NamedQueries:
    """Named queries, by their ids."""

    def __init__(self, store: Store, workgroups: WorkGroups) -> None:
        self._store = store
        self._workgroups = workgroups

    def create(self, request: Shape) -> Shape:
        """CreateNamedQuery; one `ClientRequestToken` makes one query."""
        group = self._workgroups.usable(request.get("WorkGroup"))["Name"]
        token = request.get("ClientRequestToken")
        query = {**{name: request[name] for name in ("Name", "Database", "QueryString")}, "WorkGroup": group}
        if "Description" in request:
            query["Description"] = request["Description"]
        for known in self._store.values(NAMED) if token else []:
            if known["token"] == token:
                same = {name: value for name, value in known["query"].items() if name != "NamedQueryId"}
                if same != query:
                    raise invalid("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
                return {"NamedQueryId": known["query"]["NamedQueryId"]}
        query["NamedQueryId"] = str(uuid.uuid4())
        self._store.put(NAMED, query["NamedQueryId"], {"token": token, "query": query})
        return {"NamedQueryId": query["NamedQueryId"]}

    def get(self, request: Shape) -> Shape:
        """GetNamedQuery."""
        return {"NamedQuery": self._find(request["NamedQueryId"])["query"]}

    def get_batch(self, request: Shape) -> Shape:
        """BatchGetNamedQuery."""
        found = {key: self._store.get(NAMED, key) for key in request["NamedQueryIds"]}
        missing = [key for key, query in found.items() if query is None]
        return {
            "NamedQueries": [record["query"] for record in found.values() if record is not None],
            "UnprocessedNamedQueryIds": [
                {"NamedQueryId": key, "ErrorCode": INVALID_INPUT, "ErrorMessage": _no_named(key)} for key in missing
            ],
        }

    def list(self, request: Shape) -> Shape:
        """ListNamedQueries of a workgroup, the newest first."""
        group = self._workgroups.find(request.get("WorkGroup"))["Name"]
        queries = [record["query"] for record in reversed(self._store.values(NAMED))]
        keys = [query["NamedQueryId"] for query in queries if query["WorkGroup"] == group]
        shown, more = page(keys, request)
        return {"NamedQueryIds": shown, **more}

    def update(self, request: Shape) -> Shape:
        """UpdateNamedQuery."""
        record = self._find(request["NamedQueryId"])
        for name in ("Name", "QueryString", "Description"):
            if name in request:
                record["query"][name] = request[name]
        self._store.put(NAMED, request["NamedQueryId"], record)
        return {}

    def delete(self, request: Shape) -> Shape:
        """DeleteNamedQuery."""
        self._find(request["NamedQueryId"])
        self._store.delete(NAMED, request["NamedQueryId"])
        return {}

    def forget(self, workgroup: str) -> None:
        """Remove a workgroup's queries."""
        for record in self._store.values(NAMED):
            if record["query"]["WorkGroup"] == workgroup:
                self._store.delete(NAMED, record["query"]["NamedQueryId"])

    def any_in(self, workgroup: str) -> bool:
        """Whether a workgroup has any."""
        return any(record["query"]["WorkGroup"] == workgroup for record in self._store.values(NAMED))

    def _find(self, key: str) -> Shape:
        record = self._store.get(NAMED, key)
        if record is None:
            raise invalid(_no_named(key))
        return record


class PreparedStatements:
    """Prepared statements, by workgroup and name."""

    def __init__(self, store: Store, workgroups: WorkGroups) -> None:
        self._store = store
        self._workgroups = workgroups

    def create(self, request: Shape) -> Shape:
        """CreatePreparedStatement."""
        group, name = self._place(request)
        if self._store.get(PREPARED, _key(group, name)) is not None:
            raise invalid(f"PreparedStatement {name} already exists in WorkGroup {group}")
        if len(self._of(group)) >= _MANY_PREPARED:
            raise invalid(f"The number of prepared statements exceeds the limit of {_MANY_PREPARED} in this WorkGroup.")
        self.put(group, name, request["QueryStatement"], request.get("Description"))
        return {}

    def put(self, group: str, name: str, statement: str, description: str | None = None) -> None:
        """Write a statement, new or again."""
        described = {} if description is None else {"Description": description}
        kept = {"StatementName": name, "QueryStatement": statement, "WorkGroupName": group, **described}
        self._store.put(PREPARED, _key(group, name), {**kept, "LastModifiedTime": time.time()})

    def texts(self, group: str) -> dict[str, str]:
        """The texts of a workgroup's statements, by name."""
        return {statement["StatementName"]: statement["QueryStatement"] for statement in self._of(group)}

    def keep(self, group: str, name: str, statement: str) -> None:
        """Do what PREPARE or, with an empty text, DEALLOCATE PREPARE asked for."""
        if statement:
            self.put(group, name, statement)
        else:
            self._store.delete(PREPARED, _key(group, name))

    def find(self, group: str, name: str) -> Shape:
        """A statement's shape.

        Raises:
            ServiceError: There is none.
        """
        found = self._store.get(PREPARED, _key(group, name))
        if found is None:
            raise absent(f"PreparedStatement {name} was not found in workGroup {group}", name)
        return found

    def get(self, request: Shape) -> Shape:
        """GetPreparedStatement."""
        return {"PreparedStatement": self.find(*self._place(request))}

    def get_batch(self, request: Shape) -> Shape:
        """BatchGetPreparedStatement."""
        group = self._workgroups.find(request["WorkGroup"])["Name"]
        found = {name: self._store.get(PREPARED, _key(group, name)) for name in request["PreparedStatementNames"]}
        return {
            "PreparedStatements": [statement for statement in found.values() if statement is not None],
            "UnprocessedPreparedStatementNames": [
                {"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": f"{name} was not found"}
                for name, statement in found.items()
                if statement is None
            ],
        }

    def list(self, request: Shape) -> Shape:
        """ListPreparedStatements, by name."""
        group = self._workgroups.find(request["WorkGroup"])["Name"]
        statements = sorted(self._of(group), key=lambda statement: statement["StatementName"])
        shown, more = page(statements, request)
        return {
            "PreparedStatements": [{n: s[n] for n in ("StatementName", "LastModifiedTime")} for s in shown],
            **more,
        }

    def update(self, request: Shape) -> Shape:
        """UpdatePreparedStatement."""
        group, name = self._place(request)
        self.find(group, name)
        self.put(group, name, request["QueryStatement"], request.get("Description"))
        return {}

    def delete(self, request: Shape) -> Shape:
        """DeletePreparedStatement."""
        group, name = self._place(request)
        self.find(group, name)
        self._store.delete(PREPARED, _key(group, name))
        return {}

    def forget(self, workgroup: str) -> None:
        """Remove a workgroup's statements."""
        for statement in self._of(workgroup):
            self._store.delete(PREPARED, _key(workgroup, statement["StatementName"]))

    def any_in(self, workgroup: str) -> bool:
        """Whether a workgroup has any."""
        return bool(self._of(workgroup))

    def _of(self, group: str) -> list[Shape]:
        return [statement for statement in self._store.values(PREPARED) if statement["WorkGroupName"] == group]

    def _place(self, request: Shape) -> tuple[str, str]:
        return self._workgroups.find(request["WorkGroup"])["Name"], request["StatementName"]


def _key(group: str, name: str) -> str:
    return f"{group}\0{name}"


def _no_named(key: str) -> str:
    return f"NamedQuery {key} was not found"
