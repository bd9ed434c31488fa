"""Seeds, views, tables, every incremental strategy, snapshots, tests and documents of dbt-athena, by their values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("sensors")]

FIRST, SECOND, THIRD = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)


def location(found, table):
    return found.glue[table]["StorageDescriptor"]["Location"].rstrip("/")


def columns(found, table):
    """Glue keeps what an Iceberg table once had, and says that it is not current."""
    described = found.glue[table]
    return {
        column["Name"]: column["Type"]
        for column in [*described["StorageDescriptor"]["Columns"], *described.get("PartitionKeys", [])]
        if column.get("Parameters", {}).get("iceberg.field.current") != "false"
    }


# --- every node ---


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_node_passes_in_every_pass(passes, number):
    statuses = passes[number].build.statuses
    odd = {name: status for name, status in statuses.items() if status not in {"success", "pass"}}
    assert odd == {"at_least_as_many_readings_as_sensors": "warn"}
    assert len(statuses) >= 38


def test_nothing_temporary_is_left(passes):
    for found in passes:
        assert [table for table in found.glue if "__" in table] == []


# --- seeds ---


def test_a_seed_has_the_types_that_were_given(first):
    assert first.rows["sensors"] == [
        (1, "Boiler", "C", Decimal("1.0000"), date(2023, 1, 15), datetime(2024, 2, 1, 8), True),
        (
            2,
            'Freezer, "deep"',
            "C",
            Decimal("0.5000"),
            date(2023, 2, 20),
            datetime(2024, 2, 2, 9, 30, 15, 250000),
            True,
        ),
        (3, "Wäge ✓", "kg", Decimal("2.2500"), date(2023, 12, 31), None, False),
        (4, None, None, None, None, None, None),
    ]


def test_a_seed_by_insert_holds_the_same_text(first):
    assert first.rows["sites"] == [("1", "Zürich"), ("2", "St. John's")]


# --- views, ephemeral models, sources ---


def test_a_view_shows_what_its_variable_lets_through(first, second):
    assert [row[0] for row in first.rows["arrived"]] == [1, 2, 3, 4, 5]
    assert [row[0] for row in second.rows["arrived"]] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_ephemeral_model_is_no_table_and_yet_counts(first, second):
    assert "present_sensors" not in first.glue
    assert first.rows["site_sensors"] == [("St. John's", "Freezer"), ("Zürich", "Boiler")]
    assert second.rows["site_sensors"] == [("St. John's", "Freezer"), ("Zürich", "Boiler A")]


def test_a_source_of_another_database_is_read(first):
    assert first.rows["from_raw"] == [(1,)]


# --- insert_overwrite, append, schema changes ---


def test_insert_overwrite_replaces_the_days_it_brings_and_no_other(first, second):
    assert first.rows["daily"] == [
        (1, 1, 12.0, SECOND),
        (1, 2, 22.0, FIRST),
        (2, 1, -3.25, FIRST),
        (2, 1, -4.75, SECOND),
    ]
    assert second.rows["daily"] == [
        (1, 2, 22.0, FIRST),
        (1, 2, 25.0, SECOND),
        (2, 1, -3.25, FIRST),
        (2, 1, -4.75, SECOND),
        (3, 1, 100.125, THIRD),
    ]


def test_a_full_refresh_takes_what_came_too_late_for_the_incremental_run(refreshed):
    assert (2, 2, -4.25, FIRST) in refreshed.rows["daily"]
    assert len(refreshed.rows["daily"]) == 5


def test_a_column_is_appended_to_a_hive_table(first, second):
    assert columns(first, "log_hive") == {"reading_id": "bigint", "value": "double"}
    assert columns(second, "log_hive") == {"reading_id": "bigint", "value": "double", "note": "string"}
    assert second.rows["log_hive"][0] == (1, 10.5, None)
    assert second.rows["log_hive"][-1] == (8, -1.0, "too late for an incremental run")
    assert len(second.rows["log_hive"]) == 8


def test_columns_are_appended_to_an_iceberg_table(first, second):
    assert first.rows["log_iceberg"] == [(1, 10.5), (2, 11.5), (3, -3.25), (4, 12.0), (5, -4.75)]
    assert second.rows["log_iceberg"][0] == (1, 10.5, None, None)
    assert second.rows["log_iceberg"][-1] == (8, -1.0, "too late for an incremental run", datetime(2024, 3, 1, 14))


def test_columns_are_added_dropped_and_retyped(first, second):
    assert columns(first, "synced") == {"reading_id": "bigint", "sensor_id": "int", "dropped": "string"}
    assert columns(second, "synced") == {"reading_id": "bigint", "sensor_id": "bigint", "added": "double"}
    assert {(row["reading_id"], row["sensor_id"], row["added"]) for row in second.named("synced")} == {
        *[(1, 1, None), (2, 1, None), (3, 2, None), (4, 1, None), (5, 2, None)],
        *[(6, 1, 13.0), (7, 3, 100.125), (8, 2, -1.0)],
    }


# --- merge ---


def test_merge_deletes_updates_and_inserts_by_its_conditions(first, second):
    assert [row[:2] for row in first.rows["states_merged"]] == [(1, 10.0), (2, 20.0), (5, 50.0)]
    assert [row[:2] for row in second.rows["states_merged"]] == [(1, 10.0), (3, 30.0), (5, 55.5)]


def test_a_predicate_hides_rows_of_the_target(second):
    """Both old rows lie before the predicate's date, so nothing matches and both come again."""
    assert [row[:2] for row in second.rows["recent_merged"]] == [(1, 10.0), (1, 99.0), (5, 50.0), (5, 55.5)]


def test_merge_follows_the_rule_of_each_column(second):
    stale, newest = datetime(2024, 3, 1), datetime(2024, 3, 3)
    assert {row[0]: row[1:] for row in second.rows["totals_merged"]} == {
        1: (109.0, 99.0, stale, [2, 1], 1),
        2: (20.0, 20.0, newest, [2, 1], 1),
        3: (30.0, 30.0, newest, [2], 2),
        5: (105.5, 55.5, newest, [2, 1], 1),
        9: (-1.0, -1.0, newest, [2], 2),
    }


def test_a_full_refresh_of_a_merge_is_the_select_alone(refreshed):
    assert [row[:2] for row in refreshed.rows["states_merged"]] == [
        (1, 99.0),
        (2, 0.0),
        (3, 30.0),
        (5, 55.5),
        (9, -1.0),
    ]


# --- microbatch ---


@pytest.mark.parametrize("model", ["batched_hive", "batched_iceberg"])
def test_batches_of_days_are_replaced_and_so_late_readings_come_in(first, second, model):
    assert {row[:2] for row in first.rows[model]} == {(1, 10.5), (2, 11.5), (3, -3.25), (4, 12.0), (5, -4.75)}
    assert {row[:2] for row in second.rows[model]} == {row[:2] for row in first.rows[model]} | {
        (6, 13.0),
        (7, 100.125),
        (8, -1.0),
    }
    assert len(second.rows[model]) == 8


# --- partitions, places, replacement ---


def test_more_partitions_than_one_statement_may_write(first, warehouse):
    assert first.rows["many_partitions"] == sorted(
        [(number, date.fromordinal(date(2024, 1, 1).toordinal() + number)) for number in range(130)], key=repr
    )
    pages = warehouse.glue.get_paginator("get_partitions").paginate(DatabaseName="sensors", TableName="many_partitions")
    assert sum(len(page["Partitions"]) for page in pages) == 130
    assert first.rows["many_days"] == first.rows["many_partitions"]


def test_a_table_partitioned_by_transforms_holds_the_same_rows(first, warehouse):
    assert first.rows["transformed"] == first.rows["many_partitions"]
    parts = warehouse.query('select partition from "sensors"."transformed$partitions"')
    assert len(parts) == 5 * 4


def test_a_highly_available_table_is_swapped(first, second):
    assert (first.rows["highly_available"], second.rows["highly_available"]) == ([(1, 5)], [(2, 8)])
    assert location(first, "highly_available") != location(second, "highly_available")


def test_an_iceberg_table_is_replaced_and_the_old_files_are_gone(first, second, warehouse):
    assert location(first, "many_days") != location(second, "many_days")
    prefix = location(first, "many_days").removeprefix("s3://sensors/") + "/"
    assert warehouse.s3.list_objects_v2(Bucket="sensors", Prefix=prefix)["KeyCount"] == 0


def test_a_table_lies_where_its_naming_says(second):
    assert location(second, "placed") == "s3://sensors/elsewhere/sensors/placed"
    assert location(second, "external") == "s3://sensors/external/here"
    assert second.rows["placed"] == second.rows["external"] == [(2,)]


# --- contracts, descriptions, hooks ---


def test_a_contract_gives_exact_types(first):
    assert columns(first, "contracted") == {
        "sensor_id": "int",
        "scale": "decimal(10,4)",
        "name": "string",
        "active": "boolean",
        "installed_on": "date",
        "calibrated_at": "timestamp",
        "factor": "double",
        "number": "bigint",
    }


def test_descriptions_reach_the_catalog(second):
    daily, merged = second.glue["daily"], second.glue["states_merged"]
    assert daily["Parameters"]["comment"] == 'One row for each sensor and day; it\'s "quoted".'
    assert {c["Name"]: c.get("Comment") for c in daily["StorageDescriptor"]["Columns"]}["sensor_id"] == "The sensor."
    assert merged["Parameters"]["comment"] == "The last state of each sensor."
    comments = {c["Name"]: c.get("Comment") for c in merged["StorageDescriptor"]["Columns"]}
    assert comments["sensor_id"] == "The sensor's number."


def test_the_hook_at_the_end_of_each_run_has_written_its_row(refreshed):
    assert sorted(refreshed.rows["journal"]) == [(1, 20), (2, 20), (2, 20)]


# --- snapshots ---


def versions(found, snapshot):
    """Sensor, name, status, and whether the version is the current one."""
    rows = found.named(snapshot)
    return sorted((row["sensor_id"], row["name"], row["status"], row["dbt_valid_to"] is None) for row in rows)


def test_a_snapshot_begins_with_what_is_there(first):
    begun = [(1, "Boiler", "ok", True), (2, "Freezer", "ok", True), (3, "Scale", "ok", True)]
    assert versions(first, "by_timestamp") == versions(first, "by_check_hive") == begun


def test_the_timestamp_strategy_follows_the_column_and_ends_what_is_gone(second):
    assert versions(second, "by_timestamp") == [
        (1, "Boiler", "ok", False),
        (1, "Boiler A", "ok", True),
        (2, "Freezer", "ok", True),
        (3, "Scale", "ok", False),
        (4, "Fan", "new", True),
    ]


def test_the_check_strategy_sees_what_changed_without_a_new_timestamp(second):
    assert versions(second, "by_check_hive") == [
        (1, "Boiler", "ok", False),
        (1, "Boiler A", "ok", True),
        (2, "Freezer", "faulty", True),
        (2, "Freezer", "ok", False),
        (3, "Scale", "ok", True),
        (4, "Fan", "new", True),
    ]


def test_a_hard_delete_can_become_a_version_of_its_own(second):
    gone = [row for row in second.named("by_check") if row["sensor_id"] == 3]
    assert sorted((row["name"], row["dbt_is_deleted"], row["dbt_valid_to"] is None) for row in gone) == [
        ("Scale", "False", False),
        ("Scale", "True", True),
    ]


def test_a_snapshot_outlives_a_full_refresh(second, refreshed):
    for snapshot in ("by_timestamp", "by_check", "by_check_hive"):
        assert versions(refreshed, snapshot) == versions(second, snapshot)


# --- other commands ---


def test_freshness_is_measured(passes, dbt):
    done = dbt("source", "freshness")
    results = {row["unique_id"]: row["status"] for row in done.artifact("sources.json")["results"]}
    assert results == {"source.sensors.raw.fresh": "pass", "source.sensors.raw.stale": "error"}


def test_documents_name_every_relation_and_its_columns(passes, dbt, refreshed):
    done = dbt("docs", "generate", phase=2)
    assert done.exit_code == 0, done.output
    catalog = done.artifact("catalog.json")
    assert catalog["errors"] is None
    nodes = {key.split(".")[2]: node for key, node in catalog["nodes"].items()}
    kinds = {name: nodes[name]["metadata"]["type"] for name in ("arrived", "daily", "states_merged")}
    assert kinds == {"arrived": "view", "daily": "table", "states_merged": "iceberg_table"}
    assert set(nodes) | {"journal"} >= set(refreshed.glue) - {"journal"}
    assert {name: column["type"] for name, column in nodes["contracted"]["columns"].items()} == columns(
        refreshed, "contracted"
    )
    assert set(catalog["sources"]) == {"source.sensors.raw.fresh", "source.sensors.raw.stale"}


def test_failing_rows_are_kept(refreshed, warehouse):
    rows = warehouse.query("select * from sensors_dbt_test__audit.at_least_as_many_readings_as_sensors")
    assert rows == [(4,)]


def test_a_clone_shows_the_same_rows_in_another_database(refreshed, dbt, warehouse):
    state = str(refreshed.build.target)
    done = dbt("clone", "--state", state, "--select", "daily", "states_merged", "--target", "copy", phase=2)
    assert done.exit_code == 0, done.output
    for table in ("daily", "states_merged"):
        assert warehouse.look("sensors_copy", table)[1] == refreshed.rows[table]


def test_a_model_that_athena_cannot_run_is_an_error_with_athenas_words(passes, dbt):
    done = dbt("show", "--inline", "select absent from {{ ref('sensors') }}")
    assert done.exit_code != 0
    assert "COLUMN_NOT_FOUND" in done.output


# --- last, because dbt drops a table before it finds that the new one breaks its contract ---


def test_a_broken_contract_is_refused(passes, dbt):
    done = dbt("run", "--select", "contracted", phase=2, break_contract=True)
    assert done.statuses["contracted"] == "error"
    assert "This model has an enforced contract that failed" in done.output
