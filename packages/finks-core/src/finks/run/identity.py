"""Run identifiers: UUIDv7 (RFC 9562), so that they sort by the time of their start."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime


def new_run_id(now: datetime, random_bits: Callable[[int], int]) -> str:
    """A UUIDv7 for `now`; `random_bits(k)` gives k random bits, for example `random.SystemRandom().getrandbits`."""
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    value = milliseconds << 80 | 0x7 << 76 | random_bits(12) << 64 | 0b10 << 62 | random_bits(62)
    return str(uuid.UUID(int=value))


def begun(run_id: str) -> datetime:
    """When the run of this id began, in UTC, to the millisecond.

    Raises:
        ValueError: It is not a UUIDv7.
    """
    value = uuid.UUID(run_id)
    if value.version != 7:
        raise ValueError(f"{run_id} is not a UUIDv7")
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
