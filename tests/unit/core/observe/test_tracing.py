"""Spans: their names, their tree, how they fail, and what they never say."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from finks.errors import ConfigurationError
from finks.observe import (
    child_environment,
    current_run,
    provenance,
    query_comment,
    record_span,
    run_context,
    span,
    traceparent,
)
from finks.redact import Redactor
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import StatusCode, format_trace_id

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CANARY = "canary+key/0123456789"


def test_a_name_without_a_dot_is_finks_own(spans):
    with span("work", rows=3, absent=None, **{"url.path": "/a"}):
        pass
    (done,) = spans.get_finished_spans()
    assert dict(done.attributes) == {"finks.rows": 3, "url.path": "/a"}


def test_a_run_is_the_root_and_names_itself(spans):
    with run_context("run-1"), span("step"):
        assert current_run() == "run-1"
    step, root = spans.get_finished_spans()
    assert (root.parent, root.attributes["finks.run_id"]) == (None, "run-1")
    assert step.parent.span_id == root.context.span_id
    assert current_run() is None


def test_a_run_continues_the_trace_of_the_process_that_started_it(spans, monkeypatch):
    monkeypatch.setenv("TRACEPARENT", GIVEN)
    with run_context("run-1"):
        pass
    (root,) = spans.get_finished_spans()
    assert format_trace_id(root.context.trace_id) == GIVEN[3:35]


def test_the_current_span_wins_over_the_environment(spans, monkeypatch):
    monkeypatch.setenv("TRACEPARENT", GIVEN)
    with span("host"), run_context("run-1"):
        pass
    root, host = spans.get_finished_spans()
    assert root.parent.span_id == host.context.span_id


@pytest.mark.parametrize("wrong", ["", "nonsense", GIVEN.replace("00-", "ff-", 1), "00-" + "0" * 32 + GIVEN[35:]])
def test_a_wrong_variable_begins_a_trace(spans, monkeypatch, wrong):
    monkeypatch.setenv("TRACEPARENT", wrong)
    with run_context("run-1"):
        pass
    assert spans.get_finished_spans()[0].parent is None


def test_a_child_continues_where_the_parent_is(spans, monkeypatch):
    with run_context("run-1"), span("build"):
        told = child_environment()
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", told["TRACEPARENT"])
    monkeypatch.setenv("TRACEPARENT", told["TRACEPARENT"])
    with run_context(told["FINKS_RUN_ID"]):
        pass
    build, _, child = spans.get_finished_spans()
    assert (child.parent.span_id, child.context.trace_id) == (build.context.span_id, build.context.trace_id)


def test_a_thread_of_the_loop_is_in_the_same_run_and_span(spans):
    async def work():
        with run_context("run-1"), span("step"):
            here = (current_run(), traceparent())
            return here, await asyncio.to_thread(lambda: (current_run(), traceparent()))

    here, there = asyncio.run(work())
    assert here == there == ("run-1", here[1])


def test_an_exception_fails_the_span_and_no_secret_comes_out(spans):
    def fail():
        with span("work", url=f"http://x/{CANARY}"):
            raise ValueError(f"the key {CANARY} is wrong")

    with Redactor([CANARY]).guarding_logs(), pytest.raises(ValueError, match="canary"):
        fail()
    (done,) = spans.get_finished_spans()
    assert done.status.status_code is StatusCode.ERROR
    assert done.status.description == "the key [redacted] is wrong"
    assert done.attributes["error.type"] == "ValueError"
    assert CANARY not in done.to_json()


def test_what_is_over_becomes_a_span_with_its_own_times(spans):
    begin = datetime(2024, 2, 29, 12, 0, 0, 123457, UTC)
    with span("build"):
        record_span("dbt model a", begin, begin + timedelta(seconds=2), "Binder Error", status="error")
    model, build = spans.get_finished_spans()
    assert (model.start_time, model.end_time - model.start_time) == (1709208000123457000, 2_000_000_000)
    assert (model.parent.span_id, model.status.description) == (build.context.span_id, "Binder Error")


@given(st.text())
def test_a_run_id_cannot_end_a_comment_or_a_header(text):
    try:
        with run_context(text):
            comment = query_comment()
    except ConfigurationError:
        return
    assert re.fullmatch(r"/\* finks run=[A-Za-z0-9._:-]+( traceparent=[0-9a-f-]+)? \*/\n", comment)


def test_outside_a_run_there_is_no_comment(spans):
    with span("reading"):
        assert query_comment() == ""


def alone(code: str, **environment: str) -> str:
    """What a process prints that has no tracer provider."""
    return subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip()


def test_without_the_sdk_nothing_is_traced_and_the_run_is_still_named():
    code = (
        "from finks.observe import *\n"
        "with run_context('run-1'), span('work'): print(traceparent(), provenance(), child_environment())"
    )
    assert alone(code) == "None {'finks.run-id': 'run-1'} {'FINKS_RUN_ID': 'run-1'}"


def test_without_the_sdk_a_trace_passes_through():
    code = "from finks.observe import *\nwith run_context('run-1'), span('work'): print(traceparent())"
    assert alone(code, TRACEPARENT=GIVEN) == GIVEN


def test_a_commit_is_named_by_run_and_span(spans):
    with run_context("run-1"):
        assert provenance() == {"finks.run-id": "run-1", "finks.traceparent": traceparent()}
