"""Arithmetic on inclusive ranges of days: what is wanted, less what has landed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

Days = tuple[date, date]
ONE_DAY = timedelta(days=1)


def union(ranges: Iterable[Days]) -> list[Days]:
    """Merge overlapping and adjacent ranges; the result is sorted and disjoint."""
    merged: list[Days] = []
    for start, end in sorted(r for r in ranges if r[0] <= r[1]):
        if merged and start <= merged[-1][1] + ONE_DAY:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(wanted: Days, covered: Iterable[Days]) -> list[Days]:
    """The parts of `wanted` that no range of `covered` touches."""
    missing: list[Days] = []
    start, end = wanted
    for low, high in union(covered):
        if high < start or low > end:
            continue
        if low > start:
            missing.append((start, low - ONE_DAY))
        start = high + ONE_DAY
    if start <= end:
        missing.append((start, end))
    return missing
