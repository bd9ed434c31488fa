from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from finks.run.schedule.loop import Loop
from finks.run.sections import ScheduleSettings

DAILY = ScheduleSettings(cron="30 20 * * *", zone="UTC")


class Time:
    """A clock that only sleeping, and the runs, move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def story():
    """Run a loop for some ticks: for each how long the run takes and its exit code. Gives the ticks and the lines."""

    def tell(schedule: ScheduleSettings, start: datetime, *runs: tuple[timedelta, int], asleep: bool = False):
        time, ticks, lines, rest = Time(start), [], [], list(runs)

        def run(tick: datetime) -> int:
            ticks.append(tick)
            took, code = rest.pop(0)
            time.now += took
            return code

        def stop() -> bool:
            # The last run of the story is followed by a stop: at once, or after a minute of sleep.
            return not rest and (not asleep or time.now >= ticks[-1] + timedelta(minutes=2))

        Loop(schedule, run, stop, lines.append, lambda: time.now, time.sleep).start()
        return ticks, lines, time.now

    return tell


MINUTE = timedelta(minutes=1)


def test_the_tick_before_the_start_is_tried_first(story):
    ticks, _, _ = story(DAILY, datetime(2024, 7, 5, 9, tzinfo=UTC), (MINUTE, 0), (MINUTE, 0))
    assert ticks == [datetime(2024, 7, day, 20, 30, tzinfo=UTC) for day in (4, 5)]


def test_a_failed_run_is_told_and_the_loop_goes_on(story):
    ticks, lines, _ = story(DAILY, datetime(2024, 7, 5, 20, 30, tzinfo=UTC), (MINUTE, 4), (MINUTE, 137), (MINUTE, 0))
    assert [tick.day for tick in ticks] == [5, 6, 7]
    assert lines[0] == "The run ended with exit code 4. The next tick is at 2024-07-06 20:30 UTC."


def test_ticks_that_came_during_a_run_are_one(story):
    start = datetime(2024, 7, 5, 20, 30, tzinfo=UTC)
    ticks, _, _ = story(DAILY, start, (timedelta(days=2, hours=1), 0), (MINUTE, 0), (MINUTE, 0))
    assert [tick.day for tick in ticks] == [5, 7, 8]


def test_a_stop_is_heard_while_waiting(story):
    start = datetime(2024, 7, 5, 20, 30, tzinfo=UTC)
    ticks, _, end = story(DAILY, start, (MINUTE, 0), asleep=True)
    assert len(ticks) == 1
    assert end == start + 2 * MINUTE


def test_a_tick_keeps_its_time_of_the_day_when_the_clocks_change(story):
    schedule = ScheduleSettings(cron="30 20 * * *", zone="America/New_York")
    ticks, _, _ = story(schedule, datetime(2024, 3, 9, 22, tzinfo=UTC), (MINUTE, 0), (MINUTE, 0), (MINUTE, 0))
    assert [tick.strftime("%d %H:%M") for tick in ticks] == ["09 01:30", "10 01:30", "11 00:30"]
