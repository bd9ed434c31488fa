"""Metrics in CloudWatch, and the run's name in Athena's history of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pyarrow as pa
import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.observe import run_context, traceparent
from finks.observe.metrics import Metric
from finks.run.listeners.observing import metrics_listeners
from finks.run.report import RunReport, StreamReport
from finks.run.sections import ObserveSettings
from finks.run.settings import Settings

pytestmark = pytest.mark.aws


def test_a_run_s_metrics_are_in_cloudwatch(aws):
    settings = Settings(observe=ObserveSettings(metrics="cloudwatch", environment="test"))
    now = datetime.now(UTC)
    bars = StreamReport(table="acme_bars", read=123456, slices={"failed": 2})
    report = RunReport(
        run_id="run-1",
        logical_date=now.date(),
        lake="lake",
        started_at=now,
        finished_at=now,
        streams={"acme_bars": bars},
    )
    (listener,) = metrics_listeners(settings)
    listener.run_ended(None, settings, report)
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="finks", MetricName="records_read", Period=3600, Statistics=["Sum"],
        Dimensions=[{"Name": "environment", "Value": "test"}, {"Name": "dataset", "Value": "acme_bars"}],
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1),
    )  # fmt: skip
    assert [point["Sum"] for point in found["Datapoints"]] == [123456]


def test_more_metrics_than_one_call_takes_all_arrive(aws):
    now = datetime.now(UTC)
    (listener,) = metrics_listeners(Settings(observe=ObserveSettings(metrics="cloudwatch")))
    metrics = [Metric("many", 1, dimensions={"dataset": f"d{number}"}) for number in range(1234)]
    listener.sink.write(metrics, at=now, properties={})
    pages = boto3.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace="finks", MetricName="many")
    assert sum(len(page["Metrics"]) for page in pages) == 1234


@pytest.fixture
def lake(new_lake) -> Lake:
    made = Lake.open(new_lake().place(), create=True)
    made.publish({"summary": pa.table({"n": [1]})}, run_id="run-1")
    return made


def history(query_id: str) -> str:
    return boto3.client("athena").get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Query"]


def test_a_query_within_a_run_names_run_and_span_in_athena_s_history(lake, spans):
    found = lake.sql("select n from gold.summary where n = ?", engine="athena", parameters=[1])
    with run_context("run-7"):
        trace_id = traceparent().split("-")[1]
        assert found.arrow()["n"].to_pylist() == [1]
    text = history(found.cost.query_id)
    assert text.startswith(f"/* finks run=run-7 traceparent=00-{trace_id}-")
    (query,) = [one for one in spans.get_finished_spans() if one.name == "Athena query"]
    assert query.attributes["finks.query_id"] == found.cost.query_id


def test_a_query_outside_a_run_stays_as_it_is_so_that_its_result_can_be_reused(lake):
    found = lake.sql("select n from gold.summary", engine="athena")
    found.arrow()
    assert history(found.cost.query_id).startswith("select")


def test_a_query_that_fails_is_a_failed_span_with_its_id(lake, spans):
    with pytest.raises(ConfigurationError):
        lake.sql("select cast('a' as integer)", engine="athena").arrow()
    (query,) = [one for one in spans.get_finished_spans() if one.name == "Athena query"]
    assert query.attributes["error.type"] == "ConfigurationError"
    assert query.attributes["finks.query_id"]
