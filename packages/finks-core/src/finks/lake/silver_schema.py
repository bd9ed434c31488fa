"""How a contract becomes a Silver table, and how the table follows when the contract grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import Table, Transaction
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform, YearTransform
from pyiceberg.types import DecimalType, IcebergType

from finks.contract.schemas import arrow_schema
from finks.contract.spec import CompiledContract
from finks.errors import ConfigurationError
from finks.lake.catalog import TABLE_PROPERTIES
from finks.lake.files import to_iceberg

SYSTEM_SCHEMA: Final = pa.schema(
    [
        pa.field("_known_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("_source", pa.string(), nullable=False),
        pa.field("_run_id", pa.string(), nullable=False),
        pa.field("_row_hash", pa.int64(), nullable=False),
        pa.field("_retracted", pa.bool_(), nullable=False),
        pa.field("_bronze_ref", pa.string(), nullable=False),
        pa.field("_seq", pa.int32(), nullable=False),
    ]
)
"""What finks adds to a contract's columns: `_known_at` is when this version was first seen (UTC),
`_retracted` says that the record was gone then, `_seq` orders versions of one instant."""

SYSTEM_COLUMNS: Final = tuple(SYSTEM_SCHEMA.names)


def silver_schema(contract: CompiledContract) -> pa.Schema:
    """The Arrow schema of a contract's Silver table."""
    fields = [field.with_metadata(None) for field in arrow_schema(contract)]
    return pa.schema([*fields, *SYSTEM_SCHEMA])


def contract_properties(contract: CompiledContract, source: str) -> dict[str, str]:
    """The table properties that let readers work without the contract's Python class."""
    return {
        "finks.contract": contract.name,
        "finks.contract-version": contract.version,
        "finks.key": ",".join(contract.key),
        "finks.event-time": contract.event_time or "",
        "finks.licence": contract.licence,
        "finks.source": source,
    }


def create_silver(catalog: Catalog, identifier: str, contract: CompiledContract, source: str) -> Table:
    """Create the table: partitioned by the year of the event time where there is one, sorted by key."""
    schema = assign_fresh_schema_ids(_iceberg_schema(contract))
    spec = PartitionSpec()
    if contract.event_time is not None:
        event = schema.find_field(contract.event_time)
        spec = PartitionSpec(PartitionField(event.field_id, 1000, YearTransform(), f"{contract.event_time}_year"))
    order = SortOrder(*(SortField(schema.find_field(name).field_id, IdentityTransform()) for name in contract.key))
    properties = {**TABLE_PROPERTIES, **contract_properties(contract, source), "finks.zone": "silver"}
    # A commit that was overtaken must compare again with what the other writer added: no blind retry.
    properties["commit.retry.num-retries"] = "0"
    return catalog.create_table_if_not_exists(
        identifier, schema=schema, partition_spec=spec, sort_order=order, properties=properties
    )


def _iceberg_schema(contract: CompiledContract) -> Schema:
    """With each field's description as its doc."""
    docs = {spec.name: spec.description for spec in contract.fields if spec.description}
    fields = [
        item.with_metadata({"doc": docs[item.name]}) if item.name in docs else item for item in silver_schema(contract)
    ]
    return to_iceberg(pa.schema(fields))


def evolve_silver(table: Table, contract: CompiledContract, source: str) -> None:
    """Let the table follow the contract: new nullable columns, fields made nullable, wider numbers.

    Raises:
        ConfigurationError: The key or the event time changed, a column was added that is not nullable, or a type
            changed in a way that old files cannot follow (a decimal's scale, for one).
    """
    wanted = contract_properties(contract, source)
    stored = table.properties
    for name in ("finks.key", "finks.event-time"):
        if stored.get(name) != wanted[name]:
            raise _refused(table, name.removeprefix("finks."), stored.get(name, ""), wanted[name])
    changed = {name: value for name, value in wanted.items() if stored.get(name) != value}
    target = _iceberg_schema(contract)
    if not changed and _same(table.schema(), target):
        return
    with table.transaction() as transaction:
        _evolve_columns(transaction, table, target)
        if changed:
            transaction.set_properties(changed)


def _same(stored: Schema, target: Schema) -> bool:
    have = {field.name: (field.field_type, field.required) for field in stored.fields}
    want = {field.name: (field.field_type, field.required) for field in target.fields}
    gone = any(required for name, (_, required) in have.items() if name not in want)
    return not gone and all(have.get(name) == value for name, value in want.items())


def _evolve_columns(transaction: Transaction, table: Table, target: Schema) -> None:
    stored: Mapping[str, tuple[IcebergType, bool]] = {
        field.name: (field.field_type, field.required) for field in table.schema().fields
    }
    names = {field.name for field in target.fields}
    with transaction.update_schema() as update:
        for field in target.fields:
            if field.name not in stored:
                if field.required:
                    raise _refused(table, field.name, "no such column", f"{field.field_type}, required")
                update.add_column(field.name, field.field_type)
                continue
            kind, required = stored[field.name]
            if kind != field.field_type:
                if not _widens(kind, field.field_type):
                    raise _refused(table, field.name, str(kind), str(field.field_type))
                update.update_column(field.name, field_type=field.field_type)
            if required and not field.required:
                update.make_column_optional(field.name)
            # A field that became required stays optional in the table: old versions may lack it.
        for name, (_, required) in stored.items():
            if required and name not in names:
                update.make_column_optional(name)


def _widens(old: IcebergType, new: IcebergType) -> bool:
    """Whether readers can read `old` files as `new`. pyiceberg allows a scale change, the Iceberg spec does not."""
    if isinstance(old, DecimalType) and isinstance(new, DecimalType):
        return old.scale == new.scale and old.precision <= new.precision
    return (str(old), str(new)) in {("int", "long"), ("float", "double")}


def _refused(table: Table, what: str, stored: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        "The contract changed in a way that the table cannot follow.",
        where=f"{'.'.join(table.name())}: {what}",
        expected=stored,
        got=wanted,
        hint="Give the changed contract's stream a new name, or add a nullable field beside the old one.",
    )
