"""Things kept by key, what has been unused longest leaving first, in a bounded number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Kept = TypeVar("Kept")

ENTRY_BYTES: Final = 4096
"""What an entry costs beside what is told of it: its key, its objects, its places in tables."""


class Shelf(Generic[Kept]):
    """The shelf.

    Args:
        limit_bytes: The sum of the weights never exceeds it.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._entries: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._bytes = 0

    @property
    def weight(self) -> int:
        """Bytes on it now."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under a key."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, kept: Kept, weight: int) -> None:
        """Keep something, in place of what was there; drop what has been unused longest until there is room.

        Args:
            weight: Bytes of it, and of its key where that is long. What is heavier than the shelf bears is not kept.
        """
        self._drop(key)
        weight += ENTRY_BYTES
        if weight > self._limit:
            return
        while self._bytes + weight > self._limit:
            self._drop(next(iter(self._entries)))
        self._entries[key] = (kept, weight)
        self._bytes += weight

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: Hashable) -> None:
        dropped = self._entries.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped[1]
