from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from finks.lake.place import place_of
from finks.run.report import RunReport
from finks.run.schedule.cron import next_tick
from finks.run.schedule.due import Due, Skip, default_day, due, last_good_day
from finks.run.sections import ScheduleSettings
from hypothesis import given
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")
NYSE = ScheduleSettings(calendar="XNYS")
EVERY_DAY = ScheduleSettings()


def evening(month: int, day: int, year: int = 2024) -> datetime:
    return datetime(year, month, day, 20, 30, tzinfo=NEW_YORK)


def report(day: date, started: datetime, exit_code: int = 0, *, whole: bool = True) -> RunReport:
    stamp = f"{int(started.timestamp()):013x}"
    return RunReport(run_id=stamp, logical_date=day, lake="", started_at=started, exit_code=exit_code, whole=whole)


@pytest.fixture
def kept(tmp_path):
    """Keep reports in a place, and give the place."""
    place = place_of(tmp_path / "lake")

    def keep(*reports: RunReport):
        for each in reports:
            place.keep(f"runs/{each.run_id}.json", each.model_dump_json())
        return place

    return keep


def test_the_evening_of_a_session_is_due_for_it():
    assert due(NYSE, evening(7, 5), date(2024, 7, 3)) == Due(date(2024, 7, 5))


def test_a_lake_without_a_run_is_due_and_has_missed_nothing():
    assert due(NYSE, evening(7, 5), None) == Due(date(2024, 7, 5))


def test_nothing_is_due_on_a_holiday():
    assert due(NYSE, evening(7, 4), date(2024, 7, 3)) == Skip(
        "holiday: 2024-07-04 is no session of XNYS, and 2024-07-03 was run well."
    )


def test_nothing_is_due_at_a_weekend():
    found = due(NYSE, evening(7, 6), date(2024, 7, 5))
    assert isinstance(found, Skip)
    assert found.reason.startswith("weekend: 2024-07-06")


def test_a_session_that_was_run_well_is_not_due_again():
    assert due(NYSE, evening(7, 5), date(2024, 7, 5)) == Skip("2024-07-05 was run well already.")


def test_what_failed_before_a_holiday_is_due_on_it():
    assert due(NYSE, evening(7, 4), date(2024, 7, 2)) == Due(date(2024, 7, 3))


def test_a_run_after_an_outage_names_the_sessions_that_were_missed():
    assert due(NYSE, evening(7, 8), date(2024, 7, 1)) == Due(
        date(2024, 7, 8), (date(2024, 7, 2), date(2024, 7, 3), date(2024, 7, 5))
    )


def test_without_a_calendar_every_day_is_due():
    assert due(EVERY_DAY, evening(7, 6), date(2024, 7, 4)) == Due(date(2024, 7, 6), (date(2024, 7, 5),))


@pytest.mark.parametrize("cron", ["30 1 * * *", "30 2 * * *", "*/15 0-3 * * *"])
@pytest.mark.parametrize("change", [date(2024, 3, 10), date(2024, 11, 3)])
@pytest.mark.parametrize("calendar", [None, "XNYS"])
def test_a_day_is_run_once_however_often_the_clocks_let_it_tick(cron, change, calendar):
    schedule = ScheduleSettings(cron=cron, calendar=calendar)
    moment = datetime(change.year, change.month, change.day, 12, tzinfo=NEW_YORK) - timedelta(days=4)
    end, done, ran = moment + timedelta(days=8), None, []
    while (moment := next_tick(cron, NEW_YORK, moment)) < end:
        found = due(schedule, moment, done)
        if isinstance(found, Due):
            done = found.logical_date
            ran.append(done)
            assert found.missed == ()
    assert ran == sorted(set(ran))
    assert len(ran) == (8 if calendar is None else 6)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_whatever_fails_every_session_is_run_or_named_as_missed(outcomes):
    moment, done, covered = evening(6, 3), None, []
    first = None
    for well in outcomes:
        moment = next_tick("30 20 * * *", NEW_YORK, moment)
        found = due(NYSE, moment, done)
        if isinstance(found, Due) and well:
            first = first or found.logical_date
            covered += [*found.missed, found.logical_date]
            done = found.logical_date
    days = [] if first is None or done is None else [first + timedelta(days=n) for n in range((done - first).days + 1)]
    closed = {date(2024, 6, 19), date(2024, 7, 4)}
    assert covered == [day for day in days if day.weekday() < 5 and day not in closed]


def test_the_newest_good_day_is_found_among_the_reports(kept):
    friday, monday = date(2024, 7, 5), date(2024, 7, 8)
    place = kept(report(friday, evening(7, 5)), report(monday, evening(7, 8), 4))
    assert last_good_day(NYSE, place) == friday


def test_a_later_run_for_an_older_day_does_not_hide_the_newest(kept):
    place = kept(report(date(2024, 7, 5), evening(7, 5)), report(date(2020, 1, 2), evening(7, 6)))
    assert last_good_day(NYSE, place) == date(2024, 7, 5)


def test_a_run_of_a_part_does_not_count_and_a_vendor_that_refuses_does(kept):
    place = kept(report(date(2024, 7, 3), evening(7, 3), 3), report(date(2024, 7, 5), evening(7, 5), whole=False))
    assert last_good_day(NYSE, place) == date(2024, 7, 3)


def test_a_run_before_the_close_covers_the_session_before(kept):
    morning = datetime(2024, 7, 8, 10, tzinfo=NEW_YORK)
    assert last_good_day(NYSE, kept(report(date(2024, 7, 8), morning))) == date(2024, 7, 5)


def test_a_report_that_cannot_be_read_is_passed_over(kept):
    place = kept(report(date(2024, 7, 5), evening(7, 5)))
    place.keep("runs/zzz.json", "{")
    assert last_good_day(NYSE, place) == date(2024, 7, 5)


def test_a_place_without_a_lake_has_no_good_day(tmp_path):
    assert last_good_day(NYSE, place_of(tmp_path / "none")) is None


def test_a_run_without_a_date_is_for_the_newest_closed_session_or_else_today_in_utc():
    late = datetime(2024, 7, 5, 1, tzinfo=UTC)
    assert default_day(NYSE, late) == date(2024, 7, 3)
    assert default_day(EVERY_DAY, late) == date(2024, 7, 5)
