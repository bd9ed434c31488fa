"""DDL, views, SHOW and information_schema: what they do to Glue and tell of it."""

from __future__ import annotations

import base64
import json

import pyarrow as pa
import pytest
from finks_local.sql.errors import QueryError

pytestmark = pytest.mark.aws

HIVE = (
    "CREATE EXTERNAL TABLE t (id bigint COMMENT 'key', note string) PARTITIONED BY (dt string)"
    " STORED AS PARQUET LOCATION '{root}/t/'"
)


def test_a_database_is_made_told_and_dropped_with_its_tables(athena):
    name = f"{athena.database}_other"
    athena.run(
        f"CREATE SCHEMA IF NOT EXISTS `{name}` COMMENT 'mine' LOCATION '{{root}}/o/' WITH DBPROPERTIES ('a'='b')"
    )
    athena.run(f"CREATE DATABASE IF NOT EXISTS {name}")
    row = athena.backend.glue.get_database(Name=name)["Database"]
    assert (row["Description"], row["LocationUri"], row["Parameters"]) == ("mine", f"{athena.root}/o/", {"a": "b"})
    with pytest.raises(QueryError, match="SCHEMA_ALREADY_EXISTS"):
        athena.run(f"CREATE DATABASE {name}")
    athena.run(f"CREATE TABLE {name}.t AS SELECT 1 AS a")
    with pytest.raises(QueryError, match="SCHEMA_NOT_EMPTY"):
        athena.run(f"DROP DATABASE {name}")
    athena.run(f"ALTER DATABASE {name} SET DBPROPERTIES ('c'='d')")
    assert athena.backend.glue.get_database(Name=name)["Database"]["Parameters"] == {"a": "b", "c": "d"}
    athena.run(f"DROP SCHEMA {name} CASCADE")
    athena.run(f"DROP SCHEMA IF EXISTS {name}")
    assert athena.run(f"SHOW DATABASES LIKE '{name}'").values == []
    with pytest.raises(QueryError, match="SCHEMA_NOT_FOUND"):
        athena.run(f"DROP SCHEMA {name}")


def test_a_dropped_hive_table_leaves_its_files(athena):
    athena.run("CREATE TABLE t AS SELECT 1 AS a")
    athena.run("DROP TABLE t")
    assert len(athena.objects("staging/")) == 1
    with pytest.raises(QueryError, match="TABLE_NOT_FOUND"):
        athena.run("DROP TABLE t")
    athena.run("DROP TABLE IF EXISTS t")


def test_partitions_are_added_moved_renamed_and_dropped(athena):
    athena.run(HIVE)
    athena.run("ALTER TABLE t ADD PARTITION (dt='a') PARTITION (dt='b') LOCATION '{root}/b/'")
    with pytest.raises(QueryError, match="PARTITION_ALREADY_EXISTS"):
        athena.run("ALTER TABLE t ADD PARTITION (dt='a')")
    athena.run("ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt='a')")
    athena.put("b/1", pa.table({"id": [1]}))
    athena.run("ALTER TABLE t PARTITION (dt='b') RENAME TO PARTITION (dt='c')")
    assert athena.rows("SELECT id, dt FROM t") == [(1, "c")]
    athena.run("ALTER TABLE t PARTITION (dt='c') SET LOCATION '{root}/none/'")
    assert athena.rows("SELECT id, dt FROM t") == []
    athena.run("ALTER TABLE t DROP PARTITION (dt='a'), PARTITION (dt='c')")
    assert athena.run("SHOW PARTITIONS t").values == []
    with pytest.raises(QueryError, match="PARTITION_NOT_FOUND"):
        athena.run("ALTER TABLE t DROP PARTITION (dt='a')")
    athena.run("ALTER TABLE t DROP IF EXISTS PARTITION (dt='a')")
    with pytest.raises(QueryError, match="INVALID_PARTITION_SPEC"):
        athena.run("ALTER TABLE t ADD PARTITION (other='a')")


def test_repair_adds_the_folders_that_are_partitions_and_removes_none(athena):
    athena.run(HIVE)
    athena.run("ALTER TABLE t ADD PARTITION (dt='gone')")
    for folder in ("dt=x%20y", "DT=z", "other=1", "plain"):
        athena.put(f"t/{folder}/f", pa.table({"id": [1]}))
    athena.run("MSCK REPAIR TABLE t")
    assert athena.run("SHOW PARTITIONS t").values == ["dt=gone", "dt=x y", "dt=z"]
    assert athena.rows("SELECT dt FROM t ORDER BY dt") == [("x y",), ("z",)]


def test_columns_and_properties_of_a_hive_table_change(athena):
    athena.run(HIVE)
    athena.run("ALTER TABLE t ADD COLUMNS (extra int, more array<string>)")
    athena.run("ALTER TABLE t CHANGE COLUMN note remark string COMMENT 'new' FIRST")
    assert athena.run("SHOW COLUMNS FROM t").values == ["remark", "id", "extra", "more", "dt"]
    athena.run("ALTER TABLE t REPLACE COLUMNS (id bigint, x double)")
    athena.run("ALTER TABLE t SET TBLPROPERTIES ('classification' = 'parquet', 'k' = 'v')")
    athena.run("ALTER TABLE t UNSET TBLPROPERTIES ('k')")
    athena.run("ALTER TABLE t SET LOCATION '{root}/elsewhere/'")
    row = athena.table("t")
    assert [(c["Name"], c["Type"]) for c in row["StorageDescriptor"]["Columns"]] == [("id", "bigint"), ("x", "double")]
    assert row["StorageDescriptor"]["Location"] == f"{athena.root}/elsewhere/"
    assert row["Parameters"]["classification"] == "parquet"
    assert "k" not in row["Parameters"]
    with pytest.raises(QueryError, match="DUPLICATE_COLUMN_NAME"):
        athena.run("ALTER TABLE t ADD COLUMNS (dt int)")
    with pytest.raises(QueryError, match="NOT_SUPPORTED: ALTER TABLE RenameTable is not supported for Hive tables"):
        athena.run("ALTER TABLE t RENAME TO u")


def test_a_view_is_kept_as_athena_keeps_it_and_stands_in_its_own_database(athena):
    athena.run("CREATE TABLE base AS SELECT 1 AS id, 'a' AS name, DECIMAL '1.5' AS price")
    athena.run("CREATE VIEW v AS SELECT name, id + 1 AS next, price FROM base -- told")
    row = athena.table("v")
    assert (row["TableType"], row["ViewExpandedText"]) == ("VIRTUAL_VIEW", "/* Presto View */")
    body = json.loads(base64.b64decode(row["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")))
    assert (body["catalog"], body["schema"]) == ("awsdatacatalog", athena.database)
    assert [column["name"] for column in body["columns"]] == ["name", "next", "price"]
    assert athena.rows(f"SELECT next FROM {athena.database}.v", database="default") == [(2,)]
    athena.run("CREATE OR REPLACE VIEW v AS SELECT 5 AS five")
    assert athena.rows("SELECT * FROM v") == [(5,)]
    athena.run("CREATE VIEW w AS SELECT five * 2 AS ten FROM v")
    assert athena.rows("SELECT ten FROM w") == [(10,)]
    with pytest.raises(QueryError, match="VIEW_ALREADY_EXISTS"):
        athena.run("CREATE VIEW v AS SELECT 1 AS a")
    with pytest.raises(QueryError, match=r"NOT_SUPPORTED: .*is a view, use DROP VIEW"):
        athena.run("DROP TABLE v")
    athena.run("DROP VIEW v")
    with pytest.raises(QueryError, match="TABLE_NOT_FOUND"):
        athena.rows("SELECT * FROM w")


def test_a_view_whose_query_has_other_columns_now_is_stale(athena):
    athena.run("CREATE TABLE base AS SELECT 1 AS id")
    athena.run("CREATE VIEW v AS SELECT * FROM base")
    athena.run("ALTER TABLE base ADD COLUMNS (more int)")
    with pytest.raises(QueryError, match="VIEW_IS_STALE"):
        athena.rows("SELECT * FROM v")


def test_a_view_that_reads_itself_is_refused(athena):
    athena.run("CREATE VIEW v AS SELECT 1 AS a")
    athena.run("CREATE VIEW w AS SELECT a FROM v")
    athena.run("CREATE OR REPLACE VIEW v AS SELECT a FROM w")
    with pytest.raises(QueryError, match="VIEW_IS_RECURSIVE"):
        athena.rows("SELECT * FROM v")


def test_show_lists_what_is_there(athena):
    athena.run(HIVE)
    athena.run("CREATE VIEW v AS SELECT 1 AS a")
    assert athena.run("SHOW TABLES").values == ["t", "v"]
    assert athena.run(f"SHOW TABLES IN {athena.database} 'T*'").values == ["t"]
    assert athena.run("SHOW VIEWS").values == ["v"]
    assert athena.rows("SHOW TBLPROPERTIES t ('EXTERNAL')") == [("TRUE",)]
    described = athena.rows("DESCRIBE t")
    assert described[:3] == [("id", "bigint", "key"), ("note", "string", ""), ("dt", "string", "")]
    assert ("# Partition Information", "", "") in described
    assert ("Location:", f"{athena.root}/t/", "") in athena.rows("DESCRIBE FORMATTED t")
    assert athena.run("SHOW CREATE VIEW v").values == [f"CREATE VIEW {athena.database}.v AS", "SELECT 1 AS a"]


@pytest.mark.parametrize(
    "create",
    [
        HIVE,
        "CREATE EXTERNAL TABLE t (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION '{root}/t/'"
        " TBLPROPERTIES ('skip.header.line.count'='1')",
        "CREATE TABLE t (a int, at timestamp) PARTITIONED BY (day(at), bucket(4, a)) LOCATION '{root}/t'"
        " TBLPROPERTIES ('table_type'='ICEBERG')",
    ],
)
def test_what_show_create_table_says_makes_the_same_table(athena, create):
    athena.run(create)
    told = "\n".join(athena.run("SHOW CREATE TABLE t").values).replace(f"`{athena.database}.t`", "t")
    before = athena.table("t")
    athena.run("DROP TABLE t")
    athena.run(told)
    after = athena.table("t")
    for part in ("StorageDescriptor", "PartitionKeys", "TableType"):
        assert before.get(part) == after.get(part)


def test_information_schema_is_told_from_glue(athena):
    athena.run(HIVE)
    athena.run("CREATE VIEW v AS SELECT 1 AS a")
    where = f"WHERE table_schema = '{athena.database}'"
    assert athena.rows(f"SELECT table_name, table_type FROM information_schema.tables {where} ORDER BY 1") == [
        ("t", "BASE TABLE"),
        ("v", "VIEW"),
    ]
    columns = (
        f"SELECT column_name, data_type, ordinal_position FROM information_schema.columns {where} AND table_name = 't'"
    )
    assert athena.rows(f"{columns} ORDER BY 3") == [("id", "bigint", 1), ("note", "varchar", 2), ("dt", "varchar", 3)]
    assert athena.rows(f"SELECT view_definition FROM awsdatacatalog.information_schema.views {where}") == [
        ("SELECT 1 AS a",)
    ]
    assert (athena.database,) in athena.rows("SELECT schema_name FROM information_schema.schemata")


def test_an_unload_writes_a_folder_of_parquet(athena):
    result = athena.run(
        "UNLOAD (SELECT 1 AS a, 'x' AS b) TO '{root}/out/' WITH (format = 'PARQUET', compression = 'SNAPPY')"
    )
    assert result.outcome.update_count == 1
    athena.run("CREATE EXTERNAL TABLE o (a int, b string) STORED AS PARQUET LOCATION '{root}/out/'")
    assert athena.rows("SELECT * FROM o") == [(1, "x")]
    with pytest.raises(QueryError, match="HIVE_PATH_ALREADY_EXISTS"):
        athena.run("UNLOAD (SELECT 1 AS a) TO '{root}/out/' WITH (format = 'PARQUET')")
    with pytest.raises(QueryError, match="NOT_SUPPORTED: UNLOAD with format AVRO"):
        athena.run("UNLOAD (SELECT 1 AS a) TO '{root}/avro/' WITH (format = 'AVRO')")


def test_explain_shows_a_plan(athena):
    result = athena.run("EXPLAIN SELECT count(*) FROM (VALUES 1, 2) AS v(a)")
    assert result.outcome.statement_type == "UTILITY"
    assert len(result.rows) > 3
