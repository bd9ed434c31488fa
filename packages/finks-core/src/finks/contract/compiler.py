"""From a pydantic model's fields to `FieldSpec`s, refusing what a contract cannot promise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic.fields import FieldInfo

from finks.contract.spec import FieldSpec, Kind
from finks.errors import ConfigurationError

MARK = "x-finks"
_KINDS: dict[type, Kind] = {
    str: Kind.STRING,
    Decimal: Kind.DECIMAL,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
    datetime: Kind.TIMESTAMP,
}
_TYPES = "str, Decimal, int, float, bool, date, datetime, a Literal or an Enum of texts, each optionally | None"
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_CONSTRAINTS = ("ge", "gt", "le", "lt", "pattern", "min_length", "max_length", "max_digits", "decimal_places")


def marks(info: FieldInfo) -> Mapping[str, Any]:
    """What the field helpers noted on a field: role, key, event_time, zone, unit."""
    extra = info.json_schema_extra
    noted = extra.get(MARK) if isinstance(extra, dict) else None
    return noted if isinstance(noted, dict) else {}


def snake_case(name: str) -> str:
    """`DailyBar` becomes `daily_bar`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def whole_text(pattern: str) -> str:
    """The pattern, anchored so that it must match a text from end to end."""
    return f"^(?:{pattern})$"


def field_spec(owner: str, name: str, info: FieldInfo) -> FieldSpec:
    """Compile one field.

    Args:
        owner: The contract's class name, for messages.
        name: The field's name.
        info: What pydantic knows of it.

    Raises:
        ConfigurationError: The declaration is wrong.
    """
    where = f"{owner}.{name}"
    if not _FIELD_NAME.match(name):
        raise ConfigurationError(
            "a field's name must serve as a column everywhere",
            where=where,
            expected="lower case letters, digits and _, a letter first",
            hint="rename the field, and map the vendor's name to it where it is read",
        )
    annotation, nullable = _without_none(info.annotation, where)
    annotation, constraints = _constraints(annotation, info)
    kind, values = _kind(annotation, where)
    noted = marks(info)
    spec = FieldSpec(
        name=name,
        kind=kind,
        nullable=nullable,
        precision=constraints.get("max_digits", 38),
        scale=constraints.get("decimal_places", 0),
        pattern=_pattern(constraints.get("pattern"), where),
        values=values,
        zone=noted.get("zone"),
        unit=noted.get("unit"),
        description=info.description or "",
        **{key: constraints.get(key) for key in ("ge", "gt", "le", "lt", "min_length", "max_length")},
    )
    _verify(spec, constraints, noted, where)
    return spec


def _without_none(annotation: object, where: str) -> tuple[object, bool]:
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, False
    rest = [part for part in get_args(annotation) if part is not type(None)]
    if len(rest) != 1 or len(get_args(annotation)) != 2:
        raise ConfigurationError("a field has more than one type", where=where, expected=_TYPES, got=str(annotation))
    return rest[0], True


def _constraints(annotation: object, info: FieldInfo) -> tuple[object, dict[str, Any]]:
    """The bare type and the constraints on it, from the field and from `Annotated` inside an optional."""
    metadata: list[Any] = []
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        for item in inner:
            metadata.extend(item.metadata if isinstance(item, FieldInfo) else [item])
    found: dict[str, Any] = {}
    for item in [*metadata, *info.metadata]:
        for key in _CONSTRAINTS:
            value = getattr(item, key, None)
            if value is not None:
                found[key] = value
    return annotation, found


def _kind(annotation: object, where: str) -> tuple[Kind, tuple[str, ...]]:
    if isinstance(annotation, type) and annotation in _KINDS:
        return _KINDS[annotation], ()
    values: tuple[Any, ...] = ()
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        values = tuple(member.value for member in annotation)
    if values and all(isinstance(value, str) for value in values):
        return Kind.STRING, values
    raise ConfigurationError(
        "a field's type is not one that contracts know",
        where=where,
        expected=_TYPES,
        got=str(annotation),
        hint="pick the closest type; nested values need their own contract",
    )


def _pattern(pattern: str | re.Pattern[str] | None, where: str) -> str | None:
    if pattern is None:
        return None
    text = pattern if isinstance(pattern, str) else pattern.pattern
    wrapped = re.fullmatch(r"\^\(\?:(.*)\)\$", text, re.DOTALL)
    if wrapped is None:
        raise ConfigurationError(
            "a pattern must say that it matches the whole text",
            where=where,
            got=text,
            expected=whole_text(text),
            hint="use the pattern= of finks' field helpers, which anchors it",
        )
    return wrapped.group(1)


def _verify(spec: FieldSpec, constraints: Mapping[str, Any], noted: Mapping[str, Any], where: str) -> None:
    if noted.get("number") and spec.kind is not Kind.DECIMAL:
        raise ConfigurationError(
            f"{noted['number']}() is exact, so its type is Decimal",
            where=where,
            expected="Decimal",
            got=spec.kind.value,
            hint="declare Decimal, or use field() for a measurement that may be a float",
        )
    if spec.kind is Kind.DECIMAL:
        _verify_decimal(spec, constraints, where)
    if spec.zone is not None:
        _verify_zone(spec, where)
    if noted.get("key") and spec.nullable:
        raise ConfigurationError(
            "a key field is never absent",
            where=where,
            expected="a type without | None",
            hint="drop | None, or take the field out of the key",
        )
    if noted.get("event_time") and spec.kind not in (Kind.DATE, Kind.TIMESTAMP):
        raise ConfigurationError("an event time is a date or a datetime", where=where, got=spec.kind.value)


def _verify_decimal(spec: FieldSpec, constraints: Mapping[str, Any], where: str) -> None:
    if "decimal_places" not in constraints:
        raise ConfigurationError(
            "a decimal must say its scale",
            where=where,
            expected="precision= and scale=",
            hint="use price(), quantity(), money() or ratio(), or field(precision=…, scale=…)",
        )
    if not (1 <= spec.precision <= 38 and 0 <= spec.scale <= spec.precision):
        raise ConfigurationError(
            "a decimal has 1 to 38 digits, scale among them",
            where=where,
            got=f"precision {spec.precision}, scale {spec.scale}",
        )


def _verify_zone(spec: FieldSpec, where: str) -> None:
    if spec.kind is not Kind.TIMESTAMP:
        raise ConfigurationError("only a datetime has a zone", where=where, got=spec.kind.value)
    try:
        ZoneInfo(spec.zone or "")
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(
            "an unknown time zone",
            where=where,
            got=str(spec.zone),
            expected="an IANA name, for example America/New_York",
        ) from error
