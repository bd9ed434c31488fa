from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from finks.lake.catalog import find_table
from finks.lake.compaction import compact_table, remove_orphans

TABLE = "fmp_daily_bars"


@pytest.fixture
def fragmented(lake, build):
    """Six small files in each of two years, every record in six versions."""
    silver = lake.silver(TABLE, build.contract, "fmp")
    for number in range(6):
        rows = [("AAPL", 1, 10 + number), ("AAPL", 40, 20 + number)]
        silver.write_versions(build.good(f"r{number}", number, rows), run_id="run-1", bookmark=number)
    return lake


def files(lake, identifier: str) -> int:
    return len(list(find_table(lake.catalog, identifier).scan().plan_files()))


def test_compaction_merges_files_and_keeps_every_version_and_the_bookmark(fragmented, build):
    before = fragmented.history(TABLE).polars()
    assert files(fragmented, f"silver.{TABLE}") == 12
    done = fragmented.compact()
    assert (done[f"silver.{TABLE}"].files_before, done[f"silver.{TABLE}"].files_after) == (12, 2)
    assert files(fragmented, f"silver.{TABLE}") == 2
    assert fragmented.history(TABLE).polars().equals(before)
    assert fragmented.silver(TABLE, build.contract, "fmp").bookmark() == 5


def test_compaction_of_large_or_few_files_does_nothing(fragmented):
    fragmented.compact()
    assert fragmented.compact() == {}


def test_writing_goes_on_after_compaction(fragmented, build):
    fragmented.compact()
    silver = fragmented.silver(TABLE, build.contract, "fmp")
    counts = silver.write_versions(build.good("r9", 9, [("AAPL", 1, 15), ("AAPL", 40, 0)]), run_id="run-2")
    assert (counts.changed, counts.same) == (1, 1)


def test_bronze_that_silver_has_not_read_is_left_alone(lake, build):
    bronze = lake.bronze(TABLE)
    for number in range(6):
        bronze.append(build.responses(build.response(f"r{number}", number)), {})
    assert lake.compact() == {}
    assert compact_table(lake.catalog, bronze.identifier, consumed=None).files_before == 6


def test_expiry_forgets_snapshots_and_drops_no_version(fragmented):
    before = fragmented.history(TABLE).polars()
    fragmented.compact()
    removed = fragmented.expire(grace=timedelta(days=-36500))
    assert removed[f"silver.{TABLE}"] >= 12
    assert fragmented.history(TABLE).polars().equals(before)
    assert len(find_table(fragmented.catalog, f"silver.{TABLE}").snapshots()) == 1


def test_expiry_keeps_what_the_kept_releases_need(lake):
    for value in (1, 2, 3):
        lake.publish({"summary": pa.table({"value": [value]})}, run_id="run-1")
    lake.expire(keep_releases=2, grace=timedelta(days=-36500))
    assert lake.gold("summary", release=2).arrow()["value"].to_pylist() == [2]
    assert lake.gold("summary").arrow()["value"].to_pylist() == [3]


def test_expiry_keeps_telling_what_was_added_since_the_bookmark(lake, build):
    bronze = lake.bronze(TABLE)
    for number in range(5):
        bookmark = bronze.append(build.responses(build.response(f"r{number}", number)), {})
    lake.silver(TABLE, build.contract, "fmp").advance(bookmark, run_id="run-1")
    bronze.append(build.responses(build.response("new", 9)), {})
    lake.compact()
    lake.expire(grace=timedelta(days=-36500))
    found = [ref for batch in bronze.added_since(bookmark)[1] for ref in batch["response_id"].to_pylist()]
    assert found == ["new"]


def test_orphans_go_after_their_grace_and_live_files_never(fragmented):
    folder = Path(fragmented.place.address) / "warehouse" / "silver" / TABLE / "data"
    (folder / "left-by-a-crash.parquet").write_bytes(b"PAR1")
    identifier = f"silver.{TABLE}"
    young = datetime.now(UTC) - timedelta(hours=1)
    assert remove_orphans(fragmented.catalog, identifier, older_than=young) == 0
    assert remove_orphans(fragmented.catalog, identifier, older_than=datetime.now(UTC) + timedelta(hours=1)) == 1
    assert fragmented.history(TABLE).polars().height == 12
