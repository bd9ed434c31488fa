from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from finks.run.schedule.cron import check_cron, check_zone, last_tick, next_tick
from hypothesis import given
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")


def ticks(cron: str, start: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        start = next_tick(cron, NEW_YORK, start)
        found.append(start.strftime("%d %H:%M"))
    return found


def test_a_time_of_the_day_stays_that_time_when_the_clocks_change():
    assert ticks("30 20 * * *", datetime(2024, 3, 9, 12, tzinfo=NEW_YORK), 3) == ["10 01:30", "11 00:30", "12 00:30"]


def test_a_time_that_does_not_exist_ticks_once_when_the_clocks_have_gone_forward():
    assert ticks("30 2 * * *", datetime(2024, 3, 9, 12, tzinfo=NEW_YORK), 2) == ["10 07:00", "11 06:30"]


def test_a_time_that_comes_twice_ticks_once():
    assert ticks("30 1 * * *", datetime(2024, 11, 2, 12, tzinfo=NEW_YORK), 2) == ["03 05:30", "04 06:30"]


def test_a_tick_never_lies_in_the_past_of_the_hour_that_comes_twice():
    second_pass = datetime(2024, 11, 3, 6, 10, tzinfo=UTC)
    assert ticks("30 1 * * *", second_pass, 1) == ["04 06:30"]


CRONS = st.sampled_from(["30 20 * * *", "30 2 * * *", "30 1 * * *", "*/20 * * * *", "0 7 * * 2-6", "0 0 1 * *"])


@given(CRONS, st.datetimes(datetime(2024, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC)))
def test_the_last_tick_is_the_one_after_which_none_has_come(cron, moment):
    last = last_tick(cron, NEW_YORK, moment)
    following = next_tick(cron, NEW_YORK, last)
    assert last <= moment < following
    assert last_tick(cron, NEW_YORK, following) == following
    assert last_tick(cron, NEW_YORK, following - timedelta(seconds=1)) == last


@pytest.mark.parametrize("text", ["", "30 20 * *", "0 30 20 * * *", "@daily", "61 * * * *", "0 0 30 2 *", "x y z a b"])
def test_what_is_no_cron_is_refused(text):
    with pytest.raises(ValueError, match="five fields"):
        check_cron(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="IANA"):
        check_zone(name)
