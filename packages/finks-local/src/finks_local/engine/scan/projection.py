"""Partition projection: the partitions that a table's properties describe instead of Glue's rows.

Athena's "Supported types for partition projection": enum, integer and date. An injected column has its values from
the query alone and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from finks_local.engine import metastore
from finks_local.engine.metastore import Row
from finks_local.engine.storage import folder
from finks_local.sql.errors import QueryError

MAX_PARTITIONS: Final = 100_000
_JAVA: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_JAVA_TOKEN: Final = re.compile(r"'[^']*'|yyyy|MM|dd|HH|mm|ss|[A-Za-z]+")
_NOW: Final = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(\w+?)S?)?", re.IGNORECASE)
_SECONDS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400, "WEEK": 604_800}
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}


def is_projected(table: Row) -> bool:
    """Whether the table says `projection.enabled`."""
    return metastore.parameters(table).get("projection.enabled", "false").lower() == "true"


def projected_partitions(table: Row, now: datetime) -> Iterator[Row]:
    """The partitions that the properties describe, as Glue would tell them.

    Raises:
        QueryError: INVALID_TABLE_PROPERTY; NOT_SUPPORTED: an injected column, or more than `MAX_PARTITIONS`.
    """
    properties = metastore.parameters(table)
    names = [key["Name"] for key in metastore.partition_keys(table)]
    ranges = [_Range(name, properties, now).values() for name in names]
    total = 1
    for values in ranges:
        total *= len(values)
    if total > MAX_PARTITIONS:
        raise QueryError("NOT_SUPPORTED", f"Projection of {total} partitions; this endpoint takes {MAX_PARTITIONS}")
    own = folder(metastore.location(table))
    template = properties.get("storage.location.template") or own + "/".join(f"{n}=${{{n}}}" for n in names)
    for values in product(*ranges):
        place = template
        for name, value in zip(names, values, strict=True):
            place = place.replace(f"${{{name}}}", value)
        yield {"Values": list(values), "StorageDescriptor": {**table["StorageDescriptor"], "Location": place}}


class _Range:
    """The values of one column."""

    def __init__(self, name: str, properties: Mapping[str, str], now: datetime) -> None:
        self._name = name
        self._properties = properties
        self._now = now.astimezone(UTC).replace(tzinfo=None)

    def values(self) -> list[str]:
        kind = self._required("type").lower()
        match kind:
            case "enum":
                return [value.strip() for value in self._required("values").split(",")]
            case "integer":
                return self._integers()
            case "date":
                return self._dates()
            case "injected":
                raise QueryError("NOT_SUPPORTED", f"Partition projection of type injected: column {self._name}")
            case _:
                raise self._invalid("type", kind)

    def _property(self, part: str) -> str | None:
        return self._properties.get(f"projection.{self._name}.{part}")

    def _required(self, part: str) -> str:
        value = self._property(part)
        if value is None:
            raise QueryError("INVALID_TABLE_PROPERTY", f"Missing projection.{self._name}.{part}")
        return value

    def _invalid(self, part: str, value: str) -> QueryError:
        return QueryError("INVALID_TABLE_PROPERTY", f"Invalid projection.{self._name}.{part}: {value}")

    def _ends(self) -> tuple[str, str]:
        first, comma, last = self._required("range").partition(",")
        if not comma:
            raise self._invalid("range", first)
        return first.strip(), last.strip()

    def _interval(self) -> int:
        text = self._property("interval") or "1"
        if not text.isdigit() or not int(text):
            raise self._invalid("interval", text)
        return int(text)

    def _integers(self) -> list[str]:
        first, last = self._ends()
        digits = int(self._property("digits") or 0)
        try:
            numbers = range(int(first), int(last) + 1, self._interval())
        except ValueError:
            raise self._invalid("range", f"{first},{last}") from None
        return [f"{number:0{digits}d}" for number in numbers]

    def _dates(self) -> list[str]:
        form = self._format()
        first, last = (self._moment(end, form) for end in self._ends())
        step, unit = self._interval(), (self._property("interval.unit") or _finest(form)).upper().removesuffix("S")
        found: list[str] = []
        moment, number = first, 0
        while moment <= last:
            text = moment.strftime(form)
            if not found or found[-1] != text:
                found.append(text)
            number += step
            moment = _later(first, number, unit)
            if len(found) > MAX_PARTITIONS:
                raise QueryError("NOT_SUPPORTED", f"Projection of more than {MAX_PARTITIONS} values: {self._name}")
        return found

    def _format(self) -> str:
        """Java's pattern of a date as Python's."""
        pattern = self._required("format")

        def token(match: re.Match[str]) -> str:
            text = match[0]
            if text.startswith("'"):
                return text[1:-1] or "'"
            if text not in _JAVA:
                raise self._invalid("format", pattern)
            return _JAVA[text]

        return _JAVA_TOKEN.sub(token, pattern)

    def _moment(self, text: str, form: str) -> datetime:
        now = _NOW.fullmatch(text)
        if now is None:
            try:
                return datetime.strptime(text, form)
            except ValueError:
                raise self._invalid("range", text) from None
        truncated = datetime.strptime(self._now.strftime(form), form)
        if now[1] is None:
            return truncated
        return _later(truncated, int(now[2]) * (-1 if now[1] == "-" else 1), now[3].upper())


def _finest(form: str) -> str:
    """The unit of the pattern's last part, which is the step where none is given."""
    marks = {"%S": "SECOND", "%M": "MINUTE", "%H": "HOUR", "%d": "DAY", "%m": "MONTH", "%Y": "YEAR"}
    return next(unit for mark, unit in marks.items() if mark in form)


def _later(start: datetime, count: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return start + timedelta(seconds=count * _SECONDS[unit])
    if unit not in _MONTHS:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Invalid unit of a projected date: {unit}")
    months = start.year * 12 + start.month - 1 + count * _MONTHS[unit]
    return start.replace(year=months // 12, month=months % 12 + 1)
