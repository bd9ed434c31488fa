"""When a schedule ticks: five cron fields in a zone, as Debian's cron reads them. Pure.

On the day on which clocks go forward, a time that does not exist ticks as soon as the clocks have gone forward; on the
day on which they go back, a time that comes twice ticks once. An hour or minute that begins with `*` ticks by elapsed
time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIELDS: Final = "minute hour day-of-month month day-of-week"


def check_cron(text: str) -> str:
    """The five fields, if they are right.

    Raises:
        ValueError: Says what is wrong.
    """
    from cronsim import CronSim, CronSimError

    # Libraries disagree on what a sixth field means.
    if len(text.split()) != 5:
        raise ValueError(f"five fields ({FIELDS}), for example '30 20 * * *'")
    try:
        CronSim(text, datetime(2000, 1, 1))
    except CronSimError as error:
        raise ValueError(f"five fields ({FIELDS}); {error}") from None
    return text


def check_zone(name: str) -> str:
    """The name of an IANA time zone, if there is one.

    Raises:
        ValueError: Says what is expected.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone of the IANA database, for example America/New_York") from None
    return name


def next_tick(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first tick after an instant.

    Args:
        cron: Five fields, as `check_cron` returns them.
        zone: The zone that the fields speak of.
        after: Aware.

    Returns:
        The instant in UTC: in one zone, Python compares wall times.
    """
    from cronsim import CronSim

    # In the hour that comes twice, cronsim gives the wall time of its first pass also after that.
    ticks = (tick.astimezone(UTC) for tick in CronSim(cron, after.astimezone(zone)))
    return next(tick for tick in ticks if tick > after)


def last_tick(cron: str, zone: ZoneInfo, until: datetime) -> datetime:
    """The newest tick at or before an instant; see `next_tick`."""
    from cronsim import CronSim

    before = (until.astimezone(UTC) + timedelta(seconds=1)).astimezone(zone)
    ticks = (tick.astimezone(UTC) for tick in CronSim(cron, before, reverse=True))
    return next(tick for tick in ticks if tick <= until)
