"""A run whose refinement is a Spark job of its own: the same tables and counts, and no process that outlives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import boto3
import pytest
from engines import assert_equal
from finks.errors import LeaseLostError
from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.plugins import build_source
from finks.redact import Redactor
from finks.run.events import ignore
from finks.run.ingest import IngestContext
from finks.run.planning import selected_streams
from finks.run.refine_engines import COUNTS, refine_engine
from finks.run.report import RunReport
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RefineSettings, RunSettings
from finks.run.settings import Settings
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION
from finks_connectors.fmp.simulator import SimulatedFmp
from local_spark import SQLITE_JAR, SQLITE_LIBRARY, jar, submit_arguments

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
STREAMS = ("daily_bars", "dividends", "splits", "profiles")
SPARK = RefineSettings(engine="spark", poll=0.5)
OPTIONS = RunOptions(gold=False)


@pytest.fixture(scope="module")
def vendor():
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as running:
        running.restate("IBM", "2012-06-01", "high", "1.00")
        yield running


@pytest.fixture
def settings(tmp_path, vendor) -> Callable[..., Settings]:
    def made(lake: Path | str, **sections) -> Settings:
        fmp = {"root": tmp_path, "base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate",
               "symbols": ["IBM", "AAPL"], "start": date(2011, 1, 1), "select": STREAMS}  # fmt: skip
        return Settings(
            lake=LakeSettings(path=lake),
            run=RunSettings(logical_date=LAST_SESSION, max_rejected=0.5),
            sources={"fmp": fmp},
            **sections,
        )

    return made


@pytest.fixture
def calm(tmp_path, settings) -> tuple[Lake, RunReport]:
    """A lake that was filled in one process, and the run's report."""
    report = Runner(settings(tmp_path / "calm"), OPTIONS).run()
    return Lake.open(tmp_path / "calm"), report


@pytest.fixture
def landed(tmp_path, calm) -> Path:
    """A lake with the same responses in Bronze, of which nothing is refined."""
    copy_bronze(calm[0], Lake.open(tmp_path / "other", create=True))
    return tmp_path / "other"


@pytest.fixture
def local_spark(monkeypatch) -> None:
    """What a Spark process on this machine has to know, in its environment."""
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", SQLITE_LIBRARY)
    jars = [jar("snowpark-connect-deps-iceberg", "iceberg-spark-runtime-3.5_2.12"), SQLITE_JAR]
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", submit_arguments(jars))


def copy_bronze(source: Lake, target: Lake) -> None:
    for stream in STREAMS:
        table = find_table(source.catalog, f"bronze.fmp_{stream}")
        assert table is not None
        target.bronze(f"fmp_{stream}").append(table.scan().to_arrow(), {})


def assert_same(calm: tuple[Lake, RunReport], lake: Lake, report: RunReport) -> None:
    """Equal tables, and equal counts of each stream."""
    for stream in STREAMS:
        table = f"fmp_{stream}"
        ours, theirs = calm[1].stream(table), report.stream(table)
        for name in (*COUNTS, "rules", "malformed", "share_rejected"):
            assert getattr(theirs, name) == getattr(ours, name), (table, name)
        assert_equal(calm[0], lake, table)
    assert report.total("rejected") == 1


def processes() -> dict[int, tuple[int, list[bytes]]]:
    """The processes that are alive: their number, group and command."""
    found: dict[int, tuple[int, list[bytes]]] = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if state != "Z":
                    found[int(entry.name)] = int(group), (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def job_of(lake: Path) -> dict[int, list[bytes]]:
    """The processes of a job on this lake, its Java machine among them, and their commands."""
    alive = processes()
    groups = {group for group, words in alive.values() if {b"finks.run.spark", str(lake).encode()} <= set(words)}
    return {number: words for number, (group, words) in alive.items() if group in groups}


def has_java(lake: Path) -> bool:
    """Whether a job on this lake has its Java machine."""
    return any(words[0].endswith(b"java") for words in job_of(lake).values())


def test_a_run_by_spark_has_the_tables_and_the_counts_of_one_in_process(calm, landed, settings, local_spark):
    report = Runner(settings(landed, refine=SPARK), OPTIONS).run()
    assert report.exit_code == 0, report.problems
    assert_same(calm, Lake.open(landed), report)
    again = Runner(settings(landed, refine=SPARK), OPTIONS).run()
    assert Lake.open(landed).place.kept_names(f"jobs/{again.run_id}/") == [], "nothing new, so no job"
    assert again.stream("fmp_daily_bars").share_rejected == report.stream("fmp_daily_bars").share_rejected


def test_a_stopped_run_ends_its_job(calm, landed, settings, local_spark):
    runner = Runner(settings(landed, refine=SPARK), OPTIONS)

    def stop() -> None:
        while not has_java(landed):
            time.sleep(0.05)
        runner.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    report = runner.run()
    stopper.join()
    assert report.exit_code == 143
    assert job_of(landed) == {}
    assert_same(calm, Lake.open(landed), Runner(settings(landed), OPTIONS).run())


def test_a_killed_run_takes_its_job_with_it(calm, landed, settings, local_spark, vendor):
    text = f"""
        [lake]
        path = "{landed}"
        [refine]
        engine = "spark"
        [sources.fmp]
        base_url = "{vendor.url}"
        api_key = "{DEMO_KEY}"
        plan = "ultimate"
        symbols = ["IBM", "AAPL"]
        start = 2011-01-01
        select = {json.dumps(STREAMS)}
    """
    (landed.parent / "finks.toml").write_text(text)
    command = [str(Path(sys.executable).with_name("finks")), "run", "--no-gold", "--quiet", "--date", str(LAST_SESSION)]
    with subprocess.Popen(command, cwd=landed.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not has_java(landed):
            assert process.poll() is None
            time.sleep(0.05)
        before = job_of(landed)
        process.send_signal(signal.SIGKILL)
    while before.keys() & processes().keys():
        time.sleep(0.05)
    assert_same(calm, Lake.open(landed), Runner(settings(landed), OPTIONS).run())


def test_a_job_of_a_run_that_lost_the_lake_says_so_in_its_own_words(calm, landed, settings, local_spark):
    made = settings(landed, refine=SPARK)
    source = build_source("fmp", made.sources["fmp"])
    lake = Lake.open(landed)
    report = RunReport(run_id="run-1", logical_date=LAST_SESSION, lake=str(landed), started_at=lake._clock())
    context = IngestContext(lake, source, "run-1", LAST_SESSION, Redactor(), report, ignore)
    with pytest.raises(LeaseLostError, match="run-1"):
        refine_engine(made.refine).refine(context, selected_streams(source), lambda: False)
    assert report.total("read") == 0


@pytest.mark.aws
def test_the_script_of_the_glue_job_serves_a_run_on_a_lake_on_aws(calm, settings, aws_environment, monkeypatch):
    boto3.client("s3").create_bucket(Bucket="finks-spark-run")
    lake = Lake.open("s3://finks-spark-run/lake", create=True)
    copy_bronze(calm[0], lake)
    spark = submit_arguments([jar("sagemaker-feature-store-pyspark", "spark-sdk-3.5")])
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", spark)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    command = (sys.executable, "-W", "ignore", str(ROOT / "deploy/glue/refine.py"), "--JOB_NAME", "refine",
               "--iceberg", "smfs.shaded.org.apache.iceberg")  # fmt: skip
    refine = SPARK.model_copy(update={"command": command})
    report = Runner(settings("s3://finks-spark-run/lake", refine=refine), OPTIONS).run()
    assert report.exit_code == 0, report.problems
    assert_same(calm, lake, report)
