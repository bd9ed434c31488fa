"""Tags of workgroups and data catalogs."""

from __future__ import annotations

import re
from typing import Any, Final

from finks_local.athena.catalogs import check_catalog
from finks_local.athena.failures import absent, invalid
from finks_local.athena.paging import page
from finks_local.athena.workgroups import WorkGroups
from finks_local.store import Store
from finks_local.wire import ServiceError

_KIND: Final = "tags"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:athena:[a-z0-9-]+:\d{12}:(workgroup|datacatalog)/(.+)")

Shape = dict[str, Any]


class Tags:
    """Tags by the resource's name, for example `workgroup/primary`."""

    def __init__(self, store: Store, workgroups: WorkGroups) -> None:
        self._store = store
        self._workgroups = workgroups

    def add(self, resource: str, tags: list[Shape]) -> None:
        """Set tags; those of other keys stay."""
        kept = self._store.get(_KIND, resource) or {}
        self._store.put(_KIND, resource, {**kept, **{tag["Key"]: tag.get("Value", "") for tag in tags}})

    def forget(self, resource: str) -> None:
        """Remove a resource's tags."""
        self._store.delete(_KIND, resource)

    def tag(self, request: Shape) -> Shape:
        """TagResource."""
        self.add(self._resource(request), request["Tags"])
        return {}

    def untag(self, request: Shape) -> Shape:
        """UntagResource."""
        resource = self._resource(request)
        kept = self._store.get(_KIND, resource) or {}
        self._store.put(_KIND, resource, {k: v for k, v in kept.items() if k not in request["TagKeys"]})
        return {}

    def list(self, request: Shape) -> Shape:
        """ListTagsForResource."""
        kept = self._store.get(_KIND, self._resource(request)) or {}
        shown, more = page([{"Key": key, "Value": value} for key, value in sorted(kept.items())], request, 75)
        return {"Tags": shown, **more}

    def _resource(self, request: Shape) -> str:
        arn = request["ResourceARN"]
        named = _ARN.fullmatch(arn)
        if named is None:
            raise invalid(f"Invalid ARN: {arn}")
        try:
            self._workgroups.find(named[2]) if named[1] == "workgroup" else check_catalog(named[2])
        except ServiceError as error:
            raise absent(error.message, arn) from None
        return f"{named[1]}/{named[2]}"
