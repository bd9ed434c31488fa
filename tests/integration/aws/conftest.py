"""A lake on the local AWS, a proxy that makes AWS misbehave, and a small run."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import boto3
import pytest
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.testing.aws_proxy import AwsProxy
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(TESTS / "e2e"), str(TESTS / "unit/core/run")]

BUCKET = "finks-test"
_numbers = itertools.count(1)

NewLake = Callable[[], LakeSettings]


@pytest.fixture
def aws(aws_environment):
    """The local AWS for this process, with a bucket."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return aws_environment


@pytest.fixture
def new_lake(aws) -> NewLake:
    """Settings of a lake that is not there yet, each with databases of its own."""

    def made() -> LakeSettings:
        number = next(_numbers)
        return LakeSettings(path=f"s3://{BUCKET}/lake-{number}", database_prefix=f"l{number}_", lease_seconds=2)

    return made


@pytest.fixture
def proxy(aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsProxy]:
    """Every call of this process goes through it; few attempts, so that lasting faults end soon."""
    with AwsProxy(aws.emulator.url, glue=aws.endpoint.url, athena=aws.endpoint.url) as running:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ATHENA", "AWS_ENDPOINT_URL_GLUE"):
            monkeypatch.setenv(name, running.url)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
        yield running


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedFmp]:
    """A vendor that serves the real prices, one of which breaks its contract, so that quarantine takes part."""
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as running:
        running.restate("IBM", "2012-06-01", "high", "1.00")
        yield running


@pytest.fixture
def small(tmp_path: Path, vendor: SimulatedFmp, new_lake: NewLake) -> Settings:
    """One symbol and small batches: a run of seconds with many commits."""
    prepare(tmp_path)
    return Settings(
        lake=new_lake(),
        run=RunSettings(logical_date=LAST_SESSION, batch_slices=2),
        sources={
            "fmp": {
                "root": tmp_path, "base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate",
                "symbols": ["IBM"], "start": date(2012, 1, 1),
            },
        },
    )  # fmt: skip
