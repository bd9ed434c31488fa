"""Declare what one record must be: a frozen pydantic model with finks' field helpers.

class DailyBar(Contract, version="1.0"):
    symbol: Symbol = key()
    session: date = key(event_time=True)
    close: Decimal = price(gt=0)
    note: str | None = text()
    _positive = check("close > 0")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypedDict, Unpack, cast
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from finks.contract.check_parser import parse
from finks.contract.checks import Node, holds
from finks.contract.compiler import MARK, field_spec, marks, snake_case, whole_text
from finks.contract.spec import Bound, CheckSpec, CompiledContract
from finks.errors import ConfigurationError

Symbol = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Currency = Annotated[str, StringConstraints(pattern=whole_text("[A-Z]{3}"))]
"""An ISO 4217 code, three upper-case letters."""

_VERSION = re.compile(r"[0-9]+\.[0-9]+\Z")


class Constraints(TypedDict, total=False):
    """What every field helper accepts; see `FieldSpec` for the meanings."""

    precision: int
    scale: int
    ge: Bound
    gt: Bound
    le: Bound
    lt: Bound
    pattern: str
    min_length: int
    max_length: int
    zone: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Check:
    """A rule across fields as declared; `check` makes it."""

    expression: str


def check(expression: str) -> Any:
    """A rule across the fields of one record; its name is the attribute's without the leading underscore.

    Args:
        expression: A comparison or several, for example `low <= high and close is not None`. An absent
            operand passes.
    """
    return Check(expression)


def field(**constraints: Unpack[Constraints]) -> Any:
    """A field with constraints and no further meaning."""
    return _declare({}, constraints)


def key(*, event_time: bool = False, **constraints: Unpack[Constraints]) -> Any:
    """A field of the record's key.

    Args:
        event_time: This date or datetime says when the record is about.
    """
    return _declare({"key": True, "event_time": event_time}, constraints)


def price(**constraints: Unpack[Constraints]) -> Any:
    """A price per unit: decimal(38,12) unless told otherwise."""
    return _number("price", 12, constraints)


def quantity(**constraints: Unpack[Constraints]) -> Any:
    """A count of shares, coins, contracts: decimal(38,10) unless told otherwise."""
    return _number("quantity", 10, constraints)


def money(**constraints: Unpack[Constraints]) -> Any:
    """An amount of money: decimal(38,10) unless told otherwise."""
    return _number("money", 10, constraints)


def ratio(**constraints: Unpack[Constraints]) -> Any:
    """A dimensionless number: decimal(38,18) unless told otherwise."""
    return _number("ratio", 18, constraints)


def text(**constraints: Unpack[Constraints]) -> Any:
    """A text."""
    return _declare({}, constraints)


def _number(role: str, scale: int, constraints: Constraints) -> Any:
    defaults: Constraints = {"precision": 38, "scale": scale}
    return _declare({"number": role}, cast("Constraints", {**defaults, **constraints}))


def _declare(noted: dict[str, Any], constraints: Constraints) -> Any:
    pattern = constraints.get("pattern")
    noted |= {name: value for name, value in constraints.items() if name in ("zone", "unit")}
    extra: dict[str, Any] = {MARK: noted} if noted else {}
    return Field(
        ge=cast("Any", constraints.get("ge")),
        gt=cast("Any", constraints.get("gt")),
        le=cast("Any", constraints.get("le")),
        lt=cast("Any", constraints.get("lt")),
        min_length=constraints.get("min_length"),
        max_length=constraints.get("max_length"),
        max_digits=constraints.get("precision"),
        decimal_places=constraints.get("scale"),
        pattern=None if pattern is None else _checked_pattern(pattern),
        description=constraints.get("description"),
        json_schema_extra=extra or None,
    )


def _checked_pattern(pattern: str) -> str:
    whole = whole_text(pattern)
    try:
        pl.select(pl.lit("").str.contains(whole))
    except pl.exceptions.ComputeError as error:
        raise ConfigurationError(
            "a pattern is no regular expression",
            got=pattern,
            expected="Rust regex syntax",
            hint="look-around and back references do not exist there",
        ) from error
    return whole


class Contract(BaseModel):
    """What one record must be. Subclass it; the class statement takes `version` and `licence`.

    An instance is one valid record. `compiled()` is what every derivation reads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(Check,))

    _compiled: ClassVar[CompiledContract | None] = None
    _rules: ClassVar[tuple[tuple[str, Node], ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, *, version: str = "1.0", licence: str = "", **kwargs: Any) -> None:
        """Compile the declaration at once, so that a wrong one fails where it is written."""
        super().__pydantic_init_subclass__(**kwargs)
        compiled = _compile(cls, version, licence)
        by_name = {spec.name: spec for spec in compiled.fields}
        cls._rules = tuple(
            (rule.name, parse(rule.expression, by_name, f"{cls.__name__}._{rule.name}")) for rule in compiled.checks
        )
        cls._compiled = compiled

    def __init_subclass__(cls, *, version: str = "1.0", licence: str = "", **kwargs: Any) -> None:
        """Accept the class statement's own words, which pydantic does not know."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def compiled(cls) -> CompiledContract:
        """The compiled contract. Raises ConfigurationError on `Contract` itself."""
        if cls._compiled is None:
            raise ConfigurationError("Contract itself declares nothing", hint="subclass it")
        return cls._compiled

    @model_validator(mode="before")
    @classmethod
    def _absent_is_null(cls, data: Any) -> Any:
        """A field that is left out is null, as in the kernel."""
        if not isinstance(data, dict) or cls._compiled is None:
            return data
        absent = {spec.name: None for spec in cls._compiled.fields if spec.nullable}
        return {**absent, **cast("dict[str, Any]", data)}

    @field_validator("*", mode="after")
    @classmethod
    def _aware(cls, value: Any, info: ValidationInfo) -> Any:
        """A timestamp without a zone takes the contract's, or is refused."""
        if not isinstance(value, datetime) or value.tzinfo is not None or cls._compiled is None:
            return value
        zone = cls._compiled.field(info.field_name or "").zone
        if zone is None:
            raise ValueError("a timestamp needs a zone")
        return _in_zone(value, ZoneInfo(zone))

    @model_validator(mode="after")
    def _checks_hold(self) -> Contract:
        record = self.__dict__
        for name, rule in type(self)._rules:
            if holds(rule, record) is False:
                raise ValueError(f"check {name} fails")
        return self


def _in_zone(value: datetime, zone: ZoneInfo) -> datetime:
    early, late = value.replace(tzinfo=zone, fold=0), value.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise ValueError(f"{value} does not name one instant in {zone.key}")
    return early


def _compile(cls: type[Contract], version: str, licence: str) -> CompiledContract:
    owner = cls.__name__
    if not _VERSION.match(version):
        raise ConfigurationError("a contract's version is major.minor", where=owner, got=version, expected="1.0")
    if not cls.__pydantic_complete__:
        raise ConfigurationError(
            "a field's type is not defined where the contract is",
            where=owner,
            hint="import Decimal, date and datetime at run time, not under TYPE_CHECKING",
        )
    infos = cls.model_fields
    fields = tuple(field_spec(owner, name, info) for name, info in infos.items())
    keys = tuple(name for name, info in infos.items() if marks(info).get("key"))
    if not keys:
        raise ConfigurationError("a contract needs a key", where=owner, hint="mark the identifying fields with key()")
    times = [name for name, info in infos.items() if marks(info).get("event_time")]
    if len(times) > 1:
        raise ConfigurationError("a contract has one event time", where=owner, got=", ".join(times))
    return CompiledContract(
        name=snake_case(owner),
        version=version,
        description=(cls.__doc__ or "").strip(),
        fields=fields,
        key=keys,
        event_time=times[0] if times else None,
        checks=_declared_checks(cls),
        licence=licence,
    )


def _declared_checks(cls: type[Contract]) -> tuple[CheckSpec, ...]:
    found: dict[str, CheckSpec] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Check):
                found[name] = CheckSpec(name.lstrip("_"), " ".join(value.expression.split()))
    return tuple(found.values())
