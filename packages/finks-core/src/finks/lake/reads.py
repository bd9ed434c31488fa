"""Reads of a Silver table: what is known now, what was known then, and every version.

The key and the event time come from the table's properties, so no contract class is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypedDict

import polars as pl
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from finks.errors import ConfigurationError
from finks.lake.catalog import find_table, no_such_table, table_names
from finks.lake.dataset import Dataset
from finks.lake.filters import Value, all_of, at_least, at_most, one_of
from finks.lake.silver_schema import SYSTEM_COLUMNS

VERSION_ORDER: Final = ("_known_at", "_seq", "_retracted", "_row_hash")


Keys = Mapping[str, Collection[Value]] | Collection[Value]


class SelectionOptions(TypedDict, total=False):
    """The fields of `Selection` as keyword arguments."""

    select: Sequence[str] | None
    start: date | datetime | None
    end: date | datetime | None
    keys: Keys | None
    with_versions: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read. Every filter is on the key or the event time, so it commutes with the choice of versions.

    Attributes:
        select: The columns wanted; all of the contract's when None.
        start, end: Event time, both ends included.
        keys: Values of key columns: `{"symbol": ["AAPL", "MSFT"]}`, or the values alone for the first key
            column that is not the event time.
        with_versions: Show finks' own columns too.
    """

    select: Sequence[str] | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    keys: Keys | None = None
    with_versions: bool = False


def latest(catalog: Catalog, table: str, selection: Selection) -> Dataset:
    """Per key the newest version; records that are gone left out."""
    return Dataset(f"{table} latest", lambda: _current(catalog, table, selection, None))


def as_of(catalog: Catalog, table: str, at: datetime, selection: Selection) -> Dataset:
    """Per key the newest version that was known at `at` (inclusive).

    Raises:
        ConfigurationError: `at` has no zone.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise ConfigurationError(
            "A knowledge time needs a zone.",
            where="as_of",
            expected="an aware datetime, for example datetime(2026, 1, 2, tzinfo=UTC)",
            got=repr(at),
            hint="Add tzinfo=datetime.UTC.",
        )
    return Dataset(f"{table} as of {at.isoformat()}", lambda: _current(catalog, table, selection, at))


def history(catalog: Catalog, table: str, selection: Selection) -> Dataset:
    """Every version of every record, retractions included, by key and knowledge time; finks' own columns shown."""

    def load() -> pa.Table:
        stored = _open(catalog, table)
        key = _key(stored)
        frame = _distinct_versions(_read(stored, selection, None, wide=True), key)
        return _show(frame, stored, selection, versions=True)

    return Dataset(f"{table} history", load)


def _current(catalog: Catalog, table: str, selection: Selection, at: datetime | None) -> pa.Table:
    stored = _open(catalog, table)
    key = _key(stored)
    frame = _read(stored, selection, at, wide=selection.with_versions)
    # Collapsing first gives the time at which a value became known, even when it was stored out of order.
    frame = _distinct_versions(frame, key) if selection.with_versions else frame.sort([*key, *VERSION_ORDER])
    last = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in key)
    frame = frame.filter((last | (pl.int_range(pl.len()) == pl.len() - 1)) & ~pl.col("_retracted"))
    return _show(frame, stored, selection, versions=selection.with_versions)


def _open(catalog: Catalog, table: str) -> Table:
    name = table.removeprefix("silver.")
    found = find_table(catalog, f"silver.{name}")
    if found is None:
        raise no_such_table(f"silver.{name}", [f"silver.{known}" for known in table_names(catalog, "silver")])
    return found


def _key(stored: Table) -> list[str]:
    return stored.properties["finks.key"].split(",")


def _read(stored: Table, selection: Selection, at: datetime | None, *, wide: bool) -> pl.DataFrame:
    names = [field.name for field in stored.schema().fields]
    if selection.select is not None:
        unknown = [name for name in selection.select if name not in names]
        if unknown:
            raise ConfigurationError(
                "There is no such column.",
                where=".".join(stored.name()),
                expected=", ".join(names),
                got=", ".join(unknown),
            )
        needed = {*selection.select, *_key(stored), *VERSION_ORDER, *(SYSTEM_COLUMNS if wide else ())}
        names = [name for name in names if name in needed]
    elif not wide:
        names = [name for name in names if name not in SYSTEM_COLUMNS or name in VERSION_ORDER]
    terms = _terms(stored, selection)
    if at is not None:
        terms.append(at_most("_known_at", at))
    rows = stored.scan(row_filter=all_of(*terms), selected_fields=tuple(names)).to_arrow()
    return pl.DataFrame(rows.select(names))


def _terms(stored: Table, selection: Selection) -> list[BooleanExpression]:
    event = stored.properties.get("finks.event-time", "")
    terms: list[BooleanExpression] = []
    if (selection.start is not None or selection.end is not None) and not event:
        raise ConfigurationError(
            "This table has no event time.", where=".".join(stored.name()), hint="Use keys= instead."
        )
    if selection.start is not None:
        terms.append(at_least(event, selection.start))
    if selection.end is not None:
        terms.append(at_most(event, selection.end))
    for name, values in _key_values(stored, selection, event).items():
        terms.append(one_of(name, values))
    return terms


def _key_values(stored: Table, selection: Selection, event: str) -> Mapping[str, Collection[Value]]:
    keys = selection.keys
    if keys is None:
        return {}
    names = _key(stored)
    if isinstance(keys, Mapping):
        wanted = {str(name): values for name, values in keys.items()}
    else:
        wanted = {next((name for name in names if name != event), names[0]): keys}
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise ConfigurationError(
            "Only key columns can be given as keys.",
            where=".".join(stored.name()),
            expected=", ".join(names),
            got=", ".join(unknown),
        )
    return {name: [values] if isinstance(values, str) else values for name, values in wanted.items()}


def _distinct_versions(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Sorted, without a version that equals the one before it (one stored out of order can leave such)."""
    columns = [*key, "_row_hash", "_retracted"]
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in columns)
    return frame.sort([*key, *VERSION_ORDER]).filter(differs | (pl.int_range(pl.len()) == 0))


def _show(frame: pl.DataFrame, stored: Table, selection: Selection, *, versions: bool) -> pa.Table:
    own = list(SYSTEM_COLUMNS) if versions else []
    if selection.select is not None:
        shown = [*selection.select, *(name for name in own if name not in selection.select)]
    else:
        names = [field.name for field in stored.schema().fields]
        shown = [name for name in names if name not in SYSTEM_COLUMNS] + own
    return frame.select(shown).to_arrow()
