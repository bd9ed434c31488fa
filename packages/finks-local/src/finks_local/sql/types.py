"""Trino's types as values, and their other spellings: Hive's, DuckDB's, Arrow's.

DuckDB's spelling is the physical form in which a translation carries a value of the type. It differs from the
nearest DuckDB type where that one means something else: intervals are counts of milliseconds and of months, JSON is
text, and a `timestamp with time zone` whose zone varies by row is a struct of instant and zone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from finks_local.sql.errors import QueryError

MAX_PRECISION: Final = 38
MAX_FRACTION: Final = 6
"""Digits after the second that DuckDB's timestamps hold."""

MILLIS: Final = 3
UTC: Final = "UTC"

INTEGERS: Final = ("tinyint", "smallint", "integer", "bigint")
_PLAIN: Final = (
    *INTEGERS,
    "boolean",
    "real",
    "double",
    "varbinary",
    "date",
    "json",
    "unknown",
    "uuid",
    "interval year to month",
    "interval day to second",
)
_ALIASES: Final = {
    "int": "integer",
    "float": "real",
    "double precision": "double",
    "string": "varchar",
    "binary": "varbinary",
    "dec": "decimal",
    "numeric": "decimal",
    "struct": "row",
    "timestamptz": "timestamp with time zone",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "character varying": "varchar",
}


@dataclass(frozen=True, slots=True)
class TrinoType:
    """One type of Trino.

    Args:
        base: The name without parameters, for example `decimal`, `row`, `timestamp with time zone`.
        params: Numbers: precision and scale of a decimal, length of text, digits of a timestamp's fraction.
        args: Element of an array, key and value of a map, fields of a row.
        names: Names of a row's fields; None for a nameless one.
        zone: Of a `timestamp with time zone`: the zone of every value, or None when it varies by value.
    """

    base: str
    params: tuple[int, ...] = ()
    args: tuple[TrinoType, ...] = ()
    names: tuple[str | None, ...] = ()
    zone: str | None = None

    def __str__(self) -> str:
        return self.trino

    @property
    def trino(self) -> str:
        """Trino's spelling, as `typeof` prints it."""
        match self.base:
            case "decimal":
                return f"decimal({self.precision},{self.scale})"
            case "array" | "map":
                return f"{self.base}({', '.join(arg.trino for arg in self.args)})"
            case "row":
                fields = (f"{_quoted(n)} {t.trino}" if n else t.trino for n, t in self.fields)
                return f"row({', '.join(fields)})"
            case _ if self.params:
                first, *rest = self.base.split(" ", 1)
                return " ".join([f"{first}({self.params[0]})", *rest])
            case _:
                return self.base

    @property
    def hive(self) -> str:
        """Hive's spelling, as a Glue table keeps it.

        Raises:
            QueryError: NOT_SUPPORTED: no table column can have the type.
        """
        match self.base:
            case "decimal" | "char":
                return self.trino
            case "varchar":
                return self.trino if self.params else "string"
            case "array" | "map":
                return f"{self.base}<{','.join(arg.hive for arg in self.args)}>"
            case "row":
                return f"struct<{','.join(f'{name}:{t.hive}' for name, t in self.named_fields)}>"
            case "timestamp":
                return "timestamp"
            case base if base in _HIVE:
                return _HIVE[base]
            case _:
                raise QueryError("NOT_SUPPORTED", f"Unsupported Hive type: {self.trino}")

    @property
    def duckdb(self) -> str:
        """The DuckDB type that carries the values."""
        match self.base:
            case "decimal":
                return f"DECIMAL({self.precision},{self.scale})"
            case "array":
                return f"{self.args[0].duckdb}[]"
            case "map":
                return f"MAP({self._key.duckdb}, {self.args[1].duckdb})"
            case "row":
                inner = ", ".join(f"{_quoted(name, always=True)} {t.duckdb}" for name, t in self.named_fields)
                return f"STRUCT({inner})"
            case "timestamp with time zone":
                return "TIMESTAMPTZ" if self.zone else "STRUCT(t TIMESTAMPTZ, z VARCHAR)"
            case base:
                return _DUCKDB[base]

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type in which DuckDB hands the values out."""
        match self.base:
            case "decimal":
                return pa.decimal128(self.precision, self.scale)
            case "array":
                return pa.list_(self.args[0].arrow)
            case "map":
                return pa.map_(self._key.arrow, self.args[1].arrow)
            case "row":
                return pa.struct([(name, t.arrow) for name, t in self.named_fields])
            case "timestamp with time zone":
                instant = pa.timestamp("us", tz=UTC)
                return instant if self.zone else pa.struct([("t", instant), ("z", pa.string())])
            case base:
                return _ARROW[base]

    @property
    def _key(self) -> TrinoType:
        """Of a map: the carried type of its keys; Arrow has no null type for them."""
        return VARCHAR if self.args[0] == UNKNOWN else self.args[0]

    @property
    def precision(self) -> int:
        """Of a decimal: all digits. Of a time or timestamp: digits of the fraction."""
        return self.params[0]

    @property
    def scale(self) -> int:
        """Of a decimal: digits after the point."""
        return self.params[1]

    @property
    def length(self) -> int | None:
        """Of text: its longest, or None without a limit."""
        return self.params[0] if self.params else None

    @property
    def element(self) -> TrinoType:
        """Of an array."""
        return self.args[0]

    @property
    def fields(self) -> tuple[tuple[str | None, TrinoType], ...]:
        """Of a row: names and types."""
        return tuple(zip(self.names, self.args, strict=True))

    @property
    def named_fields(self) -> tuple[tuple[str, TrinoType], ...]:
        """Of a row, with Athena's `field0`, `field1`... for nameless fields."""
        return tuple((name or f"field{i}", t) for i, (name, t) in enumerate(self.fields))

    def with_zone(self, zone: str | None) -> TrinoType:
        """The same type with another zone."""
        return replace(self, zone=zone)


def _quoted(name: str, *, always: bool = False) -> str:
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and not always
    return name if plain else '"' + name.replace('"', '""') + '"'


_HIVE: Final = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double": "double",
    "varbinary": "binary",
    "date": "date",
}
_DUCKDB: Final = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "json": "VARCHAR",
    "uuid": "VARCHAR",
    "unknown": '"NULL"',
    "interval year to month": "INTEGER",
    "interval day to second": "BIGINT",
}
_ARROW: Final[dict[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "json": pa.string(),
    "uuid": pa.string(),
    "unknown": pa.null(),
    "interval year to month": pa.int32(),
    "interval day to second": pa.int64(),
}

BOOLEAN: Final = TrinoType("boolean")
TINYINT: Final = TrinoType("tinyint")
SMALLINT: Final = TrinoType("smallint")
INTEGER: Final = TrinoType("integer")
BIGINT: Final = TrinoType("bigint")
REAL: Final = TrinoType("real")
DOUBLE: Final = TrinoType("double")
VARCHAR: Final = TrinoType("varchar")
VARBINARY: Final = TrinoType("varbinary")
DATE: Final = TrinoType("date")
JSON: Final = TrinoType("json")
UUID: Final = TrinoType("uuid")
UNKNOWN: Final = TrinoType("unknown")
YEAR_MONTH: Final = TrinoType("interval year to month")
DAY_SECOND: Final = TrinoType("interval day to second")
TIMESTAMP: Final = TrinoType("timestamp", (MILLIS,))
TIMESTAMP_TZ: Final = TrinoType("timestamp with time zone", (MILLIS,), zone=UTC)


def decimal(precision: int, scale: int) -> TrinoType:
    """A decimal type."""
    return TrinoType("decimal", (precision, scale))


def varchar(length: int | None) -> TrinoType:
    """Text of at most `length` characters; without a limit for None."""
    return VARCHAR if length is None else TrinoType("varchar", (length,))


def timestamp(digits: int) -> TrinoType:
    """A timestamp with that many digits after the second."""
    return TrinoType("timestamp", (digits,))


def timestamp_tz(digits: int, zone: str | None = UTC) -> TrinoType:
    """A timestamp with time zone whose values are all of one zone, or of any (None)."""
    return TrinoType("timestamp with time zone", (digits,), zone=zone)


def array(element: TrinoType) -> TrinoType:
    """An array type."""
    return TrinoType("array", args=(element,))


def map_of(key: TrinoType, value: TrinoType) -> TrinoType:
    """A map type."""
    return TrinoType("map", args=(key, value))


def row(fields: Sequence[tuple[str | None, TrinoType]]) -> TrinoType:
    """A row type of named or nameless fields."""
    return TrinoType("row", args=tuple(t for _, t in fields), names=tuple(name for name, _ in fields))


_TOKEN: Final = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_$][\w$]*|\d+|[(),:<>])')


class _Reader:
    """Reads one type from text; Trino's and Hive's brackets alike."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error()
            self.tokens.append(match[1])
            position = match.end()
        self.at = 0

    def error(self) -> QueryError:
        return QueryError("TYPE_NOT_FOUND", f"Unknown type: {self.text.strip()}")

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index].lower() if index < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise self.error()
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        if [self.peek(i) for i in range(len(words))] == list(words):
            self.at += len(words)
            return True
        return False

    def type(self) -> TrinoType:
        name = self.take()
        if name == "double":
            self.accept("precision")
        if name == "interval":
            words = " ".join(self.take() for _ in range(3))
            return self.plain(f"interval {words}")
        name = _ALIASES.get(name, name)
        match name:
            case "array" | "map" | "row":
                return self.nested(name)
            case "decimal":
                return _checked_decimal(*(self.numbers() or [MAX_PRECISION, 0]))
            case "varchar" | "char":
                numbers = self.numbers()
                return TrinoType(name, tuple(numbers or ([1] if name == "char" else [])))
            case "timestamp" | "time" | "timestamp with time zone":
                return self.temporal(name)
            case _:
                return self.plain(name)

    def plain(self, name: str) -> TrinoType:
        if name not in _PLAIN:
            raise self.error()
        return TrinoType(name)

    def numbers(self) -> list[int]:
        if not self.accept("("):
            return []
        found = [self.number()]
        while self.accept(","):
            found.append(self.number())
        self.take(")")
        return found

    def number(self) -> int:
        token = self.take()
        if not token.isdigit():
            raise self.error()
        return int(token)

    def temporal(self, name: str) -> TrinoType:
        digits = (self.numbers() or [MILLIS])[0]
        zoned = name.endswith("with time zone")
        zoned = zoned or self.accept("with", "time", "zone")
        if not zoned:
            self.accept("without", "time", "zone")
        if digits > MAX_FRACTION:
            raise QueryError("NOT_SUPPORTED", f"{name}({digits}): at most {MAX_FRACTION} digits after the second")
        if not zoned:
            return TrinoType(name, (digits,))
        if name == "time":
            raise QueryError("NOT_SUPPORTED", "time with time zone")
        return timestamp_tz(digits)

    def nested(self, name: str) -> TrinoType:
        close = {"(": ")", "<": ">"}[self.take("(", "<")]
        fields: list[tuple[str | None, TrinoType]] = []
        while not self.accept(close):
            if fields:
                self.take(",")
            fields.append(self.field() if name == "row" else (None, self.type()))
        wanted = {"array": 1, "map": 2}.get(name, len(fields) or 1)
        if len(fields) != wanted:
            raise self.error()
        return row(fields) if name == "row" else TrinoType(name, args=tuple(t for _, t in fields))

    def field(self) -> tuple[str | None, TrinoType]:
        named = self.peek().startswith('"') or self.peek(1) == ":" or self.peek(1) not in {"(", ")", ",", "<", ">"}
        if named and self.peek() in {"double", "interval", "time", "timestamp"}:
            named = self.peek(1) not in {"precision", "year", "day", "with", "without"}
        if not named:
            return None, self.type()
        name = self.take()
        self.accept(":")
        return name.strip('"').replace('""', '"'), self.type()


def _checked_decimal(precision: int, scale: int = 0) -> TrinoType:
    if not 1 <= precision <= MAX_PRECISION:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "DECIMAL precision must be in range [1, 38]: " + str(precision))
    if not 0 <= scale <= precision:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"DECIMAL scale must be in range [0, precision]: {scale}")
    return decimal(precision, scale)


def _parse(text: str) -> TrinoType:
    reader = _Reader(text)
    result = reader.type()
    if reader.at != len(reader.tokens):
        raise reader.error()
    return result


def parse_trino(text: str) -> TrinoType:
    """The type that Trino's spelling names, for example `decimal(10,2)` or `row(a integer, b array(varchar))`.

    Raises:
        QueryError: TYPE_NOT_FOUND, or NOT_SUPPORTED for more than six digits after the second.
    """
    return _parse(text)


def parse_hive(text: str) -> TrinoType:
    """The type that Hive's spelling names, for example `array<struct<a:int,b:string>>`.

    A bare `decimal` is Hive's decimal(10,0).

    Raises:
        QueryError: TYPE_NOT_FOUND.
    """
    return decimal(10, 0) if text.strip().lower() == "decimal" else _parse(text)


def from_arrow(kind: pa.DataType) -> TrinoType:
    """The type that Arrow's values have in Trino; timestamps by their unit.

    Raises:
        QueryError: NOT_SUPPORTED: Trino has no such type.
    """
    checks = pa.types
    if checks.is_decimal(kind):
        return decimal(kind.precision, kind.scale)
    if checks.is_timestamp(kind):
        digits = {"s": 0, "ms": 3, "us": 6}.get(kind.unit, MAX_FRACTION)
        return timestamp_tz(digits) if kind.tz else timestamp(digits)
    if checks.is_map(kind):
        return map_of(from_arrow(kind.key_type), from_arrow(kind.item_type))
    if checks.is_struct(kind):
        return row([(field.name.lower(), from_arrow(field.type)) for field in kind])
    if checks.is_list(kind) or checks.is_large_list(kind) or checks.is_fixed_size_list(kind):
        return array(from_arrow(kind.value_type))
    if checks.is_large_string(kind) or checks.is_string_view(kind):
        return VARCHAR
    if checks.is_binary(kind) or checks.is_large_binary(kind) or checks.is_fixed_size_binary(kind):
        return VARBINARY
    if checks.is_time(kind):
        return TrinoType("time", (MAX_FRACTION,))
    for base, arrow in _ARROW.items():
        if arrow.equals(kind):
            return TrinoType(base)
    raise QueryError("NOT_SUPPORTED", f"Arrow type {kind}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a result.

    Args:
        name: In lower case.
        type: Its type.
        hidden: Not part of `*`, as `$path`.
    """

    name: str
    type: TrinoType
    hidden: bool = False
