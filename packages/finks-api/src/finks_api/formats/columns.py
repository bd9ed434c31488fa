"""The text of every value of a column, made column-wise: what JSON, CSV and NDJSON write.

A text is exact. Whoever reads a decimal from it has the decimal that the table had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as arrow_compute
from finks.errors import InvariantError

INSTANT: Final = pa.timestamp("us", "UTC")

pc: Any = arrow_compute  # its stubs lack the functions that are made at import


def plain(table: pa.Table) -> pa.Table:
    """The table as every format writes it: one batch of the seven kinds of values, and nothing else.

    Text, dates, booleans, int64, float64, decimal128, and instants in microseconds of UTC. A double that is no number
    (NaN, infinite) becomes null, because JSON has none. The schema's metadata goes.

    Raises:
        InvariantError: A column is of another kind, or an instant is finer than a microsecond.
    """
    columns = [_plain(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]
    fields = [
        pa.field(field.name, column.type, nullable=field.nullable or column.type == pa.float64())
        for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def even(column: pa.Array) -> pa.Array:
    """A plain column with the same bytes wherever it came from: nothing is left in the places of its nulls."""
    if not column.null_count:
        return column
    nothing: Any = {pa.string(): "", pa.bool_(): False}.get(column.type, 0)
    filled = column.fill_null(pa.scalar(nothing, column.type))
    buffers = [pc.is_valid(column).buffers()[1], *filled.buffers()[1:]]
    return pa.Array.from_buffers(column.type, len(column), buffers, column.null_count)


def texts(column: pa.Array) -> pa.StringArray:
    """The text of each value of a plain column, null where the value is.

    Decimals have no trailing zeros and no exponent; doubles have the shortest digits that read back as the same double;
    dates are ISO 8601; instants RFC 3339 with `Z`, and with six digits of a second only when it has a part.
    """
    if pa.types.is_decimal128(column.type):
        return _decimals(column)
    if pa.types.is_timestamp(column.type):
        return _instants(column)
    return column.cast(pa.string())


def is_quoted(kind: pa.DataType) -> bool:
    """Whether JSON writes values of this type as strings."""
    return not (pa.types.is_int64(kind) or pa.types.is_float64(kind) or pa.types.is_boolean(kind))


def _plain(name: str, column: pa.ChunkedArray) -> pa.Array:
    target = next((to for matches, to in _KINDS if matches(column.type)), None)
    if target is None or (pa.types.is_timestamp(column.type) and column.type.tz is None):
        raise InvariantError(
            "A column of an answer has a type that no format writes.", where=name, got=str(column.type)
        )
    whole = column.combine_chunks()
    if target == pa.float64():
        whole = whole.cast(target)
        return pc.if_else(pc.is_finite(whole), whole, pa.scalar(None, target))
    if pa.types.is_decimal128(column.type):
        return whole
    try:
        return whole.cast(target)
    except pa.ArrowInvalid as error:
        raise InvariantError(
            "A column of an answer has a value that no format writes.", where=name, got=str(error)
        ) from None


_KINDS: Final[tuple[tuple[Callable[[Any], bool], pa.DataType], ...]] = (
    (pa.types.is_string, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_decimal128, pa.decimal128(38)),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_timestamp, INSTANT),
    (pa.types.is_boolean, pa.bool_()),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
)


def _decimals(column: pa.Array) -> pa.StringArray:
    digits = column.cast(pa.string())
    if column.type.scale <= 0:
        return digits if column.type.scale == 0 else _written_out(digits, column, pc.is_valid(digits))
    # Arrow writes values below 0.000001 as `1E-7`, and zeros of a large scale as `0E-18`.
    digits = pc.if_else(pc.starts_with(digits, "0E"), "0.", digits)
    digits = _written_out(digits, column, pc.match_substring(digits, "E"))
    return pc.ascii_rtrim(pc.ascii_rtrim(digits, "0"), ".")


def _written_out(digits: pa.StringArray, column: pa.Array, few: pa.BooleanArray) -> pa.StringArray:
    if not pc.any(few).as_py():
        return digits
    return pc.replace_with_mask(digits, few, pa.array([format(v, "f") for v in column.filter(few).to_pylist()]))


def _instants(column: pa.Array) -> pa.StringArray:
    # Without its zone, because Arrow looks the zone up for every value: fifty times slower.
    text = pc.replace_substring(column.view(pa.timestamp("us")).cast(pa.string()), " ", "T")
    return pc.binary_join_element_wise(pc.replace_substring(text, ".000000", ""), "Z", "")
