from __future__ import annotations

import subprocess
import sys

from finks.lake.compaction import compact_table


def read_ids(batches) -> list[str]:
    return [ref for batch in batches for ref in batch["response_id"].to_pylist()]


def test_ledger_has_every_row_and_no_body(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    bronze.append(build.responses(build.response("r1", 0), build.response("r2", 1, outcome="failed", body=None)), {})
    ledger = bronze.ledger()
    assert sorted(ledger["response_id"].to_pylist()) == ["r1", "r2"]
    assert "body" not in ledger.column_names


def test_absent_table_reads_as_empty(lake):
    bronze = lake.bronze("fmp_daily_bars")
    newest, batches = bronze.added_since(None)
    assert (bronze.ledger().num_rows, bronze.last_hashes(), newest, list(batches)) == (0, {}, None, [])


def test_added_since_gives_only_readable_bodies_oldest_first(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    bronze.append(build.responses(build.response("late", 9), build.response("early", 1)), {})
    bronze.append(
        build.responses(
            build.response("middle", 5),
            build.response("same", 6, outcome="unchanged", body=None),
            build.response("empty", 7, outcome="empty", body=b"[]"),
        ),
        {},
    )
    newest, batches = bronze.added_since(None)
    assert newest is not None
    assert read_ids(batches) == ["early", "middle", "late"]


def test_added_since_a_bookmark_gives_only_what_came_after(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    first = bronze.append(build.responses(build.response("r1", 0)), {})
    second = bronze.append(build.responses(build.response("r2", 1)), {})
    newest, batches = bronze.added_since(first)
    assert (newest, read_ids(batches)) == (second, ["r2"])
    assert read_ids(bronze.added_since(second)[1]) == []


def test_added_since_an_unknown_bookmark_gives_everything(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    bronze.append(build.responses(build.response("r1", 0)), {})
    assert read_ids(bronze.added_since(12345)[1]) == ["r1"]


def test_bodies_come_back_byte_for_byte(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    body = bytes(range(256)) * 1000
    bronze.append(build.responses(build.response("r1", 0, body=body)), {})
    (batch,) = bronze.added_since(None)[1]
    assert batch["body"].to_pylist() == [body]


def test_batches_are_bounded_by_the_bytes_of_their_bodies(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    rows = [build.response(f"r{i}", i, body=b"x" * 50_000_000) for i in range(4)]
    bronze.append(build.responses(*rows), {})
    batches = list(bronze.added_since(None)[1])
    assert all(sum(len(body) for body in batch["body"].to_pylist()) <= 150_000_000 for batch in batches)
    assert read_ids(batches) == ["r0", "r1", "r2", "r3"]
    assert len(batches) > 1


def test_last_hash_is_the_newest_readable_one(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    bronze.append(build.responses(build.response("r1", 0, body_sha256="old")), {})
    bronze.append(
        build.responses(
            build.response("r2", 1, body_sha256="new"),
            build.response("r3", 2, outcome="failed", body_sha256="broken"),
        ),
        {},
    )
    bronze.append(build.responses(build.response("r4", 3, outcome="unchanged", body=None, body_sha256="new")), {})
    assert bronze.last_hashes() == {("daily_bars/AAPL/all", 0): "new"}


def test_compaction_moves_no_bookmark_and_adds_nothing(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    for number in range(5):
        bookmark = bronze.append(build.responses(build.response(f"r{number}", number)), {})
    new = bronze.append(build.responses(build.response("new", 9)), {})
    assert compact_table(lake.catalog, bronze.identifier, consumed=bookmark).files_before == 5
    newest, batches = bronze.added_since(bookmark)
    assert read_ids(batches) == ["new"]
    assert newest != new
    assert read_ids(bronze.added_since(newest)[1]) == []
    assert sorted(read_ids(bronze.added_since(None)[1])) == ["new", "r0", "r1", "r2", "r3", "r4"]


APPENDER = """
import sys
from datetime import UTC, datetime
import pyarrow as pa
from finks.lake import BRONZE_SCHEMA, Lake
path, worker = sys.argv[1:]
now = datetime(2026, 1, 1, tzinfo=UTC)
filled = {"string": "x", "int32": 1, "date32[day]": now.date(), "timestamp[us, tz=UTC]": now}
bronze = Lake.open(path).bronze("fmp_daily_bars")
for number in range(10):
    row = {field.name: filled.get(str(field.type)) for field in BRONZE_SCHEMA} | {"response_id": f"{worker}-{number}"}
    bronze.append(pa.Table.from_pylist([row], schema=BRONZE_SCHEMA), {})
"""


def test_two_processes_appending_at_once_lose_nothing(lake):
    workers = [
        subprocess.Popen([sys.executable, "-c", APPENDER, lake.place.address, name], stderr=subprocess.DEVNULL)
        for name in ("a", "b")
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    found = lake.bronze("fmp_daily_bars").ledger()["response_id"].to_pylist()
    assert sorted(found) == sorted(f"{name}-{number}" for name in "ab" for number in range(10))
