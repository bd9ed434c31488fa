"""The Glue job's script on a lake on S3 and the Glue Data Catalog, whose tables the in-process runner made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import boto3
import pytest
from engines import assert_equal, contents
from finks.lake import Lake
from finks.lake.catalog import find_table
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION
from finks_connectors.fmp.simulator import SimulatedFmp
from local_spark import jar, submit_arguments

pytestmark = [pytest.mark.spark, pytest.mark.aws, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[3]
STREAMS = ("daily_bars", "dividends", "splits", "profiles")
ADDRESS = "s3://finks-spark/lake"
ICEBERG = "smfs.shaded.org.apache.iceberg"


@pytest.fixture
def local(tmp_path) -> Lake:
    """A lake on local disk that the in-process runner filled from the simulated vendor, one record rejected."""
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as vendor:
        vendor.restate("IBM", "2012-06-01", "high", "1.00")
        fmp = {"base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate", "symbols": ["IBM", "AAPL"],
               "start": date(2010, 1, 1), "select": STREAMS}  # fmt: skip
        settings = Settings(
            lake=LakeSettings(path=tmp_path / "lake"),
            run=RunSettings(logical_date=LAST_SESSION),
            sources={"fmp": fmp},
        )
        Runner(settings, RunOptions(gold=False)).run()
    return Lake.open(tmp_path / "lake")


@pytest.fixture
def on_aws(aws_environment, local) -> Lake:
    """A lake on the local AWS with the same responses in Bronze, and one table that was refined before."""
    boto3.client("s3").create_bucket(Bucket="finks-spark")
    lake = Lake.open(ADDRESS, create=True)
    for stream in STREAMS:
        landed = find_table(local.catalog, f"bronze.fmp_{stream}")
        assert landed is not None
        lake.bronze(f"fmp_{stream}").append(landed.scan().to_arrow(), {})
    return lake


def refine(*arguments: str) -> list[dict[str, object]]:
    """Run the script as Glue does, with arguments of its own among those of Glue."""
    command = [
        sys.executable, "-W", "ignore", str(ROOT / "deploy" / "glue" / "refine.py"), "--JOB_NAME", "refine",
        "--lake", ADDRESS, "--source", "fmp", "--settings", '{"api_key": "unused"}', "--iceberg", ICEBERG,
        "--TempDir", "s3://finks-spark/temporary", *arguments,
    ]  # fmt: skip
    spark = submit_arguments([jar("sagemaker-feature-store-pyspark", "spark-sdk-3.5")])
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": spark}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_the_job_on_glue_and_s3_equals_the_in_process_runner(local, on_aws):
    lines = refine("--streams", ",".join(STREAMS), "--run_id", "glue-1")
    assert [line["table"] for line in lines] == [f"fmp_{stream}" for stream in STREAMS]
    assert lines[0]["rejected"] == 1
    for stream in STREAMS:
        assert_equal(local, on_aws, f"fmp_{stream}")
        assert contents(on_aws, f"fmp_{stream}")["silver"].height > 0
    again = refine("--streams", "daily_bars")
    assert again[0]["responses"] == 0
