from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from finks.contract.spec import FieldSpec, Kind
from finks.errors import ConfigurationError
from finks.lake.catalog import find_table

TABLE = "fmp_daily_bars"


@pytest.fixture
def silver(lake, build):
    return lake.silver(TABLE, build.contract, "fmp")


def write(silver, good, **options):
    return silver.write_versions(good, run_id="run-1", **options)


def closes(dataset) -> list[tuple]:
    frame = dataset.polars().sort("symbol", "session")
    return [(row["symbol"], row["session"].day - 1, float(row["close"])) for row in frame.iter_rows(named=True)]


def test_first_load_counts_everything_as_new(lake, build, silver):
    counts = write(silver, build.good("r1", 0, [("AAPL", 1, 10), ("IBM", 1, 20)]))
    assert (counts.new, counts.changed, counts.same, counts.retracted) == (2, 0, 0, 0)
    assert closes(lake.latest(TABLE)) == [("AAPL", 1, 10.0), ("IBM", 1, 20.0)]


def test_decimals_come_back_exactly(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, "12345678901234567890123456.123456789012")]))
    assert lake.latest(TABLE).arrow()["close"].to_pylist() == [Decimal("12345678901234567890123456.123456789012")]


def test_replay_writes_nothing(lake, build, silver):
    good = build.good("r1", 0, [("AAPL", 1, 10), ("IBM", 1, 20)])
    write(silver, good)
    before = silver.snapshot_id()
    counts = write(silver, good)
    assert (counts.new, counts.changed, counts.same) == (0, 0, 2)
    assert silver.snapshot_id() == before


def test_equal_values_later_are_no_version(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    counts = write(silver, build.good("r2", 5, [("AAPL", 1, 10)]))
    assert (counts.same, lake.history(TABLE).polars().height) == (1, 1)


def test_a_value_that_comes_back_is_a_third_version(lake, build, silver):
    for number, close in enumerate([10, 11, 10]):
        counts = write(silver, build.good(f"r{number}", number, [("AAPL", 1, close)]))
    assert counts.changed == 1
    assert [float(value) for value in lake.history(TABLE).polars()["close"]] == [10, 11, 10]


def test_two_versions_in_one_batch_are_both_kept(lake, build, silver):
    import pyarrow as pa

    batch = pa.concat_tables([build.good("r1", 0, [("AAPL", 1, 10)]), build.good("r2", 1, [("AAPL", 1, 11)])])
    counts = write(silver, batch)
    assert (counts.new, counts.changed) == (1, 1)
    assert closes(lake.as_of(TABLE, build.at(0))) == [("AAPL", 1, 10.0)]
    assert closes(lake.latest(TABLE)) == [("AAPL", 1, 11.0)]


def test_as_of_gives_what_was_known_then(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    write(silver, build.good("r2", 10, [("AAPL", 1, 11)]))
    assert closes(lake.as_of(TABLE, build.at(9))) == [("AAPL", 1, 10.0)]
    assert closes(lake.as_of(TABLE, build.at(10))) == [("AAPL", 1, 11.0)]
    assert closes(lake.as_of(TABLE, datetime(2020, 1, 1, tzinfo=UTC))) == []


def test_change_report_names_old_and_new(build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, "441.40"), ("IBM", 1, 20)]))
    counts = write(silver, build.good("r2", 1, [("AAPL", 1, "441.00", "restated"), ("IBM", 1, 20)]))
    assert counts.describe_changes(5) == ["AAPL 2025-12-02: close 441.4 → 441, note nothing → restated"]


def test_late_version_is_put_in_its_place(lake, build, silver):
    write(silver, build.good("r2", 10, [("AAPL", 1, 11)]))
    counts = write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    assert counts.late == 1
    assert closes(lake.latest(TABLE)) == [("AAPL", 1, 11.0)]
    assert closes(lake.as_of(TABLE, build.at(5))) == [("AAPL", 1, 10.0)]


def test_a_late_version_brings_back_what_had_been_dropped_as_equal(lake, build, silver):
    answers = [build.good("r0", 0, [("AAPL", 1, 3)]), build.good("r3", 3, [("AAPL", 1, 3)])]
    answers.append(build.good("r1", 1, [("AAPL", 1, 1)]))
    assert [write(silver, good).late for good in answers] == [0, 0, 1]
    silver.advance(7, run_id="run-1")
    assert silver.bookmark() is None
    for good in answers:
        write(silver, good)
    assert closes(lake.latest(TABLE)) == [("AAPL", 1, 3.0)]
    assert [float(value) for value in lake.history(TABLE).polars()["close"]] == [3, 1, 3]


def test_late_version_asks_for_bronze_again_until_a_pass_finds_none(build, silver, lake):
    write(silver, build.good("r2", 10, [("AAPL", 1, 11)]))
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    silver.advance(7, run_id="run-1")
    again = lake.silver(TABLE, build.contract, "fmp")
    assert again.bookmark() is None
    write(again, build.good("r2", 10, [("AAPL", 1, 11)]))
    write(again, build.good("r1", 0, [("AAPL", 1, 10)]))
    again.advance(7, run_id="run-2")
    assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 7


def test_a_record_gone_from_a_whole_answer_is_retracted_with_its_last_values(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", day, 10 + day) for day in range(5)]))
    second = build.good("r2", 1, [("AAPL", day, 10 + day) for day in (0, 1, 3, 4)])
    counts = write(silver, second, spans=build.spans(("r2", 1, "AAPL", 0, 4)))
    assert (counts.retracted, counts.same) == (1, 4)
    assert ("AAPL", 2, 12.0) not in closes(lake.latest(TABLE))
    gone = lake.history(TABLE).polars().filter("_retracted").row(0, named=True)
    assert (gone["close"], gone["_bronze_ref"], gone["_known_at"]) == (Decimal(12), "r2", build.at(1))


def test_a_retracted_record_that_comes_back_is_a_new_version(lake, build, silver):
    rows = [("AAPL", day, 10) for day in range(5)]
    write(silver, build.good("r1", 0, rows))
    write(silver, build.good("r2", 1, [r for r in rows if r[1] != 2]), spans=build.spans(("r2", 1, "AAPL", 0, 4)))
    counts = write(silver, build.good("r3", 2, rows), spans=build.spans(("r3", 2, "AAPL", 0, 4)))
    assert (counts.changed, counts.describe_changes(1)) == (1, ["AAPL 2025-12-03: retracted → present"])
    assert len(closes(lake.latest(TABLE))) == 5


def test_retraction_replayed_writes_nothing(build, silver):
    rows = [("AAPL", day, 10) for day in range(5)]
    write(silver, build.good("r1", 0, rows))
    second = build.good("r2", 1, [r for r in rows if r[1] != 2])
    spans = build.spans(("r2", 1, "AAPL", 0, 4))
    write(silver, second, spans=spans)
    counts = write(silver, second, spans=spans)
    assert (counts.retracted, counts.same, counts.suspicious) == (0, 4, 0)


def test_an_answer_that_lacks_too_much_retracts_nothing(lake, build, silver):
    rows = [("AAPL", day, 10) for day in range(20)]
    write(silver, build.good("r1", 0, rows))
    poor = build.good("r2", 1, [("AAPL", 0, 10), ("AAPL", 19, 10)])
    counts = write(silver, poor, spans=build.spans(("r2", 1, "AAPL", 0, 19)))
    assert (counts.retracted, counts.suspicious) == (0, 18)
    assert len(closes(lake.latest(TABLE))) == 20


def test_a_span_says_nothing_about_other_keys(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 3, 10), ("IBM", 2, 20)]))
    second = build.good("r2", 1, [("AAPL", 1, 10), ("AAPL", 3, 10)])
    counts = write(silver, second, spans=build.spans(("r2", 1, "AAPL", 1, 3)))
    assert counts.retracted == 0


def test_a_span_without_key_covers_every_key(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 3, 10), ("IBM", 2, 20)]))
    second = build.good("r2", 1, [("AAPL", 1, 10), ("AAPL", 3, 10)])
    counts = write(silver, second, spans=build.spans(("r2", 1, "", 1, 3)))
    assert counts.retracted == 1
    assert [row[0] for row in closes(lake.latest(TABLE))] == ["AAPL", "AAPL"]


def test_bookmark_is_written_with_the_data_and_kept_by_later_commits(lake, build, silver):
    assert silver.bookmark() is None
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]), bookmark=41)
    write(silver, build.good("r2", 1, [("AAPL", 1, 11)]))
    assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 41
    silver.advance(42, run_id="run-2")
    assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 42


def test_bookmark_moves_even_when_nothing_is_written(lake, build, silver):
    good = build.good("r1", 0, [("AAPL", 1, 10)])
    write(silver, good, bookmark=41)
    write(silver, good, bookmark=42)
    assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 42


def test_table_gains_a_nullable_column(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    wider = replace(build.contract, fields=(*build.contract.fields, FieldSpec("venue", Kind.STRING, nullable=True)))
    lake.silver(TABLE, wider, "fmp")
    assert lake.latest(TABLE).polars()["venue"].to_list() == [None]


@pytest.mark.parametrize(
    "field",
    [
        FieldSpec("close", Kind.DECIMAL, precision=38, scale=6),
        FieldSpec("close", Kind.STRING),
        FieldSpec("venue", Kind.STRING),
    ],
)
def test_a_change_that_old_files_cannot_follow_is_refused(lake, build, silver, field):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    fields = {spec.name: spec for spec in build.contract.fields} | {field.name: field}
    with pytest.raises(ConfigurationError):
        lake.silver(TABLE, replace(build.contract, fields=tuple(fields.values())), "fmp")


def test_a_field_that_the_contract_dropped_stays_readable_and_writable(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10)]))
    narrow = replace(build.contract, fields=tuple(f for f in build.contract.fields if f.name != "close"))
    table = lake.silver(TABLE, narrow, "fmp")
    write(table, build.good("r2", 1, [("AAPL", 2, 11)]).drop_columns(["close"]))
    assert lake.latest(TABLE).polars()["close"].to_list() == [Decimal(10), None]


def test_table_is_partitioned_by_the_year_of_the_event_time(lake, build, silver):
    write(silver, build.good("r1", 0, [("AAPL", 1, 10), ("AAPL", 40, 11)]))
    tasks = list(find_table(lake.catalog, f"silver.{TABLE}").scan().plan_files())
    assert len(tasks) == 2


def test_reference_data_has_no_event_time(lake, build):
    contract = replace(build.contract, key=("symbol",), event_time=None)
    table = lake.silver("fmp_profiles", contract, "fmp")
    write(table, build.good("r1", 0, [("AAPL", 1, 10), ("IBM", 1, 20)]))
    counts = write(table, build.good("r2", 1, [("AAPL", 1, 10), ("IBM", 1, 21)]))
    assert (counts.changed, counts.same) == (1, 1)
    assert lake.latest("fmp_profiles", keys=["IBM"]).polars()["close"].to_list() == [Decimal(21)]


def test_a_table_has_its_contracts_licence_and_follows_it(lake, build):
    write(lake.silver(TABLE, replace(build.contract, licence="vendor"), "fmp"), build.good("r1", 0, [("AAPL", 1, 10)]))
    assert find_table(lake.catalog, f"silver.{TABLE}").properties["finks.licence"] == "vendor"
    write(lake.silver(TABLE, replace(build.contract, licence="open"), "fmp"), build.good("r2", 1, [("AAPL", 1, 11)]))
    assert find_table(lake.catalog, f"silver.{TABLE}").properties["finks.licence"] == "open"
