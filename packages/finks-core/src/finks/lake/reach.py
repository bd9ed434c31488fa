"""Which part of a Silver table a batch of records can touch, so that the rest need not be read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl
from pyiceberg.expressions import BooleanExpression

from finks.contract.spec import CompiledContract, Kind
from finks.lake.filters import all_of, at_least, at_most, one_of
from finks.lake.versions import entity_column

MAX_NAMES = 1000
"""With more entities than this, all are read."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The rows whose event time and entity lie within bounds.

    Attributes:
        event: The column of the event time.
        days: Its bounds, inclusive; None for no bound.
        entity: The key column that names what a record is about.
        names: Its values; None for any.
    """

    event: str | None = None
    days: tuple[date, date] | None = None
    entity: str | None = None
    names: frozenset[str] | None = None

    def iceberg(self) -> BooleanExpression:
        """As a row filter of a scan."""
        terms: list[BooleanExpression] = []
        if self.event is not None and self.days is not None:
            terms += [at_least(self.event, self.days[0]), at_most(self.event, self.days[1])]
        if self.entity is not None and self.names is not None:
            terms.append(one_of(self.entity, self.names))
        return all_of(*terms)


def reach(
    contract: CompiledContract,
    bounds: tuple[date | None, date | None],
    names: Iterable[str] | None,
    spans: pl.DataFrame | None = None,
) -> Reach:
    """What these records and spans can touch.

    Args:
        bounds: The first and the last event time of the records; None where there are none, or no event time.
        names: The entities of the records; None when they are too many, or no texts.
        spans: As `SilverTable.write_versions` takes them.
    """
    event, entity = contract.event_time, entity_column(contract.key, contract.event_time)
    spoken = pl.DataFrame({"key": [], "min_event": [], "max_event": []}) if spans is None else spans
    days = None
    if event is not None and not spoken["min_event"].null_count():
        ends = [end for end in (*bounds, spoken["min_event"].min(), spoken["max_event"].max()) if isinstance(end, date)]
        days = (min(ends), max(ends)) if ends else None
    if entity is None or contract.field(entity).kind is not Kind.STRING or (spoken["key"].fill_null("") == "").any():
        names = None
    if names is not None:
        names = frozenset(names) | set(spoken["key"])
    return Reach(event, days, entity, names if names and len(names) <= MAX_NAMES else None)
