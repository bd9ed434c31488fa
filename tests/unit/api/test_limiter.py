"""A plan is kept to, exactly, and what is idle is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from finks_api.keys.limiter import DAY, SWEEP, Limiter
from finks_api.keys.model import Plan
from hypothesis import given
from hypothesis import strategies as st

MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
# Eighths of seconds and of requests, so that sums of floats are exact.
gaps = st.lists(st.integers(0, 8 * 40).map(lambda eighths: eighths / 8), min_size=1, max_size=120)
plans = st.builds(
    Plan,
    rate=st.integers(1, 64).map(lambda eighths: eighths / 8),
    burst=st.integers(1, 12),
    daily_quota=st.none() | st.integers(1, 40),
)


def taken(plan: Plan, pauses: list[float], start: datetime = MIDNIGHT) -> list[tuple[float, str | None]]:
    """What the limiter said, and when: seconds after the start."""
    said, elapsed = [], 0.0
    limiter = Limiter(lambda: start + timedelta(seconds=elapsed))
    for pause in pauses:
        elapsed += pause
        said.append((elapsed, limiter.take("key", plan)))
    return said


@given(plans, gaps)
def test_no_stretch_of_time_has_more_requests_than_burst_and_rate_allow(plan, pauses):
    passed = [at for at, refused in taken(plan, pauses) if refused is None]
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= plan.burst + plan.rate * (passed[last] - passed[first])


@given(plans, gaps)
def test_a_request_is_refused_for_its_rate_only_when_one_more_would_be_too_many(plan, pauses):
    tokens, before = float(plan.burst), 0.0
    for at, refused in taken(plan, pauses):
        tokens, before = min(plan.burst, tokens + (at - before) * plan.rate), at
        assert (refused == "rate-exceeded") == (tokens < 1)
        tokens -= refused is None


@given(plans, gaps, st.integers(0, 1200))
def test_a_day_has_as_many_requests_as_the_quota_and_a_new_day_in_utc_begins_anew(plan, pauses, early):
    start = MIDNIGHT - timedelta(seconds=early)
    used: dict[str, int] = {}
    for at, refused in taken(plan, pauses, start):
        day = (start + timedelta(seconds=at)).date().isoformat()
        full = plan.daily_quota is not None and used.get(day, 0) >= plan.daily_quota
        assert (refused == "quota-exceeded") == (full and refused != "rate-exceeded")
        used[day] = used.get(day, 0) + (refused is None)


def test_keys_do_not_count_for_each_other(clock):
    limiter, plan = Limiter(clock), Plan(rate=1, burst=1)
    assert [limiter.take(key, plan) for key in ("a", "b", "a")] == [None, None, "rate-exceeded"]


def test_a_clock_that_is_set_back_gives_nothing_away(clock):
    limiter, plan = Limiter(clock), Plan(rate=1, burst=1, daily_quota=1)
    assert limiter.take("a", plan) is None
    clock.pass_by(-2 * DAY)
    assert limiter.take("a", plan) == "rate-exceeded"
    clock.pass_by(2 * DAY + 10)
    assert limiter.take("a", plan) == "quota-exceeded"


def test_a_plan_that_is_cut_cuts_what_is_saved_up(clock):
    limiter = Limiter(clock)
    assert limiter.take("a", Plan(rate=1, burst=100)) is None
    less = Plan(rate=1, burst=1)
    assert [limiter.take("a", less) for _ in range(2)] == [None, "rate-exceeded"]


def test_a_key_without_a_quota_is_forgotten_once_it_may_do_everything_again(clock):
    limiter, plan = Limiter(clock), Plan(rate=1, burst=5)
    for number in range(10_000):
        limiter.take(str(number), plan)
    clock.pass_by(SWEEP)
    limiter.take("one more", plan)
    assert len(limiter) == 1


def test_a_key_with_a_quota_is_remembered_until_the_day_is_over(clock):
    limiter, plan = Limiter(clock), Plan(rate=1, burst=5, daily_quota=1)
    limiter.take("a", plan)
    clock.pass_by(10 * SWEEP)
    assert limiter.take("a", plan) == "quota-exceeded"
    clock.pass_by(DAY)
    limiter.take("b", plan)
    assert len(limiter) == 1
