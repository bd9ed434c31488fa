from __future__ import annotations

import polars as pl
import pytest
from finks.lake.sink import LakeSink, ParquetFolder, Sink

TABLE = "fmp_daily_bars"


@pytest.fixture(params=["lake", "folder"])
def sink(request, lake, tmp_path) -> Sink:
    return LakeSink(lake, "fmp") if request.param == "lake" else ParquetFolder(tmp_path / "folder")


def test_every_sink_takes_a_batch_twice_without_effect(sink, build):
    assert isinstance(sink, Sink)
    batch = build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 40, 11)])
    first = sink.write(TABLE, batch, build.contract, run_id="run-1")
    again = sink.write(TABLE, batch, build.contract, run_id="run-2")
    assert (first.new, again.new, again.same) == (2, 0, 2)


def test_a_folder_has_a_file_per_year_and_no_drafts(tmp_path, build):
    ParquetFolder(tmp_path).write(
        TABLE, build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 40, 11)]), build.contract, run_id="r"
    )
    found = sorted(path.parent.name for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["session_year=2025", "session_year=2026"]
    assert pl.read_parquet(tmp_path / TABLE / "session_year=2025").height == 1


def test_a_folder_completes_a_batch_of_which_a_part_is_missing(tmp_path, build):
    folder = ParquetFolder(tmp_path)
    batch = build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 40, 11)])
    folder.write(TABLE, batch, build.contract, run_id="run-1")
    next((tmp_path / TABLE / "session_year=2025").iterdir()).unlink()
    counts = folder.write(TABLE, batch, build.contract, run_id="run-2")
    assert (counts.new, counts.same) == (1, 1)
