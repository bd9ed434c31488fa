from __future__ import annotations

import polars as pl
import pyarrow as pa
from finks.lake import QUARANTINE_SCHEMA

TABLE = "fmp_daily_bars"


def rejects(build, *rows: tuple[str, int, str], version: str = "1.0") -> pa.Table:
    """Rows are (response, ordinal, rule)."""
    schema = QUARANTINE_SCHEMA.remove(QUARANTINE_SCHEMA.get_field_index("run_id"))
    records = [
        {
            "bronze_ref": response,
            "ordinal": ordinal,
            "record": '{"close": "x"}',
            "rule": rule,
            "reason": "not a number",
            "contract": "daily_bar",
            "contract_version": version,
            "known_at": build.at(number),
        }
        for number, (response, ordinal, rule) in enumerate(rows)
    ]
    return pa.Table.from_pylist(records, schema=schema)


def test_rejects_are_read_newest_first(lake, build):
    lake.quarantine_table(TABLE).append(rejects(build, ("r1", 0, "type"), ("r2", 3, "range")), run_id="run-1")
    found = lake.quarantine(TABLE).arrow()
    assert found["bronze_ref"].to_pylist() == ["r2", "r1"]
    assert found["run_id"].to_pylist() == ["run-1", "run-1"]
    assert lake.quarantine(TABLE, rule="type").arrow().num_rows == 1
    assert lake.quarantine(TABLE, limit=1).arrow().num_rows == 1


def test_the_same_rejects_again_add_nothing(lake, build):
    quarantine = lake.quarantine_table(TABLE)
    first = rejects(build, ("r1", 0, "type"), ("r1", 1, "type"))
    assert quarantine.append(first, run_id="run-1") == 2
    more = rejects(build, ("r1", 0, "type"), ("r1", 2, "type"))
    assert quarantine.append(more, run_id="run-2") == 1
    assert quarantine.read().num_rows == 3


def test_a_new_contract_version_is_a_new_judgement(lake, build):
    quarantine = lake.quarantine_table(TABLE)
    quarantine.append(rejects(build, ("r1", 0, "type")), run_id="run-1")
    assert quarantine.append(rejects(build, ("r1", 0, "range"), version="1.1"), run_id="run-2") == 1


def test_counts_are_per_rule(lake, build):
    quarantine = lake.quarantine_table(TABLE)
    assert quarantine.counts() == {}
    quarantine.append(rejects(build, ("r1", 0, "type"), ("r1", 1, "type"), ("r2", -1, "malformed_body")), run_id="r")
    assert quarantine.counts() == {"type": 2, "malformed_body": 1}
    assert quarantine.malformed() == {"r2"}


def test_a_resolved_reject_is_neither_open_nor_gone(lake, build):
    quarantine = lake.quarantine_table(TABLE)
    quarantine.append(rejects(build, ("r1", -1, "malformed_body"), ("r2", 0, "type")), run_id="run-1")
    first = quarantine.open().filter(pl.col("bronze_ref") == "r1").with_columns(resolution=pl.lit("good"))
    assert quarantine.resolve(first, run_id="run-2", at=build.at(9)) == 1
    assert (quarantine.counts(), quarantine.malformed()) == ({"type": 1}, frozenset())
    assert lake.quarantine(TABLE).arrow()["bronze_ref"].to_pylist() == ["r2"]
    assert lake.quarantine(TABLE, resolved=True).polars()["resolved_run"].to_list() == [None, "run-2"]


def test_the_resolutions_of_one_stream_are_not_those_of_another(lake, build):
    for table in (TABLE, "fmp_splits"):
        lake.quarantine_table(table).append(rejects(build, ("r1", 0, "type")), run_id="run-1")
    quarantine = lake.quarantine_table(TABLE)
    quarantine.resolve(quarantine.open().with_columns(resolution=pl.lit("good")), run_id="run-2", at=build.at(9))
    assert lake.quarantine_table("fmp_splits").open().height == 1
