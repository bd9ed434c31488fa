"""Iceberg tables: what others can read of them, time travel, evolution, other engines' deletes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finks_local.engine.storage import bare
from finks_local.sql.errors import QueryError
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
)
from pyiceberg.typedef import Record

pytestmark = pytest.mark.aws

ICEBERG = "LOCATION '{root}/t' TBLPROPERTIES ('table_type' = 'ICEBERG')"


def create(athena, columns: str = "id int, name string", partitioned_by: str = "") -> None:
    athena.run(f"CREATE TABLE t ({columns}) {partitioned_by} {ICEBERG}")


def load(athena, name: str = "t"):
    return athena.backend.catalog.load_table((athena.database, name))


def test_a_table_is_known_to_glue_and_pyiceberg(athena):
    create(
        athena,
        "id int COMMENT 'key', at timestamp, price decimal(10,2), tags array<string>",
        "PARTITIONED BY (day(at), bucket(4, id))",
    )
    row = athena.table("t")
    assert row["TableType"] == "EXTERNAL_TABLE"
    assert row["Parameters"]["table_type"] == "ICEBERG"
    assert row["Parameters"]["metadata_location"].startswith(f"{athena.root}/t/metadata/")
    assert [(c["Name"], c["Type"]) for c in row["StorageDescriptor"]["Columns"]] == [
        ("id", "int"),
        ("at", "timestamp"),
        ("price", "decimal(10,2)"),
        ("tags", "array<string>"),
    ]
    assert [str(field.transform) for field in load(athena).spec().fields] == ["day", "bucket[4]"]
    athena.run("INSERT INTO t VALUES (1, TIMESTAMP '2024-01-02 03:04:05.678', 1.50, ARRAY['a'])")
    assert load(athena).scan().to_arrow().to_pylist()[0]["tags"] == ["a"]


def test_a_table_of_a_query_is_made_in_one_commit(athena):
    result = athena.run(
        "CREATE TABLE t WITH (table_type = 'ICEBERG', is_external = false, location = '{root}/t',"
        " partitioning = ARRAY['name', 'bucket(id, 2)']) AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)"
    )
    assert result.outcome.update_count == 2
    assert len(load(athena).snapshots()) == 1
    assert athena.rows("SELECT id, name FROM t WHERE name = 'b'") == [(2, "b")]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("AS SELECT CAST(1 AS tinyint) AS a", "NOT_SUPPORTED: Type not supported for Iceberg: tinyint"),
        (
            "AS SELECT TIMESTAMP '2024-01-01 00:00:00.000' AS a",
            r'NOT_SUPPORTED: Timestamp precision \(3\) not supported for Iceberg. Use "timestamp\(6\)" instead.',
        ),
        ("AS SELECT 1 / (1 - 1) AS a", "DIVISION_BY_ZERO"),
        ("AS SELECT a FROM UNNEST(SEQUENCE(1, 101)) AS s(a)", "ICEBERG_TOO_MANY_OPEN_PARTITIONS"),
    ],
)
def test_a_table_that_cannot_be_made_leaves_nothing(athena, statement: str, error: str):
    partitioning = ", partitioning = ARRAY['a']" if "SEQUENCE" in statement else ""
    with pytest.raises(QueryError, match=error):
        athena.run(
            "CREATE TABLE t WITH (table_type='ICEBERG', is_external=false, location='{root}/t'"
            f"{partitioning}) {statement}"
        )
    assert athena.run("SHOW TABLES").values == []
    assert [key for key in athena.objects("t/") if key.startswith("data/")] == []


def test_versions_and_moments_of_the_past_can_be_read(athena):
    create(athena)
    athena.run("INSERT INTO t VALUES (1, 'a')")
    first = load(athena).current_snapshot()
    athena.run("INSERT INTO t VALUES (2, 'b')")
    athena.run("ALTER TABLE t ADD COLUMNS (extra int)")
    moment = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
    literal = f"TIMESTAMP '{moment.removesuffix('+00:00')} UTC'"
    assert athena.rows(f"SELECT * FROM t FOR VERSION AS OF {first.snapshot_id}") == [(1, "a")]
    assert athena.rows(f"SELECT * FROM t FOR TIMESTAMP AS OF {literal}") == [(1, "a")]
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, "a", None), (2, "b", None)]
    both = f"SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t FOR VERSION AS OF {first.snapshot_id})"
    assert athena.rows(both) == [(2, 1)]
    with pytest.raises(QueryError, match="INVALID_ARGUMENTS: No version history table"):
        athena.rows("SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2001-01-01 00:00:00 UTC'")
    with pytest.raises(QueryError, match="INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: 5"):
        athena.rows("SELECT * FROM t FOR VERSION AS OF 5")


def test_columns_keep_their_values_through_every_change_of_schema(athena):
    create(athena, "id int, name string, n int")
    athena.run("INSERT INTO t VALUES (1, 'a', 10)")
    athena.run("ALTER TABLE t CHANGE COLUMN name title string")
    athena.run("ALTER TABLE t CHANGE COLUMN n n bigint")
    athena.run("ALTER TABLE t ADD COLUMNS (name string COMMENT 'another')")
    athena.run("INSERT INTO t VALUES (2, 'b', 3000000000, 'x')")
    assert athena.rows("SELECT id, title, n, name FROM t ORDER BY id") == [
        (1, "a", 10, None),
        (2, "b", 3_000_000_000, "x"),
    ]
    athena.run("ALTER TABLE t DROP COLUMN n")
    assert athena.run("SHOW COLUMNS IN t").values == ["id", "title", "name"]
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, "a", None), (2, "b", "x")]


def test_rows_that_another_engine_deleted_are_gone(athena):
    create(athena)
    athena.run("INSERT INTO t SELECT CAST(a AS integer), CAST(a AS varchar) FROM UNNEST(SEQUENCE(0, 9)) AS s(a)")
    delete_by_position(athena, [0, 3, 9])
    assert athena.run("SELECT id FROM t ORDER BY id").values == [1, 2, 4, 5, 6, 7, 8]
    athena.run("UPDATE t SET name = 'x' WHERE id IN (3, 4)")
    athena.run("DELETE FROM t WHERE id > 7")
    assert athena.rows("SELECT * FROM t ORDER BY id") == [
        (1, "1"),
        (2, "2"),
        (4, "x"),
        (5, "5"),
        (6, "6"),
        (7, "7"),
    ]


def test_compaction_drops_deleted_rows_for_good(athena):
    create(athena)
    athena.run("INSERT INTO t SELECT CAST(a AS integer), CAST(a AS varchar) FROM UNNEST(SEQUENCE(0, 4)) AS s(a)")
    delete_by_position(athena, [1])
    athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")
    assert not any(task.delete_files for task in load(athena).scan().plan_files())
    assert athena.run("SELECT id FROM t ORDER BY id").values == [0, 2, 3, 4]


def delete_by_position(athena, positions: list[int]) -> None:
    """Commit a position delete file, as Spark and Athena do."""
    table = load(athena)
    (task,) = table.scan().plan_files()
    location = f"{table.location()}/data/deletes-{len(positions)}.parquet"
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": "2147483546"}),
            pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "2147483545"}),
        ]
    )
    rows = pa.table({"file_path": [task.file.file_path] * len(positions), "pos": positions}, schema=schema)
    pq.write_table(rows, bare(location), filesystem=athena.backend.filesystem)
    size = athena.backend.filesystem.get_file_info(bare(location)).size
    file = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=len(positions),
        file_size_in_bytes=size,
        column_sizes={},
        value_counts={},
        null_value_counts={},
        nan_value_counts={},
        lower_bounds={},
        upper_bounds={},
        spec_id=table.spec().spec_id,
    )
    commit_deletes(table, file)


class DeletesWriter(ManifestWriterV2):
    """Writes a manifest of delete files; pyiceberg has none."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def commit_deletes(table, file: DataFile) -> None:
    """A snapshot with a manifest of deletes; pyiceberg itself writes none."""
    with table.transaction() as transaction:
        update = transaction.update_snapshot().fast_append()
        path = f"{table.location()}/metadata/deletes-{next(_numbers)}.avro"
        writer = DeletesWriter(table.spec(), table.schema(), table.io.new_output(path), update.snapshot_id, "deflate")
        with writer:
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=update.snapshot_id, data_file=file
                )
            )
        manifest = writer.to_manifest_file()
        inherited = update._manifests
        update._manifests = lambda: [manifest, *inherited()]
        with update:
            pass


_numbers = itertools.count()


def test_an_identity_partition_is_known_before_a_file_is_opened(athena):
    create(athena, "id int, day date, wide string", "PARTITIONED BY (day)")
    for day in (1, 2, 3):
        athena.run(
            f"INSERT INTO t SELECT CAST(a AS integer), DATE '2024-01-0{day}', CAST(a AS varchar)"
            " FROM UNNEST(SEQUENCE(1, 9000)) AS s(a)"
        )
    whole = athena.run("SELECT count(wide), max(day) FROM t")
    one = athena.run("SELECT count(wide), max(day) FROM t WHERE day = DATE '2024-01-02'")
    assert (whole.rows[0][0], one.rows[0][0]) == (27_000, 9_000)
    assert one.scanned * 2 < whole.scanned


def test_metadata_tables_tell_the_history(athena):
    create(athena, partitioned_by="PARTITIONED BY (name)")
    athena.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    athena.run("DELETE FROM t WHERE id = 1")
    assert athena.run('SELECT operation FROM "t$snapshots" ORDER BY committed_at').values == ["append", "overwrite"]
    assert athena.rows('SELECT count(*) FROM "t$history" WHERE is_current_ancestor') == [(2,)]
    assert athena.rows('SELECT record_count, lower_bounds[1] FROM "t$files"') == [(1, "2")]
    assert athena.rows('SELECT partition.name, record_count, file_count FROM "t$partitions"') == [("b", 1, 1)]
    assert athena.rows('SELECT name, type FROM "t$refs"') == [("main", "BRANCH")]
    assert athena.rows('SELECT sum(added_data_files_count) FROM "t$manifests"') != []
    with pytest.raises(QueryError, match="TABLE_NOT_FOUND"):
        athena.rows('SELECT * FROM "t$nothing"')


def test_dropping_a_table_removes_its_files(athena):
    create(athena)
    athena.run("INSERT INTO t VALUES (1, 'a')")
    athena.run("DROP TABLE t")
    assert athena.objects("t/") == []
    assert athena.run("SHOW TABLES").values == []


def test_a_renamed_table_keeps_its_rows(athena):
    create(athena)
    athena.run("INSERT INTO t VALUES (1, 'a')")
    athena.run(f"ALTER TABLE t RENAME TO `{athena.database}`.`u`")
    assert athena.rows("SELECT * FROM u") == [(1, "a")]
    assert athena.run("SHOW TABLES").values == ["u"]


def test_small_files_of_a_partition_become_one(athena):
    create(athena, partitioned_by="PARTITIONED BY (name)")
    for i in range(4):
        athena.run(f"INSERT INTO t VALUES ({i}, 'a'), ({i}, 'b')")
    athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK WHERE name = 'a'")
    assert athena.rows('SELECT partition.name, file_count FROM "t$partitions" ORDER BY 1') == [("a", 1), ("b", 4)]
    assert athena.rows("SELECT name, count(*), sum(id) FROM t GROUP BY name ORDER BY name") == [
        ("a", 4, 6),
        ("b", 4, 6),
    ]


def test_vacuum_forgets_old_snapshots_and_deletes_what_only_they_need(athena):
    create(athena)
    athena.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    athena.run("UPDATE t SET name = 'c' WHERE id = 1")
    before = len(athena.objects("t/data/"))
    athena.run("VACUUM t", now=datetime.now(UTC))
    assert len(load(athena).snapshots()) == 2
    athena.run("VACUUM t", now=datetime.now(UTC) + timedelta(days=6))
    assert len(load(athena).snapshots()) == 1
    assert len(athena.objects("t/data/")) == before - 1
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, "c"), (2, "b")]


def test_files_taken_in_without_field_ids_are_read_by_name(athena):
    create(athena)
    athena.run("INSERT INTO t VALUES (1, 'a')")
    athena.put("foreign/1.parquet", pa.table({"name": ["b"], "id": pa.array([2], pa.int32())}))
    load(athena).add_files([f"{athena.root}/foreign/1.parquet"])
    assert athena.rows("SELECT id, name FROM t ORDER BY id") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (f"CREATE EXTERNAL TABLE u (id int) {ICEBERG}", "NOT_SUPPORTED: CREATE EXTERNAL TABLE of an Iceberg table"),
        ("CREATE TABLE u (id int) LOCATION '{root}/u'", "NOT_SUPPORTED: CREATE TABLE without EXTERNAL"),
        ("CREATE TABLE u (id int) TBLPROPERTIES ('table_type'='ICEBERG')", "INVALID_TABLE_PROPERTY: .* LOCATION"),
        (
            "CREATE TABLE u (id int) PARTITIONED BY (day(id)) LOCATION '{root}/u'"
            " TBLPROPERTIES ('table_type'='ICEBERG')",
            "INVALID_TABLE_PROPERTY: Unable to parse partitioning value",
        ),
        (
            "CREATE TABLE u (id int) LOCATION '{root}/u' TBLPROPERTIES ('table_type'='ICEBERG', 'shape'='round')",
            "NOT_SUPPORTED: Unsupported table property key: shape",
        ),
        ("ALTER TABLE t ADD PARTITION (id = 1)", r"NOT_SUPPORTED: ALTER TABLE AddPartitions .* Iceberg"),
        ("ALTER TABLE t CHANGE COLUMN id id string", "NOT_SUPPORTED: .*Cannot change column type"),
        ("MSCK REPAIR TABLE t", "NOT_SUPPORTED: MSCK REPAIR TABLE"),
    ],
)
def test_what_iceberg_tables_do_not_have_is_refused_by_name(athena, statement: str, error: str):
    create(athena)
    with pytest.raises(QueryError, match=error):
        athena.run(statement)
