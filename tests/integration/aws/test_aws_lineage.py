"""Lineage of a lake on S3: raw events in the bucket, the index in DynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from finks.lake import Lake
from finks.lineage.dynamo_index import DynamoIndex
from finks.lineage.edges import Happening
from finks.lineage.graph import walk
from finks.lineage.model import Edge
from finks.lineage.sqlite_index import SqliteIndex
from finks.lineage.store import EventStore
from finks.lineage.view import Lineage
from finks.run.listeners.chosen import listeners
from finks.run.runner import Runner, RunOptions

pytestmark = [pytest.mark.aws, pytest.mark.slow]

START = datetime(2026, 1, 1, tzinfo=UTC)


def edge(source: str, target: str, run: int, columns=None) -> Edge:
    return Edge(source, target, f"job.{target}", f"run-{run}", START + timedelta(days=run), columns)


RUNS = [
    [edge("a", "c", 1, {"x": ("y", "z")}), edge("b", "c", 1), edge("c", "d", 1, {})],
    [edge("b", "c", 2), edge("c", "d", 2, {"v": ("x",)})],
    [edge("a", "c", 0)],  # told late: older than what is known
    [edge(f"many-{number}", "big", 1) for number in range(60)],  # more than one batch of DynamoDB
]


def indexes(tmp_path, lake: str):
    return SqliteIndex(tmp_path / "lineage.db"), DynamoIndex(boto3.client("dynamodb"), "finks-test-lineage", lake)


def test_both_indexes_answer_alike_and_lakes_in_one_table_do_not_meet(aws, tmp_path):
    other = indexes(tmp_path, "s3://bucket/other")[1]
    other.add([], [edge("a", "z", 1)])
    local, remote = indexes(tmp_path, "s3://bucket/lake")
    for number, edges in enumerate(RUNS * 2):
        told = [Happening(f"run-{number}", "job.c", kind, START) for kind in ("START", "COMPLETE")]
        for index in (local, remote):
            index.add(told, edges)
    assert remote.datasets() == local.datasets()
    assert remote.run("run-1") == local.run("run-1")
    for name in local.datasets():
        assert walk(remote, name) == walk(local, name)
        assert walk(remote, name, ["x"]) == walk(local, name, ["x"])
    remote.clear()
    assert (remote.datasets(), remote.upstream("c"), remote.downstream("c"), remote.run("run-1")) == ([], [], [], [])
    assert other.datasets() == ["a", "z"]


def test_a_run_leaves_its_events_in_the_bucket_and_its_index_in_dynamodb(small):
    report = Runner(small, RunOptions(gold=False), listeners=listeners(small)).run()
    assert report.problems == []
    lake = Lake.open(small.lake.place())
    lineage = Lineage(lake)
    graph = lineage.graph("silver.fmp_daily_bars")
    assert {"bronze.fmp_daily_bars", "silver.fmp_daily_bars"} <= graph.datasets
    assert "quarantine.fmp_daily_bars" in lineage.graph("bronze.fmp_daily_bars").datasets
    ended = {
        event["job"]["name"]: event
        for event in EventStore(lake.place).of_run(report.run_id)
        if event["eventType"] != "START"
    }
    silver = ended["refine.fmp_daily_bars"]["outputs"][0]
    assert (silver["namespace"], silver["name"].split("/")[-2:]) == ("s3://finks-test", ["silver", "fmp_daily_bars"])
    names = {(link["namespace"], link["name"]) for link in silver["facets"]["symlinks"]["identifiers"]}
    assert any(
        namespace.startswith("arn:aws:glue:") and name == f"table/{small.lake.database_prefix}silver/fmp_daily_bars"
        for namespace, name in names
    )
    before = {name: lineage.graph(name) for name in lineage.datasets()}
    assert lineage.rebuild() == 1
    assert {name: lineage.graph(name) for name in lineage.datasets()} == before
