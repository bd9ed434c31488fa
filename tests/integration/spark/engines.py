"""The same responses refined by two engines, and what their lakes then hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl
from finks.lake import Lake
from finks.lake.catalog import find_table, state
from finks.lake.silver import BOOKMARK, HIGH_WATER, JUDGED_READ, JUDGED_SINCE, REPLAY, SHARE_REJECTED
from finks.run.events import ignore
from finks.run.refine import refine_stream as refine_in_process
from finks.run.report import StreamReport
from finks.source.model import Stream
from finks.transform.refined import Refined
from finks.transform.spark import lake_session, refine_stream
from pyspark.sql import SparkSession
from records import responses

SOURCE = "acme"
RUNS = {"silver": "_run_id", "quarantine": "run_id"}


def in_process(lake: Lake, stream: Stream, run_id: str = "in process") -> StreamReport:
    report = StreamReport(table=stream.name)
    refine_in_process(lake, SOURCE, stream, stream.name, run_id, report, ignore)
    return report


def by_spark(spark: SparkSession, lake: Lake, stream: Stream, run_id: str = "spark", **more) -> Refined:
    session = lake_session(spark, lake)
    return refine_stream(session, lake, SOURCE, stream, stream.name, run_id, **{"rows_per_task": 4, **more})


def contents(lake: Lake, table: str) -> dict[str, pl.DataFrame]:
    """Every row of Silver and quarantine, all columns but the run's, in a fixed order."""
    found: dict[str, pl.DataFrame] = {}
    for zone, run in RUNS.items():
        stored = find_table(lake.catalog, f"{zone}.{table}")
        if stored is not None and stored.current_snapshot() is not None:
            rows = pl.DataFrame(stored.scan().to_arrow()).drop(run)
            found[zone] = rows.sort(rows.columns)
    return found


def states(lake: Lake, table: str) -> dict[str, object]:
    """What the newest Silver commit says, the bookmark as whether it is Bronze's current snapshot."""
    silver, bronze = find_table(lake.catalog, f"silver.{table}"), find_table(lake.catalog, f"bronze.{table}")
    assert silver is not None
    assert bronze is not None
    names = (HIGH_WATER, REPLAY, SHARE_REJECTED, JUDGED_READ, JUDGED_SINCE)
    told: dict[str, object] = {name: state(silver, name) for name in names}
    return {**told, BOOKMARK: state(silver, BOOKMARK) == str(bronze.metadata.current_snapshot_id)}


def assert_equal(one: Lake, other: Lake, table: str) -> None:
    ours, theirs = contents(one, table), contents(other, table)
    assert ours.keys() == theirs.keys()
    for zone, rows in ours.items():
        assert rows.schema == theirs[zone].schema, zone
        assert rows.rows() == theirs[zone].rows(), zone


class Engines:
    """Two lakes with the same Bronze."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.one = Lake.open(folder / "in-process", create=True)
        self.other = Lake.open(folder / "spark", create=True)

    def land(self, stream: Stream, rows: Iterable[dict[str, object]]) -> None:
        """Append responses to both."""
        table = responses(rows)
        for lake in (self.one, self.other):
            lake.bronze(stream.name).append(table, {})

    def refine(self, stream: Stream) -> tuple[StreamReport, Refined]:
        """Refine both and require equal tables and equal state."""
        ours, theirs = in_process(self.one, stream), by_spark(self.spark, self.other, stream)
        assert_equal(self.one, self.other, stream.name)
        assert states(self.one, stream.name) == states(self.other, stream.name)
        return ours, theirs
