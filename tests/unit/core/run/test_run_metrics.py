"""What a report becomes as metrics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from finks.observe.metrics import MemoryMetrics
from finks.run.listeners.metrics import run_metrics
from finks.run.listeners.observing import MetricsListener
from finks.run.report import GoldReport, RunReport, StreamReport
from finks.run.settings import Settings

START = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def report() -> RunReport:
    bars = StreamReport(
        table="acme_bars", slices={"ok": 7, "not_entitled": 1}, calls=9, wire_bytes=1200, read=100, new=60, changed=4,
        rejected=5, share_rejected=0.05, gaps=2, behind={"IBM": 1}, newest=date(2024, 2, 29),
    )  # fmt: skip
    return RunReport(
        run_id="run-1", logical_date=date(2024, 3, 1), lake="lake", started_at=START,
        finished_at=START + timedelta(seconds=90), status="succeeded", seconds={"ingest": 40.5},
        streams={"acme_bars": bars, "acme_quiet": StreamReport(table="acme_quiet")},
        gold=GoldReport(status="published"),
    )  # fmt: skip


def values(report: RunReport, **dimensions: str) -> dict[str, float]:
    wanted = {"environment": "test", **dimensions}
    return {metric.name: metric.value for metric in run_metrics(report, "test") if metric.dimensions == wanted}


def test_the_run_as_a_whole(report):
    assert values(report) == {"run_succeeded": 1, "gold_published": 1, "run_seconds": 90}


def test_the_seconds_of_a_stage(report):
    assert values(report, stage="ingest") == {"stage_seconds": 40.5}


def test_a_dataset(report):
    assert values(report, dataset="acme_bars") == {
        "records_read": 100, "records_new": 60, "records_changed": 4, "records_rejected": 5, "share_rejected": 5.0,
        "calls": 9, "wire_bytes": 1200, "slices_failed": 0, "slices_ok": 7, "slices_not_entitled": 1, "gaps": 2,
        "keys_behind": 1, "freshness_lag_days": 1,
    }  # fmt: skip


def test_what_is_not_known_is_not_measured(report):
    assert "freshness_lag_days" not in values(report, dataset="acme_quiet")


@pytest.mark.parametrize(("status", "served"), [("unchanged", 1), ("held back", 0), ("failed", 0), ("not built", 0)])
def test_gold_counts_as_published_where_it_is_this_run_s(report, status, served):
    report.gold.status = status
    assert values(report)["gold_published"] == served


def test_a_run_that_ended_badly_did_not_succeed(report):
    report.settle(4, "the source is down")
    assert values(report)["run_succeeded"] == 0


def test_the_listener_delivers_them_with_the_run_s_id_beside_them(report):
    sink = MemoryMetrics()
    MetricsListener(sink).run_ended(None, Settings(), report)
    assert sink.metrics == run_metrics(report, "dev")
    assert sink.properties[0]["run_id"] == "run-1"
