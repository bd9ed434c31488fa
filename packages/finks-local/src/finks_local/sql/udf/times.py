"""Dates and times read from text; formatting."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from finks_local.sql.iso8601 import iso_date, iso_instant, joda_pattern, mysql_pattern, read_with
from finks_local.sql.javaformat import java_format
from finks_local.sql.udf.failure import ZONED, Functions, argument
from finks_local.sql.zones import canonical_zone, tzinfo_of, zoned_parts


def _parse_zoned(text: str, digits: int) -> dict[str, Any]:
    at, zone, _ = zoned_parts(text, digits)
    return {"t": at, "z": zone}


def _iso8601_timestamp(text: str) -> dict[str, Any]:
    read = iso_instant(text)
    if read is None:
        raise argument(f'Invalid format: "{text}"')
    return {"t": read[0], "z": read[1]}


def _iso8601_date(text: str) -> Any:
    day = iso_date(text)
    if day is None:
        raise argument(f'Invalid format: "{text}"')
    return day


def _date_parse(text: str, form: str) -> Any:
    read = read_with(mysql_pattern(form), text)
    if read is None:
        raise argument(f'Invalid format: "{text}"')
    return read[0]


def _parse_datetime(text: str, form: str) -> dict[str, Any]:
    read = read_with(joda_pattern(form), text)
    if read is None:
        raise argument(f'Invalid format: "{text}"')
    return {"t": read[0].replace(tzinfo=tzinfo_of(read[1])), "z": read[1]}


_DURATIONS: Final = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _parse_duration(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text)
    if match is None or match[2] not in _DURATIONS:
        raise argument(f"duration is not a valid data duration string: {text}")
    return math.floor(float(match[1]) * _DURATIONS[match[2]] + 0.5)


def _format(form: str, kinds: str, values: Sequence[str | None]) -> str:
    return java_format(form, kinds.split(",") if kinds else [], values)


FUNCTIONS: Final[Functions] = {
    "trino_format": (_format, ["VARCHAR", "VARCHAR", "VARCHAR[]"], "VARCHAR"),
    "trino_zone": (canonical_zone, ["VARCHAR"], "VARCHAR"),
    "trino_parse_duration": (_parse_duration, ["VARCHAR"], "BIGINT"),
    "trino_parse_zoned": (_parse_zoned, ["VARCHAR", "BIGINT"], ZONED),
    "trino_iso8601_timestamp": (_iso8601_timestamp, ["VARCHAR"], ZONED),
    "trino_iso8601_date": (_iso8601_date, ["VARCHAR"], "DATE"),
    "trino_date_parse": (_date_parse, ["VARCHAR", "VARCHAR"], "TIMESTAMP"),
    "trino_parse_datetime": (_parse_datetime, ["VARCHAR", "VARCHAR"], ZONED),
}
