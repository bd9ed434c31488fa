"""The compiled form of a contract: plain, immutable data that every derivation reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Bound = Decimal | int | float | date | datetime


class Kind(StrEnum):
    """The value types that a contract knows."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field.

    Attributes:
        precision, scale: Of a decimal: digits in all, digits after the point.
        ge, gt, le, lt: Range, inclusive or exclusive.
        pattern: A regular expression that the whole text of a string must match (Rust `regex` syntax).
        values: The allowed texts of an enumeration; empty for none.
        zone: The IANA zone of a timestamp whose text carries none; None means that a zone is required.
        unit: What a number counts, for example `USD` or `shares`.
    """

    name: str
    kind: Kind
    nullable: bool = False
    precision: int = 38
    scale: int = 0
    ge: Bound | None = None
    gt: Bound | None = None
    le: Bound | None = None
    lt: Bound | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    values: tuple[str, ...] = ()
    zone: str | None = None
    unit: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A rule across fields of one record, for example `low <= high`. A null operand passes."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class CompiledContract:
    """Everything that finks derives from, in declaration order.

    Attributes:
        name: snake_case of the class name.
        version: `major.minor`, set in the class statement.
        key: The fields that identify a record.
        event_time: The key field (date or timestamp) that says when the record is about; None for reference data.
    """

    name: str
    version: str
    description: str
    fields: tuple[FieldSpec, ...]
    key: tuple[str, ...]
    event_time: str | None
    checks: tuple[CheckSpec, ...] = ()
    licence: str = ""

    def field(self, name: str) -> FieldSpec:
        """The field of that name. Raises KeyError."""
        for spec in self.fields:
            if spec.name == name:
                return spec
        raise KeyError(name)
