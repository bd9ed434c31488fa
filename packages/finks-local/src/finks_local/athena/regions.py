"""Athena in whichever regions its clients name: each has its own catalog, workgroups and queries, as on AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from finks_local.athena.service import AthenaService
from finks_local.wire import Call, Reply


class Regions:
    """One service per region, made when it is first asked.

    Args:
        make: Makes the service of a region.
        refusal: What stands against a request: its signature, or its caller's permissions. None where nothing does.
    """

    def __init__(self, make: Callable[[str], AthenaService], refusal: Callable[[Call], Reply | None]) -> None:
        self._make = make
        self._refusal = refusal
        self._services: dict[str, AthenaService] = {}
        self._lock = Lock()

    def answer(self, call: Call) -> Reply:
        """Answer a request in the region that its signature names."""
        refused = self._refusal(call)
        if refused is not None:
            return refused
        with self._lock:
            service = self._services.get(call.region)
            if service is None:
                service = self._services[call.region] = self._make(call.region)
        return service.answer(call)

    @property
    def active(self) -> Mapping[str, int]:
        """How many queries are queued and how many run."""
        counts = [service.executions.active for service in self._services.values()]
        return {name: sum(count[name] for count in counts) for name in ("queued", "running")}

    def close(self) -> None:
        """Stop every query, and forget the services."""
        with self._lock:
            services, self._services = self._services, {}
        for service in services.values():
            service.close()
