"""awswrangler, in an environment of its own (`wrangler.py`)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import boto3
import pytest
import uv

pytestmark = [pytest.mark.aws, pytest.mark.slow]
SCRIPT = Path(__file__).with_name("wrangler.py")
PRICES = [
    ["AAPL", "0.5", "2024-01-01"], ["AAPL", "0.5", "2024-01-02"], ["AAPL", "1.5", "2024-01-03"],
    ["MSFT", "0.5", "2024-01-01"], ["MSFT", "0.5", "2024-01-02"], ["MSFT", "1.5", "2024-01-03"],
]  # fmt: skip


@pytest.fixture(scope="module")
def found(local_aws):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=local_aws.emulator.url, **keys).create_bucket(Bucket="wrangled")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [uv.find_uv_bin(), "run", "--locked", "--script", str(SCRIPT)],
        env={**kept, **local_aws.environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["ctas", "unload", "plain"])
def test_each_way_of_reading_gives_the_rows_that_were_written(found, way):
    assert found[way] == PRICES


def test_results_are_read_in_chunks(found):
    assert found["chunks"] == len(PRICES)


def test_parameters_are_bound(found):
    assert found["parameters"] == [["1.5"]]


def test_rows_appended_to_iceberg_are_there(found):
    assert [row[1] for row in found["iceberg"]] == ["2024-02-01", "2024-02-02"] * 2


def test_partitions_are_found_by_expression(found):
    assert found["partitions"] == [["2024-01-02"], ["2024-01-03"]]


def test_no_temporary_table_is_left(found):
    assert found["tables"] == ["ice", "prices"]


def test_the_catalog_has_the_types(found):
    assert found["types"] == {"symbol": "string", "price": "double", "day": "string"}
