"""One Spark for all tests, and lakes whose Bronze rows are the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engines import Engines
from local_spark import missing, start
from pyspark.sql import SparkSession

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one process, so that there is one Spark.

    pyspark 3.5 compares versions with distutils, and leaves it to the garbage collector to close its sockets.
    Without Java they are skipped, but never in CI.
    """
    lacking = [] if "CI" in os.environ else missing()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("spark"))
            item.add_marker(pytest.mark.skipif(bool(lacking), reason=f"Spark needs {' and '.join(lacking)}"))
            item.add_marker(pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Spark in this process on two cores, with Iceberg."""
    session = start()
    yield session
    session.stop()


@pytest.fixture
def engines(spark: SparkSession, tmp_path: Path) -> Engines:
    """Two lakes that are given the same responses: one is refined in process, one by Spark."""
    return Engines(spark, tmp_path)
