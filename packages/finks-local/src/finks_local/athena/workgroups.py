"""Workgroups: where results go, what a query may scan, and whether clients may say otherwise.

Sources: Athena API Reference (WorkGroup, WorkGroupConfiguration, WorkGroupConfigurationUpdates); Athena User Guide,
"Override client-side settings".
"""

from __future__ import annotations

import re
import time
from typing import Any, Final

from finks_local.athena.failures import invalid
from finks_local.athena.paging import page
from finks_local.store import Store

PRIMARY: Final = "primary"
ENGINE: Final = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
ENGINE_VERSIONS: Final = ("AUTO", "Athena engine version 3")
KIND: Final = "workgroup"

_DEFAULTS: Final = {
    "EnforceWorkGroupConfiguration": True,
    "PublishCloudWatchMetricsEnabled": True,
    "RequesterPaysEnabled": False,
    "EnableMinimumEncryptionConfiguration": False,
    "ResultConfiguration": {},
}
_MANAGED: Final = "ManagedQueryResultsConfiguration"
_LOCATION: Final = re.compile(r"s3://[^/]+(/.*)?")
# What the endpoint does not do, and so does not take on.
_REFUSED: Final = (
    "ExecutionRole", "AdditionalConfiguration", "CustomerContentEncryptionConfiguration", "IdentityCenterConfiguration",
    "QueryResultsS3AccessGrantsConfiguration", "MonitoringConfiguration", "EngineConfiguration",
)  # fmt: skip

Shape = dict[str, Any]


class WorkGroups:
    """The account's workgroups; `primary` is always there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str | None) -> Shape:
        """A workgroup's shape.

        Raises:
            ServiceError: There is none of that name.
        """
        name = name or PRIMARY
        found = self._store.get(KIND, name)
        if found is None and name == PRIMARY:
            found = _new({"Name": PRIMARY, "Configuration": {"EnforceWorkGroupConfiguration": False}})
            self._store.put(KIND, PRIMARY, found)
        if found is None:
            raise invalid("WorkGroup is not found.")
        return found

    def usable(self, name: str | None) -> Shape:
        """A workgroup in which queries may run.

        Raises:
            ServiceError: There is none of that name, or it is disabled.
        """
        group = self.find(name)
        if group["State"] != "ENABLED":
            raise invalid(f"WorkGroup {group['Name']} is disabled.")
        return group

    def create(self, request: Shape) -> Shape:
        """CreateWorkGroup."""
        name = request["Name"]
        if name == PRIMARY or self._store.get(KIND, name) is not None:
            raise invalid("WorkGroup is already created")
        _check(request.get("Configuration", {}))
        group = _new(request)
        _refuse_two_places(group)
        self._store.put(KIND, name, group)
        return {}

    def get(self, request: Shape) -> Shape:
        """GetWorkGroup."""
        return {"WorkGroup": self.find(request["WorkGroup"])}

    def list(self, request: Shape) -> Shape:
        """ListWorkGroups, by name."""
        self.find(PRIMARY)
        groups = sorted(self._store.values(KIND), key=lambda group: group["Name"])
        shown, more = page(groups, request)
        return {"WorkGroups": [_summary(group) for group in shown], **more}

    def update(self, request: Shape) -> Shape:
        """UpdateWorkGroup."""
        group = self.find(request["WorkGroup"])
        updates = request.get("ConfigurationUpdates", {})
        _check(updates)
        group["Configuration"] = _updated(group["Configuration"], updates)
        _refuse_two_places(group)
        for name in ("Description", "State"):
            if name in request:
                group[name] = request[name]
        self._store.put(KIND, group["Name"], group)
        return {}

    def delete(self, name: str) -> None:
        """Remove a workgroup.

        Raises:
            ServiceError: It is `primary`, or there is none of that name.
        """
        if name == PRIMARY:
            raise invalid("Deleting primary workgroup is not allowed.")
        if not self._store.delete(KIND, name):
            raise invalid("WorkGroup is not found.")


def is_managed(group: Shape) -> bool:
    """Whether Athena keeps the results itself, so that there are no files of them in S3."""
    return group["Configuration"].get(_MANAGED, {}).get("Enabled", False)


def output_location(group: Shape, request: Shape) -> str | None:
    """Where a query's results go, without the last slash: the workgroup's place if it is enforced or none is given.

    Returns:
        None where Athena keeps them itself.

    Raises:
        ServiceError: There is no place, or it is not one in S3.
    """
    if is_managed(group):
        return None
    asked = request.get("ResultConfiguration", {}).get("OutputLocation")
    own = group["Configuration"]["ResultConfiguration"].get("OutputLocation")
    enforced = group["Configuration"]["EnforceWorkGroupConfiguration"] and own
    location = own if enforced or not asked else asked
    if not location:
        raise invalid(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    _check_location(location)
    return location.rstrip("/")


def _check_location(location: str) -> None:
    if not _LOCATION.fullmatch(location):
        raise invalid("outputLocation is not a valid S3 path.")


def _check(configuration: Shape) -> None:
    for name in _REFUSED:
        if name in configuration:
            raise invalid(f"{name} is not supported by this endpoint.")
    for name in (_MANAGED, f"{_MANAGED}Updates"):
        if "EncryptionConfiguration" in configuration.get(name, {}):
            raise invalid(f"{name}.EncryptionConfiguration is not supported by this endpoint.")
    version = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    if version not in ENGINE_VERSIONS:
        raise invalid(f"Invalid engine version: {version}")
    for name in ("ResultConfiguration", "ResultConfigurationUpdates"):
        if location := configuration.get(name, {}).get("OutputLocation"):
            _check_location(location)


def _refuse_two_places(group: Shape) -> None:
    if is_managed(group) and "OutputLocation" in group["Configuration"]["ResultConfiguration"]:
        raise invalid("A workgroup with managed query results cannot have an output location.")


def _new(request: Shape) -> Shape:
    configuration: Shape = {**_DEFAULTS, **request.get("Configuration", {})}
    selected = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    described = {"Description": request["Description"]} if request.get("Description") else {}
    return {
        "Name": request["Name"],
        "State": "ENABLED",
        **described,
        "CreationTime": time.time(),
        "Configuration": {**configuration, "EngineVersion": {**ENGINE, "SelectedEngineVersion": selected}},
    }


def _updated(configuration: Shape, updates: Shape) -> Shape:
    results = {**configuration["ResultConfiguration"]}
    for name, value in updates.get("ResultConfigurationUpdates", {}).items():
        if name.startswith("Remove"):
            if value:
                results.pop(name.removeprefix("Remove"), None)
        else:
            results[name] = value
    plain = ("EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled", "BytesScannedCutoffPerQuery",
             "RequesterPaysEnabled", "EnableMinimumEncryptionConfiguration")  # fmt: skip
    changed = {**configuration, **{n: updates[n] for n in plain if n in updates}, "ResultConfiguration": results}
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        changed.pop("BytesScannedCutoffPerQuery", None)
    if managed := updates.get(f"{_MANAGED}Updates"):
        changed[_MANAGED] = {"Enabled": managed.get("Enabled", False)}
    if version := updates.get("EngineVersion"):
        changed["EngineVersion"] = {**ENGINE, **version}
    return changed


def _summary(group: Shape) -> Shape:
    shown = {name: group[name] for name in ("Name", "State", "CreationTime")}
    return {
        **shown,
        "Description": group.get("Description", ""),
        "EngineVersion": group["Configuration"]["EngineVersion"],
    }
