from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from finks.errors import ConfigurationError
from finks.run.schedule.sessions import sessions_of
from hypothesis import given
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")
INDEPENDENCE_DAY = date(2024, 7, 4)


@pytest.fixture(scope="module")
def nyse():
    return sessions_of("XNYS", NEW_YORK)


def at(*parts: int, zone=NEW_YORK) -> datetime:
    return datetime(*parts, tzinfo=zone)


def test_holidays_and_weekends_are_no_sessions(nyse):
    days = nyse.between(date(2024, 7, 1), date(2024, 7, 8))
    assert days == [date(2024, 7, day) for day in (1, 2, 3, 5, 8)]
    assert not nyse.is_session(INDEPENDENCE_DAY)
    assert nyse.is_session(date(2024, 7, 5))


def test_a_session_counts_from_its_close_on(nyse):
    assert nyse.latest(at(2024, 7, 8, 15, 59)) == date(2024, 7, 5)
    assert nyse.latest(at(2024, 7, 8, 16, 0)) == date(2024, 7, 8)


def test_a_half_day_ends_at_one(nyse):
    assert nyse.latest(at(2024, 7, 3, 12, 59)) == date(2024, 7, 2)
    assert nyse.latest(at(2024, 7, 3, 13, 0)) == date(2024, 7, 3)


def test_the_close_follows_the_clocks_of_the_exchange(nyse):
    winter, summer = date(2024, 3, 8), date(2024, 3, 11)
    assert nyse.latest(at(2024, 3, 8, 21, zone=UTC)) == winter
    assert nyse.latest(at(2024, 3, 11, 20, zone=UTC)) == summer


def test_an_instant_means_the_same_in_every_zone(nyse):
    tokyo = at(2024, 7, 9, 5, 0, zone=ZoneInfo("Asia/Tokyo"))
    assert nyse.latest(tokyo) == nyse.latest(tokyo.astimezone(UTC)) == date(2024, 7, 8)


def test_an_exchange_has_its_own_zone():
    tokyo = sessions_of("XTKS", NEW_YORK)
    assert tokyo.latest(at(2024, 7, 8, 6, 30, zone=UTC)) == date(2024, 7, 8)


@given(st.datetimes(datetime(1991, 1, 1), datetime(2049, 1, 1), timezones=st.just(UTC)))
def test_the_latest_session_is_a_session_and_none_lies_after_it(moment):
    nyse = sessions_of("XNYS", NEW_YORK)
    latest = nyse.latest(moment)
    assert nyse.is_session(latest)
    assert nyse.between(latest + timedelta(days=1), moment.date() - timedelta(days=1)) == []


def test_without_a_calendar_every_day_counts_in_its_zone():
    every = sessions_of(None, NEW_YORK)
    assert every.is_session(INDEPENDENCE_DAY)
    assert every.latest(at(2024, 7, 5, 1, zone=UTC)) == INDEPENDENCE_DAY
    assert len(every.between(date(2024, 2, 28), date(2024, 3, 1))) == 3
    assert every.between(date(2024, 3, 1), date(2024, 2, 28)) == []


def test_an_unknown_calendar_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigurationError, match=r"Did you mean XNYS\?"):
        sessions_of("xnys", NEW_YORK)


def test_a_day_that_the_calendar_does_not_know_is_refused_with_those_it_knows(nyse):
    with pytest.raises(ConfigurationError, match="from 1990-01-01 to 2049-12-31"):
        nyse.is_session(date(2050, 1, 1))
    with pytest.raises(ConfigurationError, match="from 1990-01-01 to 2049-12-31"):
        nyse.latest(at(1989, 12, 29, 20))
    with pytest.raises(ConfigurationError, match="to 2049-12-31"):
        nyse.latest(at(2050, 6, 1, 20))


def test_holidays_that_are_not_announced_yet_are_not_guessed():
    with pytest.raises(ConfigurationError, match="does not know this day"):
        sessions_of("XSHG", NEW_YORK).is_session(date(2049, 1, 4))


def test_without_the_extra_a_calendar_says_what_to_install():
    code = (
        "import sys; sys.modules['exchange_calendars'] = None; from datetime import UTC; "
        "from finks.run.schedule.sessions import sessions_of; sessions_of('XNYS', UTC)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError" in done.stderr
    assert "finks-core[schedule]" in done.stderr


def test_a_schedule_without_a_calendar_does_without_the_library():
    code = "import sys, finks.run.schedule.due; print('exchange_calendars' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
