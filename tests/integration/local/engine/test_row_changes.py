"""UPDATE, DELETE and MERGE of Iceberg tables."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from finks_local.sql.errors import QueryError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.aws

ICEBERG = "LOCATION '{root}/t' TBLPROPERTIES ('table_type' = 'ICEBERG')"


@pytest.fixture
def table(athena):
    """Six rows in three partitions."""
    athena.run(f"CREATE TABLE t (id int, name string, part string) PARTITIONED BY (part) {ICEBERG}")
    athena.run(
        "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'y'), (4, 'd', 'y'), (5, NULL, 'z'), (6, 'f', 'z')"
    )
    return athena


def everything(athena):
    return athena.rows("SELECT id, name, part FROM t ORDER BY id, name")


def test_an_update_changes_the_rows_for_which_its_condition_is_true(table):
    result = table.run("UPDATE t SET name = upper(name), part = 'w' WHERE name >= 'd'")
    assert (result.outcome.substatement_type, result.outcome.update_count) == ("UPDATE", 2)
    assert everything(table) == [
        (1, "a", "x"),
        (2, "b", "x"),
        (3, "c", "y"),
        (4, "D", "w"),
        (5, None, "z"),
        (6, "F", "w"),
    ]


def test_only_files_with_changed_rows_are_written_anew(table):
    paths = dict(table.rows('SELECT part, max("$path") FROM t GROUP BY part'))
    table.run("UPDATE t SET name = 'q' WHERE id = 3")
    after = dict(table.rows('SELECT part, max("$path") FROM t GROUP BY part'))
    assert {part for part in paths if paths[part] != after[part]} == {"y"}


def test_an_expression_is_computed_for_changed_rows_only(table):
    table.run("UPDATE t SET name = CAST(10 / (id - 1) AS varchar) WHERE id > 4")
    assert everything(table)[4:] == [(5, "2", "z"), (6, "2", "z")]


def test_a_condition_may_ask_the_table_itself(table):
    table.run("DELETE FROM t WHERE id = (SELECT max(id) FROM t) OR part IN (SELECT part FROM t WHERE name = 'a')")
    assert [row[0] for row in everything(table)] == [3, 4, 5]


def test_a_delete_without_a_condition_empties_the_table(table):
    assert table.run("DELETE FROM t").outcome.update_count == 6
    assert everything(table) == []
    assert table.rows('SELECT count(*) FROM "t$files"') == [(0,)]


def test_a_change_of_no_row_makes_no_snapshot(table):
    assert table.run("UPDATE t SET name = 'x' WHERE id = 99").outcome.update_count == 0
    assert table.rows('SELECT count(*) FROM "t$snapshots"') == [(1,)]


def test_merge_takes_the_first_clause_that_holds(table):
    result = table.run(
        """MERGE INTO t AS target USING (
            SELECT * FROM (
                VALUES (1, 'delete'), (2, 'new'), (3, 'skip'), (7, 'add'), (8, 'skip'), (9, 'plain')
            ) AS v(k, what)
        ) AS source ON target.id = source.k
        WHEN MATCHED AND source.what = 'delete' THEN DELETE
        WHEN MATCHED AND source.what = 'new' THEN UPDATE SET name = target.name || source.what
        WHEN NOT MATCHED AND source.what = 'add' THEN INSERT (id, part, name) VALUES (source.k, 'n', 'added')
        WHEN NOT MATCHED AND source.what = 'plain' THEN INSERT VALUES (source.k, source.what, NULL)"""
    )
    assert result.outcome.update_count == 4
    assert everything(table) == [
        (2, "bnew", "x"),
        (3, "c", "y"),
        (4, "d", "y"),
        (5, None, "z"),
        (6, "f", "z"),
        (7, "added", "n"),
        (9, "plain", None),
    ]


def test_a_target_row_may_match_one_source_row_only(table):
    merge = (
        "MERGE INTO t USING (VALUES (1, 'p'), (1, 'q')) AS s(k, n) ON t.id = s.k"
        " WHEN MATCHED {extra} THEN UPDATE SET name = s.n"
    )
    with pytest.raises(QueryError, match="MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more"):
        table.run(merge.replace("{extra}", ""))
    table.run(merge.replace("{extra}", "AND s.n = 'q'"))
    assert everything(table)[0] == (1, "q", "x")


def test_a_merge_from_the_table_itself_sees_it_as_it_was(table):
    table.run(
        "MERGE INTO t USING (SELECT id + 1 AS id, name FROM t) s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)"
    )
    assert [row[1] for row in everything(table)] == ["a", "a", "b", "c", "d", None, "f"]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE t SET nothing = 1", "COLUMN_NOT_FOUND: The UPDATE SET target column nothing doesn't exist"),
        ("UPDATE t SET id = 'x'", "TYPE_MISMATCH: UPDATE table column types don't match SET"),
        ("UPDATE t SET id = 1, id = 2", "Multiple assignments for column 'id'"),
        ("DELETE FROM t WHERE missing = 1", "COLUMN_NOT_FOUND"),
        ("DELETE FROM h", "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables"),
        ("UPDATE v SET a = 1", "NOT_SUPPORTED: Modifying Hive table rows"),
        ("DELETE FROM missing", "TABLE_NOT_FOUND"),
        (
            "MERGE INTO t USING (VALUES 1) AS s(k) ON t.id = s.k WHEN NOT MATCHED THEN INSERT (id) VALUES ('a')",
            "TYPE_MISMATCH: Insert query has mismatched column types",
        ),
    ],
)
def test_a_change_that_does_not_fit_is_refused(table, statement: str, error: str):
    table.run("CREATE TABLE h AS SELECT 1 AS a")
    table.run("CREATE VIEW v AS SELECT 1 AS a")
    with pytest.raises(QueryError, match=error):
        table.run(statement)
    assert table.rows('SELECT count(*) FROM "t$snapshots"') == [(1,)]


def test_a_change_loses_no_commit_that_came_in_between(table):
    """Two updates of one row at once: one of them fails, and the table is as the other left it."""
    ready = threading.Barrier(2)

    def update(name: str) -> str:
        ready.wait()
        try:
            table.run(f"UPDATE t SET name = name || '{name}' WHERE id = 1")
        except QueryError as error:
            return error.code
        return name

    for _ in range(3):
        before = everything(table)[0][1]
        with ThreadPoolExecutor(2) as pool:
            told = sorted(pool.map(update, ["p", "q"]))
        after = everything(table)[0][1]
        done = [one for one in told if one in {"p", "q"}]
        assert set(told) - {"p", "q"} <= {"ICEBERG_COMMIT_ERROR"}
        assert sorted(after.removeprefix(before)) == done
        assert len(everything(table)) == 6


def test_inserts_at_once_are_all_kept(table):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: table.run(f"INSERT INTO t VALUES ({i}, 'n', 'x')"), range(10, 14)))
    assert [row[0] for row in everything(table)] == [1, 2, 3, 4, 5, 6, 10, 11, 12, 13]


keys = st.integers(1, 8)
operations = st.one_of(
    st.tuples(st.just("insert"), keys, st.integers(0, 99)),
    st.tuples(st.just("update"), keys, st.integers(0, 99)),
    st.tuples(st.just("delete"), keys, st.just(0)),
    st.tuples(st.just("merge"), keys, st.integers(0, 99)),
)


def model(state: dict[int, int], operation: tuple[str, int, int]) -> str:
    """Do an operation to the dictionary; the statement that does the same to the table."""
    kind, key, value = operation
    if kind == "insert":
        if key in state:
            return ""
        state[key] = value
        return f"INSERT INTO t VALUES ({key}, {value})"
    if kind == "update":
        state.update({k: v + value for k, v in state.items() if k <= key})
        return f"UPDATE t SET v = v + {value} WHERE k <= {key}"
    if kind == "delete":
        for k in [k for k in state if k % 3 == key % 3]:
            del state[k]
        return f"DELETE FROM t WHERE k % 3 = {key % 3}"
    for k in (key, key + 1):
        state[k] = value + state.get(k, 0)
        if state[k] % 2:
            del state[k]
    return (
        f"MERGE INTO t USING (VALUES ({key}, {value}), ({key + 1}, {value})) AS s(k, v) ON t.k = s.k"
        " WHEN MATCHED AND (s.v + t.v) % 2 = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v + t.v"
        " WHEN NOT MATCHED AND s.v % 2 = 0 THEN INSERT VALUES (s.k, s.v)"
    )


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(operations, min_size=3, max_size=7), st.sampled_from(["", "PARTITIONED BY (bucket(3, k))"]))
def test_any_sequence_of_changes_equals_the_same_on_a_dictionary(athena, sequence, partitioned_by):
    athena.run("DROP TABLE IF EXISTS t")
    for key in athena.objects():
        athena.backend.s3.delete_object(Bucket="lake", Key=f"{athena.database}/{key}")
    athena.run(f"CREATE TABLE t (k int, v int) {partitioned_by} {ICEBERG}")
    state: dict[int, int] = {}
    for operation in sequence:
        statement = model(state, operation)
        if statement:
            athena.run(statement)
        assert dict(athena.rows("SELECT k, v FROM t")) == state
        assert athena.rows("SELECT count(*) FROM t") == [(len(state),)]
