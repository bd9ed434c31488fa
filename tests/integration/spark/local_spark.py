"""Spark on this machine, with the jars that the test dependencies bring instead of Maven."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import files
from pathlib import Path

from pyspark.sql import SparkSession

SQLITE_JAR = "/usr/share/java/sqlite-jdbc.jar"
SQLITE_LIBRARY = (
    f"-Dorg.sqlite.lib.path=/usr/lib/{platform.machine()}-linux-gnu/jni -Dorg.sqlite.lib.name=libsqlitejdbc.so"
)


def missing() -> list[str]:
    """What the system lacks for Spark with a SQLite catalog: Debian's packages bring it, Python's do not."""
    found = {"java (Java 17)": shutil.which("java") is not None, SQLITE_JAR: Path(SQLITE_JAR).exists()}
    return [name for name, there in found.items() if not there]


def jar(package: str, part: str) -> str:
    """The path of a jar that a Python package holds."""
    found = [str(file.locate()) for file in files(package) or [] if part in file.name and file.name.endswith(".jar")]
    assert len(found) == 1, (package, part, found)
    return found[0]


def settings(jars: list[str], cores: int = 2, memory: str = "2g") -> dict[str, str]:
    """Spark's settings for one small machine."""
    return {
        "spark.master": f"local[{cores}]",
        "spark.jars": ",".join(jars),
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": SQLITE_LIBRARY,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(cores),
    }


def start(memory: str = "2g") -> SparkSession:
    """Start Spark in this process with Iceberg's runtime and SQLite."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    jars = [jar("snowpark-connect-deps-iceberg", "iceberg-spark-runtime-3.5_2.12"), SQLITE_JAR]
    builder = SparkSession.builder.appName("finks tests")
    for name, value in settings(jars, memory=memory).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def submit_arguments(jars: list[str]) -> str:
    """The same settings for a process that asks Spark for nothing itself, as PYSPARK_SUBMIT_ARGS."""
    pairs = [f"--conf {name}={value}" for name, value in settings(jars).items() if " " not in value]
    return " ".join([*pairs, "pyspark-shell"])
