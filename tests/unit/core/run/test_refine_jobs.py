"""What a Spark job is given: all that it needs, and no secret."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, date, datetime

import pytest
from finks.errors import ConfigurationError, StoppedError
from finks.lake import Lake
from finks.observe import run_context
from finks.plugins import build_source
from finks.redact import Redactor
from finks.run.events import ignore
from finks.run.ingest import IngestContext
from finks.run.jobs.waiting import in_thread
from finks.run.planning import selected_streams
from finks.run.refine_engines import harmless, refine_engine, refine_job
from finks.run.report import RunReport
from finks.run.sections import RefineSettings
from finks.source.protocol import BaseSource, SourceConfig

CANARY = "canary-7f3a9c21"
DATE = date(2026, 1, 2)


class Outspoken(BaseSource):
    """A source that keeps its secrets as plain text."""

    class Config(SourceConfig):
        password: str
        symbols: tuple[str, ...]
        login: dict[str, str]


@pytest.fixture
def fmp() -> BaseSource:
    return build_source("fmp", {"api_key": CANARY, "symbols": ["AAPL"], "start": date(2020, 1, 1)})


@pytest.fixture
def context(tmp_path, fmp) -> IngestContext:
    lake = Lake.open(tmp_path / "lake", create=True)
    report = RunReport(run_id="run-1", logical_date=DATE, lake="", started_at=datetime(2026, 1, 2, tzinfo=UTC))
    return IngestContext(lake, fmp, "run-1", DATE, Redactor(), report, ignore)


def test_a_job_is_told_where_and_what_and_no_secret(context, fmp, tmp_path):
    streams = selected_streams(fmp)[:2]
    with run_context("run-1"):
        job = refine_job(context, streams, "refine-3")
    arguments = dict(zip(job.arguments[::2], job.arguments[1::2], strict=True))
    settings = arguments.pop("--settings")
    # A tracer that another test has set up gives the job its place in the trace too.
    arguments.pop("--traceparent", None)
    assert arguments == {
        "--lake": str(tmp_path / "lake"),
        "--source": "fmp",
        "--streams": ",".join(stream.name for stream in streams),
        "--joins": "run-1",
        "--report": "jobs/run-1/refine-3.json",
    }
    assert {name for name in job.environment if name != "TRACEPARENT"} == {"FINKS_RUN_ID"}
    assert CANARY not in repr(job)
    again = build_source("fmp", json.loads(settings))
    assert [stream.name for stream in again.streams()] == [stream.name for stream in fmp.streams()]


def test_what_is_only_called_a_secret_is_masked_too():
    config = Outspoken.Config(password=CANARY, symbols=("AAPL",), login={"user": "me", "token": CANARY})
    assert harmless(Outspoken(config)) == {
        "password": "[redacted]",
        "symbols": ["AAPL"],
        "login": {"user": "me", "token": "[redacted]"},
    }


def test_nothing_new_starts_no_job(context, fmp):
    settings = RefineSettings(engine="spark", command=("/nowhere/to/be/found",))
    refine_engine(settings).refine(context, selected_streams(fmp), lambda: False)
    assert context.report.logs == {}


def test_glue_without_the_name_of_its_job_is_refused():
    with pytest.raises(ConfigurationError, match=r"refine\.glue_job"):
        refine_engine(RefineSettings(engine="glue"))


def test_a_cancelled_coroutine_leaves_no_work_behind():
    begun, ended = threading.Event(), threading.Event()

    def work(stop) -> None:
        begun.set()
        while not stop():
            threading.Event().wait(0.01)
        ended.set()
        raise StoppedError("stopped")

    async def cancelled() -> None:
        task = asyncio.ensure_future(in_thread(work, lambda: False))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(cancelled())
