"""Every commit is a span, and its snapshot says which run and which span made it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from finks.errors import ConflictError
from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.lake.writing import committing
from finks.observe import run_context
from opentelemetry.trace import StatusCode, format_span_id
from pyiceberg.exceptions import CommitFailedException


def test_a_commit_and_its_span_name_each_other(spans, tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    with run_context("run-1"):
        lake.publish({"summary": pa.table({"n": [1, 2]})}, run_id="run-1")
    found = {one.attributes["finks.table"]: one for one in spans.get_finished_spans() if one.name == "commit"}
    assert set(found) == {"gold.summary", "gold.releases"}
    for table, commit in found.items():
        snapshot = find_table(lake.catalog, table).current_snapshot()
        assert commit.attributes["finks.snapshot_id"] == snapshot.snapshot_id
        assert commit.attributes["finks.operation"] == snapshot.summary.get("finks.operation")
        assert snapshot.summary.get("finks.run-id") == "run-1"
        assert snapshot.summary.get("finks.traceparent").split("-")[2] == format_span_id(commit.context.span_id)
    assert found["gold.summary"].attributes["finks.rows"] == 2


def test_outside_a_run_and_a_trace_a_commit_is_a_commit(tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    lake.publish({"summary": pa.table({"n": [1]})}, run_id="by hand")
    assert find_table(lake.catalog, "gold.summary").current_snapshot().summary.get("finks.run-id") == "by hand"


def test_a_commit_that_is_always_overtaken_is_a_failed_span(spans):
    def attempt() -> None:
        raise CommitFailedException("moved")

    with pytest.raises(ConflictError):
        committing("silver.bars", attempt)
    (commit,) = spans.get_finished_spans()
    assert (commit.status.status_code, commit.attributes["error.type"]) == (StatusCode.ERROR, "ConflictError")
