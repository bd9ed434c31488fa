"""One nightly as a trace in a file: every step, call, dbt node and commit has its span under one root."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import finks
import pytest
from finks.lake.catalog import find_table
from finks_connectors.demo.command import LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

pytestmark = pytest.mark.slow

CANARY = "canary-key-0123456789abcdef"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

SETTINGS = """
[run]
logical_date = "{date}"

[observe]
traces = "trace.jsonl"
metrics = "emf"
logs = "json"
environment = "test"

[sources.files]
transactions = "transactions.csv"
portfolios = "portfolios.csv"

[sources.fmp]
base_url = "{url}"
plan = "ultimate"
symbols = ["AAPL", "MSFT", "IBM"]
pairs = ["EURUSD"]
start = {start}
"""


class Nightly:
    """What one `finks run` left: its report, its trace, and everything that it wrote."""

    def __init__(self, folder: Path, done) -> None:
        self.folder = folder
        self.done = done
        self.report = json.loads(done.stdout)
        self.spans = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]

    def named(self, start: str) -> list[dict]:
        return [span for span in self.spans if span["name"].startswith(start)]

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.done.stderr.splitlines()]


@pytest.fixture(scope="module")
def nightly(tmp_path_factory, finks_command) -> Nightly:
    folder = tmp_path_factory.mktemp("nightly")
    prepare(folder)
    with SimulatedFmp(today=LAST_SESSION, keys={CANARY: "ultimate"}) as vendor:
        (folder / "finks.toml").write_text(
            SETTINGS.format(date=LAST_SESSION, url=vendor.url, start=date(2000, 3, 1).isoformat())
        )
        done = finks_command("run", "--json", cwd=folder, FINKS_SOURCES__FMP__API_KEY=CANARY, TRACEPARENT=PARENT)
    assert done.returncode == 0, done.stderr[-3000:]
    return Nightly(folder, done)


def test_every_span_is_below_one_root_and_that_continues_the_caller_s_trace(nightly):
    identities = {span["context"]["span_id"] for span in nightly.spans}
    (root,) = [span for span in nightly.spans if span["parent_id"] not in identities]
    assert (root["name"], root["attributes"]["finks.run_id"]) == ("finks run", nightly.report["run_id"])
    assert root["parent_id"] == f"0x{PARENT.split('-')[2]}"
    assert {span["context"]["trace_id"] for span in nightly.spans} == {f"0x{PARENT.split('-')[1]}"}


def test_every_step_has_its_span(nightly):
    steps = Counter(span["attributes"]["finks.stage"] for span in nightly.spans if "finks.stage" in span["attributes"])
    assert steps["ingest"] == len(nightly.report["streams"])
    assert steps["build"] == steps["publish"] == 1
    assert steps["plan"] >= 2
    assert steps["refine"] >= 2


def test_every_call_has_its_span_with_its_class_and_outcome(nightly):
    calls = [span["attributes"] for span in nightly.named("GET ")]
    for table, stream in nightly.report["streams"].items():
        mine = [call for call in calls if f"{call['finks.source']}_{call['finks.stream']}" == table]
        assert sum(call["finks.attempts"] for call in mine) == stream["calls"]
        assert Counter(call["finks.outcome"] for call in mine) == stream["slices"]
        assert all(call["finks.endpoint_class"] and "?" not in call["url.path"] for call in mine)


def test_every_dbt_node_has_its_span_below_the_build(nightly):
    nodes = nightly.named("dbt ")
    (build,) = nightly.named("build gold")
    assert {node["parent_id"] for node in nodes} == {build["context"]["span_id"]}
    kinds = Counter(node["attributes"]["finks.node"].split(".")[0] for node in nodes)
    assert kinds["test"] + kinds["unit_test"] == nightly.report["gold"]["tests"]
    assert {f"dbt model {name}" for name in nightly.report["gold"]["tables"]} <= {node["name"] for node in nodes}
    assert all(build["start_time"] <= node["start_time"] <= node["end_time"] <= build["end_time"] for node in nodes)


def test_every_snapshot_of_the_lake_is_a_commit_of_the_trace(nightly):
    commits = {span["attributes"].get("finks.snapshot_id"): span for span in nightly.named("commit")}
    lake = finks.open(nightly.folder / "lake")
    seen = 0
    for zone, names in lake.tables().items():
        for name in names:
            table = find_table(lake.catalog, f"{zone}.{name}")
            for snapshot in table.snapshots():
                # Emptying a mart before it is filled again is a snapshot of the same commit.
                if snapshot.snapshot_id == table.current_snapshot().snapshot_id:
                    place = snapshot.summary.get("finks.traceparent").split("-")
                    assert f"0x{place[2]}" == commits[snapshot.snapshot_id]["context"]["span_id"]
                assert snapshot.summary.get("finks.run-id") == nightly.report["run_id"]
                seen += 1
    assert seen >= 2 * len(nightly.report["streams"])


def test_every_line_of_the_log_is_json_and_names_run_and_span(nightly):
    spans = {span["context"]["span_id"] for span in nightly.spans}
    events = [line for line in nightly.lines() if line.get("logger") == "finks.run"]
    assert {"run.started", "step.finished", "bronze.committed", "gold.published"} <= {line["event"] for line in events}
    assert {line["run_id"] for line in events} == {nightly.report["run_id"]}
    assert {f"0x{line['span_id']}" for line in events} <= spans


def test_the_metrics_of_the_run_are_among_the_lines(nightly):
    metrics = [line for line in nightly.lines() if "_aws" in line]
    (whole,) = [line for line in metrics if "run_succeeded" in line]
    assert (whole["run_succeeded"], whole["environment"], whole["run_id"]) == (1, "test", nightly.report["run_id"])
    assert {line["dataset"] for line in metrics if "dataset" in line} == set(nightly.report["streams"])


def test_the_key_is_in_no_byte_that_the_run_left(nightly):
    files = [path for path in nightly.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    written = {path: path.read_bytes() for path in files}
    assert [path for path, content in written.items() if CANARY.encode() in content] == []
    assert CANARY not in nightly.done.stdout + nightly.done.stderr
