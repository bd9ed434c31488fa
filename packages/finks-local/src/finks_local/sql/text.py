"""Values as Athena prints them in results, and what it says of the columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as _compute

from finks_local.sql.numbertext import double_text, real_text
from finks_local.sql.types import MILLIS, Column, TrinoType
from finks_local.sql.zones import tzinfo_of

pc: Final[Any] = _compute
"""Arrow's functions are made at run time: type checkers do not see them."""

_PLAIN: Final = {"boolean", "tinyint", "smallint", "integer", "bigint", "varchar", "char", "json", "uuid"}


def rows_as_text(batch: pa.RecordBatch, columns: Sequence[Column]) -> list[list[str | None]]:
    """The rows of a batch; None for null.

    Args:
        batch: As DuckDB gives it for a `Translation`.
        columns: The translation's columns, in the batch's order.
    """
    texts = [column_as_text(batch.column(i), column.type) for i, column in enumerate(columns)]
    return [list(row) for row in zip(*texts, strict=True)]


def column_as_text(values: pa.Array, kind: TrinoType) -> list[str | None]:
    """One column's values."""
    base = kind.base
    if base in _PLAIN:
        return values.cast(pa.string()).to_pylist()
    if base == "unknown":
        return [None] * len(values)
    if base == "date":
        return _dates(values)
    if base == "decimal":
        return _decimals(values)
    if base == "timestamp":
        return _timestamps(values, kind)
    if base == "timestamp with time zone" and kind.zone is not None:
        return _zoned(values, kind)
    printer = _printer(kind)
    return [None if value is None else printer(value) for value in values.to_pylist()]


def _dates(values: pa.Array) -> list[str | None]:
    return values.cast(pa.string()).to_pylist()


def _decimals(values: pa.Array) -> list[str | None]:
    """Arrow prints small numbers with an exponent."""
    texts = values.cast(pa.string()).to_pylist()
    return [_decimal(Decimal(text)) if text is not None and "E" in text else text for text in texts]


def _digits(kind: TrinoType) -> int:
    """Athena prints three digits after the second at least."""
    return max(MILLIS, kind.precision)


def _timestamps(values: pa.Array, kind: TrinoType) -> list[str | None]:
    texts = values.cast(pa.timestamp("us")).cast(pa.string())
    return pc.utf8_slice_codeunits(texts, 0, 20 + _digits(kind)).to_pylist()


def _zoned(values: pa.Array, kind: TrinoType) -> list[str | None]:
    zone = tzinfo_of(str(kind.zone))
    offset = zone.utcoffset(None)
    naive = values.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    if offset is not None:
        naive = pc.add(naive, pa.scalar(offset, pa.duration("us")))
    elif kind.zone != "UTC":
        naive = pc.local_timestamp(values.cast(pa.timestamp("us", tz=str(kind.zone))))
    return [None if text is None else f"{text} {kind.zone}" for text in _timestamps(naive, kind)]


Printer = Callable[[Any], str]


def _printer(kind: TrinoType) -> Printer:
    """What prints one value, not null, that Arrow gave as Python's."""
    match kind.base:
        case "array":
            return _array_printer(kind)
        case "map":
            return _map_printer(kind)
        case "row":
            return _row_printer(kind)
        case "timestamp with time zone":
            return _zoned_printer(kind)
        case "timestamp":
            return lambda value: timestamp_text(value, _digits(kind))
        case "time":
            return lambda value: value.isoformat("microseconds")[: 9 + _digits(kind)]
        case base:
            return _SCALARS.get(base, str)


def _nullable(printer: Printer) -> Printer:
    return lambda value: "null" if value is None else printer(value)


def _array_printer(kind: TrinoType) -> Printer:
    inner = _nullable(_printer(kind.element))
    return lambda value: f"[{', '.join(map(inner, value))}]"


def _map_printer(kind: TrinoType) -> Printer:
    key, item = (_nullable(_printer(arg)) for arg in kind.args)
    return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value) + "}"


def _row_printer(kind: TrinoType) -> Printer:
    fields = [(name, _nullable(_printer(field))) for name, field in kind.named_fields]
    return lambda value: "{" + ", ".join(f"{name}={inner(value[name])}" for name, inner in fields) + "}"


def _zoned_printer(kind: TrinoType) -> Printer:
    digits = _digits(kind)

    def run(value: datetime | dict[str, Any]) -> str:
        at, zone = (value["t"], value["z"]) if isinstance(value, dict) else (value, str(kind.zone))
        return f"{timestamp_text(at.astimezone(tzinfo_of(zone)), digits)} {zone}"

    return run


def timestamp_text(value: datetime, digits: int) -> str:
    """`2020-01-31 23:59:59.123` with that many digits."""
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")[: 20 + digits]


def day_second_text(millis: int) -> str:
    """An interval: `2 00:00:00.000`."""
    days, rest = divmod(abs(millis), 86_400_000)
    clock = (datetime.min + timedelta(milliseconds=rest)).isoformat(" ", "milliseconds")[11:]
    return f"{'-' if millis < 0 else ''}{days} {clock}"


def year_month_text(months: int) -> str:
    """An interval: `3-0`."""
    years, rest = divmod(abs(months), 12)
    return f"{'-' if months < 0 else ''}{years}-{rest}"


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _date(value: date) -> str:
    return value.isoformat()


_SCALARS: Final[dict[str, Printer]] = {
    "boolean": lambda value: "true" if value else "false",
    "double": double_text,
    "real": real_text,
    "decimal": _decimal,
    "date": _date,
    "varbinary": lambda value: value.hex(" "),
    "interval day to second": day_second_text,
    "interval year to month": year_month_text,
}

_PRECISIONS: Final = {
    "tinyint": (3, 0),
    "smallint": (5, 0),
    "integer": (10, 0),
    "bigint": (19, 0),
    "real": (17, 0),
    "double": (17, 0),
    "timestamp": (3, 0),
    "timestamp with time zone": (3, 0),
    "time": (3, 0),
    "varbinary": (1073741824, 0),
    "varchar": (2147483647, 0),
}


def column_info(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """`ResultSetMetadata.ColumnInfo` of a result."""
    return [_info(column) for column in columns]


def _info(column: Column) -> dict[str, Any]:
    kind = column.type
    precision, scale = _PRECISIONS.get(kind.base, (0, 0))
    if kind.base == "decimal":
        precision, scale = kind.precision, kind.scale
    if kind.base in {"varchar", "char"} and kind.length is not None:
        precision = kind.length
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": {"real": "float"}.get(kind.base, kind.base),
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind.base in {"varchar", "char"},
    }
