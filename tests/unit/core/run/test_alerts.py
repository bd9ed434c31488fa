"""What a report means: one alert for each thing that is wrong, and what a run can say is over."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from finks.notify import AlertSettings
from finks.run.listeners.alerts import alerts_of, is_over, weekdays
from finks.run.report import HELD_BACK, RunReport

NOW = datetime(2024, 6, 3, 21, tzinfo=UTC)
MONDAY = date(2024, 6, 3)
SETTINGS = AlertSettings(runbook="https://wiki/runbook", run_link="https://prefect/{run_id}")


def ended(*tables: str) -> RunReport:
    """The report of a run that went through these tables of the source acme."""
    report = RunReport(run_id="r1", logical_date=MONDAY, lake="lake", started_at=NOW, finished_at=NOW)
    for table in tables:
        report.stream(table)
    report.seconds["refine"] = 1.0
    report.gold.status = "published"
    return report


def told(report: RunReport) -> list[tuple[str, str, str]]:
    return [(found.kind, found.subject, found.severity) for found in alerts_of(report, SETTINGS)]


def test_a_run_that_went_well_alerts_nobody():
    assert told(ended("acme_bars")) == []


def test_many_keys_of_a_stream_that_fail_for_several_reasons_are_one_alert():
    report = ended("acme_bars")
    report.streams["acme_bars"].problems = {"HTTP 503": 300, "HTTP 402": 2}
    report.settle(
        4, "acme_bars: 300 slices are not whole", "Later.", subject="acme_bars", error="SourceUnavailableError"
    )
    report.settle(3, "acme_bars: 2 slices are not whole", "Pay.", subject="acme_bars", error="EntitlementError")
    (found,) = alerts_of(report, SETTINGS)
    assert (found.kind, found.subject, found.severity) == ("failure", "acme_bars", "warning")
    assert "300 × HTTP 503" in found.reason
    assert "2 × HTTP 402" in found.reason


def test_a_quota_is_the_sources_and_one_alert_though_several_streams_lack_it():
    report = ended("acme_bars", "acme_splits")
    for table in report.streams:
        report.settle(4, f"{table}: 5 slices are not whole", subject="acme", error="QuotaExhaustedError")
    assert told(report) == [("quota_exhausted", "acme", "warning")]


def test_a_source_that_refused_to_go_on_says_why_its_streams_failed():
    report = ended("acme_bars")
    report.settle(4, "acme_bars: 1 slice is not whole", subject="acme_bars", error="SourceUnavailableError")
    report.unfinished.append("acme")
    report.settle(2, "acme: refused to go on: HTTP 401", subject="acme", error="CredentialsError")
    assert told(report) == [("failure", "acme", "critical")]


def test_a_contract_breach_that_holds_gold_back_is_one_alert_and_critical():
    report = ended("acme_bars")
    report.gold.status = HELD_BACK
    report.settle(5, "acme_bars: 30 % rejected", subject="acme_bars", error="ContractViolationError")
    (found,) = alerts_of(report, SETTINGS)
    assert (found.kind, found.severity) == ("contract_breach", "critical")
    assert "Gold is held back" in found.reason


def test_a_failed_test_of_gold_is_a_failure_of_gold_that_names_the_test():
    report = ended("acme_bars")
    report.gold.status, report.gold.failures = "failed", ["test unique_summary"]
    report.settle(5, "Gold was not published", subject="gold", error="QualityError")
    (found,) = alerts_of(report, SETTINGS)
    assert (found.kind, found.subject, found.severity) == ("failure", "gold", "critical")
    assert "unique_summary" in found.reason


@pytest.mark.parametrize(
    ("exit_code", "subject", "error", "expected"),
    [
        (143, "run", "", ("failure", "run", "info")),
        (70, "run", "", ("failure", "run", "critical")),
        (6, "acme", "LeaseLostError", ("failure", "run", "critical")),
    ],
)
def test_what_ends_the_run_is_told_of_the_run(exit_code, subject, error, expected):
    report = ended()
    report.settle(exit_code, "ended", subject=subject, error=error)
    assert told(report) == [expected]


def test_an_alert_names_the_run_and_where_to_look():
    report = ended()
    report.settle(70, "ended")
    (found,) = alerts_of(report, SETTINGS)
    assert (found.run_id, found.run_link) == ("r1", "https://prefect/r1")
    assert found.runbook == "https://wiki/runbook#failure"


@pytest.mark.parametrize(
    ("newest", "fresh"), [(date(2024, 5, 31), True), (date(2024, 5, 30), True), (date(2024, 5, 29), False)]
)
def test_a_stream_is_fresh_while_it_lacks_no_more_sessions_than_allowed(newest, fresh):
    # On Monday, Friday's record lacks one session, Thursday's two, Wednesday's three.
    report = ended("acme_bars")
    report.streams["acme_bars"].newest = newest
    assert (told(report) == []) is fresh


def test_the_sessions_are_those_of_the_calendar():
    report = ended("acme_bars")
    report.streams["acme_bars"].newest = date(2024, 5, 29)
    assert alerts_of(report, SETTINGS, lambda first, last: weekdays(first, last)[:2]) == []


def test_keys_that_lag_are_one_alert_with_the_stream():
    report = ended("acme_bars")
    report.streams["acme_bars"].newest = MONDAY
    report.streams["acme_bars"].behind = {"OLD": 40, "SLOW": 1, "GONE": 3}
    (found,) = alerts_of(report, SETTINGS)
    assert (found.kind, found.subject) == ("freshness_breach", "acme_bars")
    assert "OLD, GONE" in found.reason
    assert "SLOW" not in found.reason


def test_a_stream_whose_source_is_down_is_not_told_twice():
    report = ended("acme_bars")
    report.streams["acme_bars"].newest = date(2024, 1, 1)
    report.settle(4, "acme_bars: all slices failed", subject="acme_bars", error="SourceUnavailableError")
    assert told(report) == [("failure", "acme_bars", "warning")]


def opened(kind: str, subject: str):
    report = ended("acme_bars")
    report.settle(4, "x", subject=subject, error="SourceUnavailableError")
    return alerts_of(report, SETTINGS)[0].model_copy(update={"kind": kind})


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("failure", "acme_bars"), ("failure", "acme"), ("quota_exhausted", "acme"), ("contract_breach", "acme_bars"),
        ("failure", "gold"), ("failure", "run"), ("zombie_run", "run"), ("freshness_breach", "run"),
    ],
)  # fmt: skip
def test_a_run_that_looked_and_found_nothing_says_that_it_is_over(kind, subject):
    assert is_over(ended("acme_bars"))(opened(kind, subject))


@pytest.mark.parametrize("kind", ["failure", "contract_breach", "quota_exhausted", "freshness_breach"])
@pytest.mark.parametrize("subject", ["acme", "acme_bars"])
def test_a_run_that_was_stopped_says_of_no_stream_that_it_is_over(kind, subject):
    report = ended("acme_bars")
    report.settle(143, "stopped")
    assert not is_over(report)(opened(kind, subject))


def test_a_source_that_did_not_finish_says_nothing_of_its_streams():
    report = ended("acme_bars", "beta_bars")
    report.unfinished.append("acme")
    over = is_over(report)
    assert not over(opened("failure", "acme_bars"))
    assert over(opened("failure", "beta_bars"))


def test_what_a_run_did_not_touch_is_not_over():
    over = is_over(ended("beta_bars"))
    assert not over(opened("failure", "acme_bars"))
    report = ended("acme_bars")
    report.gold.status = "not built"
    del report.seconds["refine"]
    assert not is_over(report)(opened("failure", "gold"))
    assert not is_over(report)(opened("contract_breach", "acme_bars"))


def test_freshness_is_over_when_the_run_looked_and_no_failure_stands_in_the_way():
    report = ended("acme_bars")
    assert not is_over(report)(opened("freshness_breach", "acme_bars"))
    report.streams["acme_bars"].newest = MONDAY
    assert is_over(report)(opened("freshness_breach", "acme_bars"))
    report.settle(4, "acme_bars: failed", subject="acme_bars", error="SourceUnavailableError")
    assert not is_over(report)(opened("freshness_breach", "acme_bars"))
