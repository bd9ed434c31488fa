"""Timestamps with time zone: the instant, the zone and the local time of a value; literals."""

from __future__ import annotations

import re
from datetime import UTC as UTC_ZONE
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from finks_local.sql.errors import QueryError
from finks_local.sql.types import UTC, timestamp_tz
from finks_local.sql.value import Value, text_literal

_ZONED: Final = re.compile(
    r"(\d{4,})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?\s*([A-Za-z+-].*)?"
)
_OFFSET: Final = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2}):?(\d{2})?")


def instant(value: Value) -> str:
    """The instant, as DuckDB's TIMESTAMPTZ."""
    return value.sql if value.type.zone else f"({value.sql}).t"


def zone_of(value: Value) -> str:
    """The zone's name as SQL text."""
    return text_literal(value.type.zone) if value.type.zone else f"({value.sql}).z"


def local(value: Value) -> str:
    """The wall clock in the value's zone, as DuckDB's TIMESTAMP."""
    zone = value.type.zone
    if zone == UTC:
        return f"CAST({value.sql} AS TIMESTAMP)"
    if zone and (offset := _fixed_minutes(zone)) is not None:
        return f"(CAST({value.sql} AS TIMESTAMP) + to_minutes({offset}))"
    if zone:
        return f"timezone({text_literal(zone)}, {value.sql})"
    return f"trino_local(({value.sql}).t, ({value.sql}).z)"


def _fixed_minutes(zone: str) -> int | None:
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return minutes if match[1] == "+" else -minutes


def canonical_zone(name: str) -> str:
    """The name under which Trino keeps a zone: `UTC` for its aliases, `+05:30` for offsets.

    Raises:
        QueryError: INVALID_FUNCTION_ARGUMENT: no such zone.
    """
    text = name.strip()
    if text.upper() in {"UTC", "Z", "GMT", "UT", "ZULU", "ETC/UTC", "ETC/GMT", "ETC/ZULU", "ETC/UCT", "UCT"}:
        return UTC
    minutes = _fixed_minutes(text.upper())
    if minutes is not None:
        if abs(minutes) > 14 * 60:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Time zone not supported: {name}")
        sign = "-" if minutes < 0 else "+"
        return UTC if minutes == 0 else f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid time zone") from None


def tzinfo_of(zone: str) -> tzinfo:
    """Python's zone of a canonical name."""
    minutes = _fixed_minutes(zone)
    return ZoneInfo(zone) if minutes is None else timezone(timedelta(minutes=minutes))


def read_zoned(text: str) -> tuple[datetime, str | None, int] | None:
    """Wall clock, canonical zone (None without one) and digits of the fraction; None for another form."""
    match = _ZONED.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        clock = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
        )
    except ValueError:
        return None
    return clock, canonical_zone(zone) if zone else None, len(fraction or "")


def zoned_parts(text: str, digits: int | None = None) -> tuple[datetime, str, int]:
    """Instant, zone (UTC without one) and digits of a text, rounded to that many digits or to those written.

    Raises:
        QueryError: INVALID_CAST_ARGUMENT.
    """
    read = read_zoned(text.strip())
    if read is None:
        raise QueryError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp with time zone: {text}")
    clock, zone, written = read
    zone = zone or UTC
    at = clock.replace(tzinfo=tzinfo_of(zone)).astimezone(UTC_ZONE)
    kept = written if digits is None else digits
    unit = 10 ** (6 - kept)
    micros = (at.microsecond + unit // 2) // unit * unit
    return at.replace(microsecond=0) + timedelta(microseconds=micros), zone, kept


def zoned_literal(text: str, digits: int | None = None) -> Value:
    """The value of such a text.

    Raises:
        QueryError: INVALID_CAST_ARGUMENT.
    """
    at, zone, kept = zoned_parts(text, digits)
    return Value(f"TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'", timestamp_tz(kept, zone))
