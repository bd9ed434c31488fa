"""A schedule without a server: wait for the next tick, run, go on, whatever the run came to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from finks.lake.lake import utc_now
from finks.run.events import StopRequested
from finks.run.schedule.cron import last_tick, next_tick
from finks.run.sections import ScheduleSettings

NAP_SECONDS: Final = 1.0
"""The longest sleep at once: a stop is heard after it, and the clock is asked again, which a laptop's sleep stops."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Runs at every tick of a schedule until it is asked to stop.

    The tick that came last before the loop began is tried first, so that a restart misses nothing; whether there is
    anything to do is for the run to say. Ticks that came while a run was at work are one.

    Args:
        schedule: When it ticks.
        run: Runs once for the tick (UTC) that it is given; returns the exit code.
        stop: Whether the loop was asked to stop.
        tell: Takes one line for the log.
        clock: The time, aware.
        sleep: Waits that many seconds.
    """

    schedule: ScheduleSettings
    run: Callable[[datetime], int]
    stop: StopRequested
    tell: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep

    def start(self) -> None:
        """Run at every tick; returns when it was asked to stop."""
        cron, zone = self.schedule.cron, self.schedule.tzinfo
        tick = last_tick(cron, zone, self.clock())
        while not self.stop():
            code = self.run(tick)
            tick = max(next_tick(cron, zone, tick), last_tick(cron, zone, self.clock()))
            following = f"The next tick is at {tick.astimezone(zone):%Y-%m-%d %H:%M %Z}."
            self.tell(f"The run ended with exit code {code}. {following}" if code else following)
            self._wait_until(tick)

    def _wait_until(self, tick: datetime) -> None:
        while not self.stop() and (left := (tick - self.clock()).total_seconds()) > 0:
            self.sleep(min(left, NAP_SECONDS))
