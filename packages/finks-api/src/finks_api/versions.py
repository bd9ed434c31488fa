"""Which Gold release an answer reads: the served one, the one of a time, or the one that a page is bound to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

import anyio
import anyio.to_thread
from finks.lake.releases import Release

from finks_api.backends.protocol import Backend
from finks_api.problems import Problem


def snapshot_of(table: str, release: Release) -> int | None:
    """The snapshot of a table, `<zone>.<name>`, at a release; None when the release has no such table."""
    zone, _, name = table.partition(".")
    if zone == "gold":
        mart = release.marts.get(name)
        return None if mart is None else mart.snapshot_id
    return release.silver_snapshots.get(name)


def nothing_published() -> Problem:
    """The answer before the first release."""
    return Problem("nothing-published", "No Gold release was published yet.")


class Versions:
    """The releases, looked up again once what is known is too old.

    Args:
        backend: Where they are.
        refresh: Seconds for which they are not looked up again.
        now: A clock in seconds that never goes back.
    """

    def __init__(self, backend: Backend, refresh: float, now: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._refresh = refresh
        self._now = now
        self._lock = Lock()
        # A thread of its own: those of the queries may all be taken.
        self._looking = anyio.CapacityLimiter(1)
        self._known: Sequence[Release] = ()
        self._read_at = float("-inf")

    async def served(self) -> Release | None:
        """The served release; None before the first. Cheap while what is known is young enough.

        Raises:
            Problem: `unavailable`.
        """
        if not self._is_fresh():
            await anyio.to_thread.run_sync(self._releases, limiter=self._looking)
        return self._known[0] if self._known else None

    async def current_id(self) -> int | None:
        """The number of the served release; None before the first. As cheap as `served`.

        Raises:
            Problem: `unavailable`.
        """
        release = await self.served()
        return None if release is None else release.release_id

    def current(self) -> Release:
        """The served release.

        Raises:
            Problem: `nothing-published`, or `unavailable`.
        """
        known = self._releases()
        if not known:
            raise nothing_published()
        return known[0]

    def at(self, as_of: datetime) -> Release:
        """The release that was served at a time.

        Raises:
            Problem: `nothing-published`: none was. Or `unavailable`.
        """
        for release in self._releases():
            if release.published_at <= as_of:
                return release
        raise Problem("nothing-published", f"No Gold release was published by {as_of.isoformat()}.")

    def numbered(self, release_id: int) -> Release | None:
        """The release with a number; None when there is none."""
        return next((release for release in self._releases() if release.release_id == release_id), None)

    def _is_fresh(self) -> bool:
        return self._now() - self._read_at < self._refresh

    def _releases(self) -> Sequence[Release]:
        if not self._is_fresh():
            with self._lock:
                # Whoever waited for the lock takes what the other one read.
                if not self._is_fresh():
                    self._look()
        return self._known

    def _look(self) -> None:
        asked_at = self._now()
        try:
            self._known = self._backend.releases()
        except Problem:
            # What was known last still counts: much of it can be answered from memory.
            if not self._known:
                raise
        self._read_at = asked_at
