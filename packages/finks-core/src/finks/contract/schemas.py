"""A contract as an Arrow, an Iceberg and a JSON schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from finks.contract.spec import CompiledContract, FieldSpec, Kind

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.types import PrimitiveType

    from finks.contract.declare import Contract


def arrow_type(spec: FieldSpec) -> pa.DataType:
    """The Arrow type of a field: timestamps in microseconds UTC, decimals as decimal128."""
    match spec.kind:
        case Kind.STRING:
            return pa.string()
        case Kind.DECIMAL:
            return pa.decimal128(spec.precision, spec.scale)
        case Kind.INTEGER:
            return pa.int64()
        case Kind.FLOAT:
            return pa.float64()
        case Kind.BOOLEAN:
            return pa.bool_()
        case Kind.DATE:
            return pa.date32()
        case Kind.TIMESTAMP:
            return pa.timestamp("us", tz="UTC")


def arrow_schema(contract: CompiledContract) -> pa.Schema:
    """The Arrow schema of valid records, in declaration order."""
    return pa.schema([pa.field(spec.name, arrow_type(spec), nullable=spec.nullable) for spec in contract.fields])


def iceberg_schema(contract: CompiledContract) -> Schema:
    """The Iceberg schema (format version 2) with fields numbered from 1 and the descriptions as docs."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    return Schema(
        *(
            NestedField(
                field_id=number,
                name=spec.name,
                field_type=_iceberg_type(spec),
                required=not spec.nullable,
                doc=spec.description or None,
            )
            for number, spec in enumerate(contract.fields, start=1)
        )
    )


def _iceberg_type(spec: FieldSpec) -> PrimitiveType:
    from pyiceberg import types

    match spec.kind:
        case Kind.STRING:
            return types.StringType()
        case Kind.DECIMAL:
            return types.DecimalType(spec.precision, spec.scale)
        case Kind.INTEGER:
            return types.LongType()
        case Kind.FLOAT:
            return types.DoubleType()
        case Kind.BOOLEAN:
            return types.BooleanType()
        case Kind.DATE:
            return types.DateType()
        case Kind.TIMESTAMP:
            return types.TimestamptzType()


def json_schema(contract: type[Contract]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one record."""
    return contract.model_json_schema()
