"""The schemas that follow from a contract."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
from finks.contract import Contract, field, key, price
from finks.contract.schemas import arrow_schema, iceberg_schema, json_schema


class AllKinds(Contract):
    s: str = key()
    d: date = key(event_time=True)
    p: Decimal = price(description="a price")
    n: int | None = field()
    f: float | None = field()
    b: bool | None = field()
    t: datetime | None = field()


def test_arrow_has_exact_types_and_nullability() -> None:
    assert arrow_schema(AllKinds.compiled()) == pa.schema(
        [
            pa.field("s", pa.string(), nullable=False),
            pa.field("d", pa.date32(), nullable=False),
            pa.field("p", pa.decimal128(38, 12), nullable=False),
            pa.field("n", pa.int64()),
            pa.field("f", pa.float64()),
            pa.field("b", pa.bool_()),
            pa.field("t", pa.timestamp("us", tz="UTC")),
        ]
    )


def test_iceberg_numbers_fields_from_one_and_reads_back_as_the_same_arrow_types() -> None:
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    schema = iceberg_schema(AllKinds.compiled())
    assert [column.field_id for column in schema.columns] == [1, 2, 3, 4, 5, 6, 7]
    assert schema.find_field("p").doc == "a price"
    types = {item.name: item.type for item in schema_to_pyarrow(schema)}
    assert types["p"] == pa.decimal128(38, 12)
    assert types["t"] == pa.timestamp("us", tz="UTC")
    assert [column.required for column in schema.columns] == [True, True, True, False, False, False, False]


def test_json_schema_lists_the_required_fields_and_forbids_others() -> None:
    schema = json_schema(AllKinds)
    assert schema["additionalProperties"] is False
    assert {"s", "d", "p"} <= set(schema["required"])
    assert schema["properties"]["s"]["x-finks"]["key"] is True
