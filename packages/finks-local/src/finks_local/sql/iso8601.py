"""Reading of dates in text: ISO 8601, MySQL's and Joda's formats. Used for literals and, row by row, for columns."""

from __future__ import annotations

import calendar
import re
from datetime import UTC as UTC_ZONE
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from finks_local.sql.dateformats import Piece, joda, mysql
from finks_local.sql.errors import QueryError
from finks_local.sql.types import UTC
from finks_local.sql.zones import canonical_zone, tzinfo_of

_DATE: Final = r"(?P<y>\d{4})(?:-(?P<m>\d{1,2})(?:-(?P<d>\d{1,2}))?|-W(?P<w>\d{1,2})(?:-(?P<wd>\d))?|-(?P<o>\d{3}))?"
_TIME: Final = r"(?P<H>\d{1,2})(?::(?P<M>\d{1,2})(?::(?P<S>\d{1,2})(?:[.,](?P<f>\d{1,9}))?)?)?"
_ISO: Final = re.compile(rf"{_DATE}(?:T(?:{_TIME})?(?P<z>Z|[+-]\d{{1,2}}(?::?\d{{2}})?)?)?")


def iso_date(text: str) -> date | None:
    """The day of an ISO 8601 date: calendar, week or ordinal."""
    match = re.fullmatch(_DATE, text)
    return None if match is None else _day(match)


def _day(match: re.Match[str]) -> date | None:
    try:
        year = int(match["y"])
        if match["w"]:
            return date.fromisocalendar(year, int(match["w"]), int(match["wd"] or 1))
        if match["o"]:
            return date(year, 1, 1) + timedelta(days=int(match["o"]) - 1)
        return date(year, int(match["m"] or 1), int(match["d"] or 1))
    except ValueError:
        return None


def iso_instant(text: str) -> tuple[datetime, str] | None:
    """The instant, to the millisecond, and the zone (UTC without one) of an ISO 8601 timestamp."""
    match = _ISO.fullmatch(text)
    day = _day(match) if match else None
    if match is None or day is None:
        return None
    zone = canonical_zone(match["z"]) if match["z"] else UTC
    try:
        clock = datetime(
            day.year,
            day.month,
            day.day,
            int(match["H"] or 0),
            int(match["M"] or 0),
            int(match["S"] or 0),
            int((match["f"] or "").ljust(6, "0")[:3]) * 1000,
        )
    except ValueError:
        return None
    return clock.replace(tzinfo=tzinfo_of(zone)).astimezone(UTC_ZONE), zone


_MONTHS: Final = [name.lower() for name in calendar.month_name]
_SHORT_MONTHS: Final = [name.lower() for name in calendar.month_abbr]
_READERS: Final = {
    "Y": r"(?P<Y>\d{1,4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "j": r"(?P<j>\d{1,3})",
    "p": r"(?P<p>[AaPp][Mm])",
    "b": rf"(?P<b>{'|'.join(filter(None, _MONTHS + _SHORT_MONTHS))})",
    "B": rf"(?P<b>{'|'.join(filter(None, _MONTHS + _SHORT_MONTHS))})",
    "a": r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)",
    "A": r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)",
    "Z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "ZZ": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "ZZZ": r"(?P<z>[A-Za-z_]+(?:/[A-Za-z_+-]+)*)",
}


def _pattern(pieces: tuple[Piece, ...], form: str) -> re.Pattern[str]:
    parts: list[str] = []
    for piece in pieces:
        if piece.kind == "text":
            parts.append(re.escape(piece.text))
        elif piece.kind == "fraction":
            parts.append(r"(?P<f>\d{1,9})" if piece.width == 6 else rf"(?P<f>\d{{1,{piece.width}}})")
        elif piece.kind in _READERS:
            parts.append(_READERS[piece.kind])
        else:
            raise QueryError("NOT_SUPPORTED", f"Reading %{piece.kind} of the date format {form!r}")
    try:
        return re.compile("".join(parts), re.IGNORECASE)
    except re.error:
        raise QueryError("NOT_SUPPORTED", f"A field twice in the date format {form!r}") from None


@cache
def mysql_pattern(form: str) -> re.Pattern[str]:
    """What reads a MySQL format."""
    return _pattern(mysql(form), form)


@cache
def joda_pattern(form: str) -> re.Pattern[str]:
    """What reads a Joda pattern."""
    return _pattern(joda(form), form)


def read_with(pattern: re.Pattern[str], text: str) -> tuple[datetime, str] | None:
    """Wall clock, to the millisecond, and zone of a text in a format; None when it is not in it."""
    match = pattern.fullmatch(text)
    if match is None:
        return None
    found = {key: value for key, value in match.groupdict().items() if value is not None}
    try:
        day = _read_day(found)
        hour = _read_hour(found)
        micros = int(found.get("f", "").ljust(6, "0")[:3]) * 1000
        clock = datetime(day.year, day.month, day.day, hour, int(found.get("M", 0)), int(found.get("S", 0)), micros)
    except ValueError:
        return None
    return clock, canonical_zone(found["z"]) if "z" in found else UTC


def _read_day(found: dict[str, str]) -> date:
    year = int(found.get("Y", 1970))
    if "y" in found:
        year = 2000 + int(found["y"]) if int(found["y"]) < 70 else 1900 + int(found["y"])
    if "j" in found:
        return date(year, 1, 1) + timedelta(days=int(found["j"]) - 1)
    month = int(found.get("m", 1))
    if "b" in found:
        name = found["b"].lower()
        month = _MONTHS.index(name) if name in _MONTHS else _SHORT_MONTHS.index(name)
    return date(year, month, int(found.get("d", 1)))


def _read_hour(found: dict[str, str]) -> int:
    if "I" not in found:
        return int(found.get("H", 0))
    hour = int(found["I"])
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if found.get("p", "am").lower() == "pm" else 0)
