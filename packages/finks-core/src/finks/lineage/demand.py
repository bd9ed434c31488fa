"""What is asked of a table: some columns, of the rows within some limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp

MAX_VALUES: Final = 2000
"""Of more values than this only the lowest and the highest are kept."""

MAX_DEMANDS: Final = 12
"""More demands than this on one table become one that covers them all."""


@dataclass(frozen=True, slots=True)
class Within:
    """The values that a column may have: one of these, and not below or above that. None for no such limit."""

    values: frozenset[Any] | None = None
    low: Any = None
    high: Any = None

    @classmethod
    def of(cls, found: Iterable[Any]) -> Within:
        """One of these values, nulls left out."""
        values = frozenset(value for value in found if value is not None)
        return cls(values) if len(values) <= MAX_VALUES else cls(None, min(values), max(values))

    @property
    def lowest(self) -> Any:
        """No value is below it; None when that is not known."""
        return min(self.values) if self.values else self.low

    @property
    def highest(self) -> Any:
        """No value is above it; None when that is not known."""
        return max(self.values) if self.values else self.high

    def meet(self, other: Within | None) -> Within:
        """What both allow."""
        if other is None:
            return self
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        sets = [values for values in (self.values, other.values) if values is not None]
        values = frozenset.intersection(*sets) if sets else None
        return Within(values, max(lows, default=None), min(highs, default=None))

    def join(self, other: Within) -> Within:
        """What covers both."""
        if self.values is not None and other.values is not None:
            return Within.of(self.values | other.values)
        lows, highs = (self.lowest, other.lowest), (self.highest, other.highest)
        return Within(None, None if None in lows else min(lows), None if None in highs else max(highs))

    def covers(self, other: Within) -> bool:
        """Whether every value that the other allows is allowed."""
        if self.values is not None and (other.values is None or not other.values <= self.values):
            return False
        above = self.low is None or (other.lowest is not None and other.lowest >= self.low)
        return above and (self.high is None or (other.highest is not None and other.highest <= self.high))

    def sql(self, column: str) -> str:
        """The limit as a condition in DuckDB's SQL."""
        name = exp.to_identifier(column, quoted=True).sql("duckdb")
        parts: list[str] = []
        if self.values is not None:
            listed = ", ".join(sorted(_literal(value) for value in self.values))
            parts.append(f"{name} in ({listed})" if listed else "false")
        if self.low is not None:
            parts.append(f"{name} >= {_literal(self.low)}")
        if self.high is not None:
            parts.append(f"{name} <= {_literal(self.high)}")
        return " and ".join(parts) or "true"


@dataclass(frozen=True, slots=True)
class Demand:
    """These columns of the rows within these limits. A column without a limit may have any value."""

    columns: frozenset[str]
    limits: Mapping[str, Within]

    def covers(self, other: Demand) -> bool:
        """Whether it asks for all that the other asks for."""
        return other.columns <= self.columns and all(
            name in other.limits and within.covers(other.limits[name]) for name, within in self.limits.items()
        )

    def join(self, other: Demand) -> Demand:
        """One demand that covers both."""
        common = self.limits.keys() & other.limits.keys()
        return Demand(
            self.columns | other.columns, {name: self.limits[name].join(other.limits[name]) for name in sorted(common)}
        )

    def sql(self) -> str:
        """The limits as a condition in DuckDB's SQL."""
        return " and ".join(f"({within.sql(name)})" for name, within in sorted(self.limits.items())) or "true"


def added(demands: list[Demand], demand: Demand) -> list[Demand]:
    """The demands and one more, as few as cover them."""
    if any(known.covers(demand) for known in demands):
        return demands
    kept = [*(known for known in demands if not demand.covers(known)), demand]
    if len(kept) <= MAX_DEMANDS:
        return kept
    all_of_them = kept[0]
    for other in kept[1:]:
        all_of_them = all_of_them.join(other)
    return [all_of_them]


def _literal(value: object) -> str:
    return exp.convert(value).sql("duckdb")
