"""From texts to typed values, by grammar: what does not match exactly never becomes a value.

Each kind has a plain grammar that one regular expression recognises and a cast that is exact on it. Only
cells outside the plain grammar are read one by one, by `readers`, which either give a plain text of the same
value (`1e3` as `1000`) or the rule that the cell breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from finks.contract import readers
from finks.contract.readers import Reading
from finks.contract.spec import FieldSpec, Kind

_INT64_SAFE = 9e18
_DATE = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_MOMENT = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"


@dataclass(frozen=True, slots=True)
class Broken:
    """Cells that broke a rule: a mask over the rows and, per row, why."""

    rule: str
    field: str | None
    mask: pl.Series
    reason: pl.Series | str


@dataclass(frozen=True, slots=True)
class Typed:
    """A column of values, null where the cell is absent or broken, and the broken cells."""

    values: pl.Series
    broken: tuple[Broken, ...] = ()


def typed(column: pl.Series, spec: FieldSpec) -> Typed:
    """Read a decoded column as its kind.

    Args:
        column: Texts, or binary floats that the decoder proved to stand for short decimals.
        spec: The field.
    """
    if column.dtype == pl.Float64:
        values = column if spec.kind is Kind.FLOAT else _decimals(column, spec)
        if values is not None:
            return Typed(values)
        column = column.cast(pl.String)
    match spec.kind:
        case Kind.STRING:
            return Typed(column)
        case Kind.DECIMAL:
            return _plain(column, spec, decimal_grammar(spec), readers.decimal)
        case Kind.INTEGER:
            return _plain(column, spec, r"^-?[0-9]{1,18}$", readers.integer)
        case Kind.FLOAT:
            return _plain(column, spec, r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$", readers.floating)
        case Kind.BOOLEAN:
            return _plain(column, spec, r"^(?:true|false)$", readers.boolean)
        case Kind.DATE:
            return _plain(column, spec, _DATE, readers.day)
        case Kind.TIMESTAMP:
            return _moments(column, spec)


def decimal_grammar(spec: FieldSpec) -> str:
    """Plain decimals within the field's precision and scale; the cast is exact on them."""
    whole = spec.precision - spec.scale
    digits = f"0{{0,4}}[0-9]{{1,{whole}}}" if whole else "0{1,4}"
    return rf"^[+-]?{digits}(?:\.[0-9]{{0,{spec.scale}}}0{{0,4}})?$"


def _plain(column: pl.Series, spec: FieldSpec, grammar: str, reader: Callable[[str, FieldSpec], Reading]) -> Typed:
    """Gate, read the cells outside the plain grammar one by one, cast the rest."""
    odd = ~column.str.contains(grammar)
    broken: tuple[Broken, ...] = ()
    if odd.any():
        column, broken = _read_odd(column, odd.fill_null(value=False), spec, reader)
    values = _cast(column, spec)
    lost = values.is_null() & column.is_not_null()
    if lost.any():  # the grammar admits 2023-02-30, the calendar does not
        broken = (*broken, Broken(spec.kind.value, spec.name, lost, _quoted(column, f"is no {spec.kind.value}")))
    return Typed(values, broken)


def _read_odd(
    column: pl.Series, odd: pl.Series, spec: FieldSpec, reader: Callable[[str, FieldSpec], Reading]
) -> tuple[pl.Series, tuple[Broken, ...]]:
    """The column with odd cells in plain form, null where broken; and the broken cells by rule."""
    texts = column.filter(odd).unique().to_list()
    readings = {text: reader(text, spec) for text in texts}
    plain = column.replace_strict(
        {text: reading.plain for text, reading in readings.items()}, default=column, return_dtype=pl.String
    )
    broken: list[Broken] = []
    for rule in dict.fromkeys(reading.rule for reading in readings.values() if reading.rule):
        reasons = {text: reading.reason for text, reading in readings.items() if reading.rule == rule}
        mask = column.is_in(list(reasons)) & column.is_not_null()
        said = column.replace_strict(reasons, default=None, return_dtype=pl.String)
        broken.append(Broken(rule, spec.name, mask, said))
    return plain, tuple(broken)


def _cast(column: pl.Series, spec: FieldSpec) -> pl.Series:
    match spec.kind:
        case Kind.DECIMAL:
            return column.cast(pl.Decimal(spec.precision, spec.scale), strict=False)
        case Kind.INTEGER:
            return column.cast(pl.Int64, strict=False)
        case Kind.FLOAT:
            return column.cast(pl.Float64, strict=False)
        case Kind.BOOLEAN:
            return column == "true"
        case Kind.DATE:
            return column.str.to_date("%Y-%m-%d", strict=False)
        case Kind.STRING | Kind.TIMESTAMP:
            return column


def _moments(column: pl.Series, spec: FieldSpec) -> Typed:
    """Timestamps with an offset, or in the field's zone; a local time that is no one instant is broken."""
    column_t = column.str.replace(" ", "T", literal=True)
    offset = column.str.contains(_MOMENT + _ZONE + "$")
    zoned = column_t.set(~offset, None).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    values = zoned
    if spec.zone is not None and not offset.all():
        local = column_t.set(~column.str.contains(_MOMENT + "$"), None)
        naive = local.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        there = naive.dt.replace_time_zone(spec.zone, ambiguous="null", non_existent="null")
        values = zoned.zip_with(offset.fill_null(value=False), there.dt.convert_time_zone("UTC"))
    lost = values.is_null() & column.is_not_null()
    if not lost.any():
        return Typed(values)
    where = "with an offset" if spec.zone is None else f"with an offset or naming one instant in {spec.zone}"
    return Typed(values, (Broken("timestamp", spec.name, lost, _quoted(column, f"is no timestamp {where}")),))


def _decimals(floats: pl.Series, spec: FieldSpec) -> pl.Series | None:
    """Binary floats back to the decimals that they stand for; None where no one scale serves the whole column.

    Each float is known to come from a decimal of at most 15 digits. If an integer V below 10^15 divided
    by 10^k gives that float, then V / 10^k is the decimal: two decimals of 15 digits never share a float,
    and the division of two exactly represented numbers is rounded once (IEEE 754).
    """
    largest = floats.abs().max()
    if largest is None:
        return pl.Series(floats.name, [None] * len(floats), dtype=pl.Decimal(spec.precision, spec.scale))
    assert isinstance(largest, float)
    widest = 15 - len(str(int(largest)))
    if len(str(int(largest))) > spec.precision - spec.scale:
        return None
    for places in sorted({0, min(6, spec.scale), min(widest, spec.scale)}):
        if not 0 <= places <= widest:
            continue
        power = 10.0**places
        units = (floats * power).round()
        # Divided by a column: by a scalar, polars multiplies with the reciprocal, which rounds twice.
        if (units / pl.repeat(power, len(units), eager=True) == floats).all():
            return _decimals_of(units.cast(pl.Int64), places, largest, spec)
    return None


def _decimals_of(units: pl.Series, places: int, largest: float, spec: FieldSpec) -> pl.Series:
    """Integers times 10^-places as the field's decimals. Integer arithmetic where 64 bits hold the result."""
    if spec.scale <= 18 and largest * 10.0**spec.scale < _INT64_SAFE:
        return _with_point(units * 10 ** (spec.scale - places), spec.scale, spec.precision)
    return _with_point(units, places, 38).cast(pl.Decimal(spec.precision, spec.scale))


def _with_point(units: pl.Series, places: int, precision: int) -> pl.Series:
    """Integers as decimals with the point moved left: the same bits under a decimal type of that scale."""
    whole = units.cast(pl.Decimal(38, 0)).to_arrow()
    moved = pa.Array.from_buffers(
        pa.decimal128(precision, places), len(whole), whole.buffers(), null_count=whole.null_count, offset=whole.offset
    )
    return pl.Series(units.name, moved)


def _quoted(column: pl.Series, said: str) -> pl.Series:
    cells = column.str.slice(0, readers.SHOWN)
    return pl.select(pl.format('{} "{}" {}', pl.lit(column.name), pl.lit(cells), pl.lit(said))).to_series()
