"""Athena's statements as values."""

from __future__ import annotations

import pytest
from finks_local.engine.ddl import statements as ast
from finks_local.engine.ddl.parse import parse_statement
from finks_local.engine.ddl.reader import Name
from finks_local.sql.errors import QueryError


def test_a_hive_table_is_read_with_nested_types_comments_and_its_format():
    statement = parse_statement(
        """/* by dbt */ CREATE EXTERNAL TABLE IF NOT EXISTS `Sales`.`Orders` (
            `id` bigint COMMENT 'it''s the key',
            items array<struct<`sku`:string,price:decimal(10,2)>>  -- nested
        ) COMMENT 'orders' PARTITIONED BY (dt string, n int)
        ROW FORMAT SERDE 'a.b.C' WITH SERDEPROPERTIES ('k'='v') STORED AS PARQUET
        LOCATION 's3://bucket/orders/' TBLPROPERTIES ('a'='1', 'b'='2');"""
    )
    assert isinstance(statement, ast.CreateTable)
    assert statement.name == Name("sales", "orders")
    assert statement.columns == (
        ast.ColumnText("id", "bigint", "it's the key"),
        ast.ColumnText("items", "array<struct<sku:string,price:decimal(10,2)>>"),
    )
    assert [column.name for column in statement.partitioned_by] == ["dt", "n"]
    assert statement.row_format == ast.RowFormat("a.b.C", {"k": "v"})
    assert statement.storage == ast.Storage("PARQUET")
    assert statement.properties == {"a": "1", "b": "2"}


def test_an_iceberg_table_is_partitioned_by_transforms():
    statement = parse_statement("CREATE TABLE t (id int, ts timestamp) PARTITIONED BY (day(ts), bucket(16, id), id)")
    assert isinstance(statement, ast.CreateTable)
    assert statement.transforms == ("day(ts)", "bucket(16,id)", "id")
    assert not statement.partitioned_by


def test_a_query_keeps_its_place_in_the_text():
    statement = parse_statement("CREATE TABLE t\nWITH (format = 'parquet') AS\n  SELECT 1")
    assert isinstance(statement, ast.CreateTableAs)
    assert statement.query.splitlines()[2] == "  SELECT 1"
    assert statement.query.splitlines()[:2] == [" " * 14, " " * 28]


@pytest.mark.parametrize(
    ("tail", "with_data"), [("", True), (" WITH DATA", True), (" WITH NO DATA", False), (";", True)]
)
def test_with_no_data_is_not_part_of_the_query(tail: str, with_data: bool):
    statement = parse_statement(f"CREATE TABLE t AS SELECT 1 AS a{tail}")
    assert isinstance(statement, ast.CreateTableAs)
    assert statement.query.strip() == "SELECT 1 AS a"
    assert statement.with_data == with_data


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('INSERT INTO a.b (x, "Y") SELECT 1, 2', ("x", "y")),
        ("INSERT INTO b (SELECT 1)", None),
        ("INSERT INTO b (WITH q AS (SELECT 1) SELECT * FROM q)", None),
        ("INSERT INTO b VALUES (1)", None),
    ],
)
def test_an_insert_tells_its_columns_from_its_query(text: str, columns: tuple[str, ...] | None):
    statement = parse_statement(text)
    assert isinstance(statement, ast.Insert)
    assert statement.columns == columns


def test_partitions_are_added_with_their_places():
    statement = parse_statement(
        "ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt='a', n=-2) LOCATION 's3://x/'"
        " PARTITION (dt=date '2020-01-01', n=1)"
    )
    assert isinstance(statement, ast.AlterTable)
    assert statement.action == ast.AddPartitions(
        (
            ast.PartitionSpec({"dt": "a", "n": "-2"}, "s3://x/"),
            ast.PartitionSpec({"dt": "2020-01-01", "n": "1"}),
        ),
        if_not_exists=True,
    )


def test_an_unload_ends_its_query_at_the_right_parenthesis():
    statement = parse_statement(
        "UNLOAD (SELECT ')' FROM (VALUES 1)) TO 's3://x/' WITH (partitioned_by = ARRAY['a', 'b'])"
    )
    assert isinstance(statement, ast.Unload)
    assert statement.query.strip() == "SELECT ')' FROM (VALUES 1)"
    assert statement.properties == {"partitioned_by": ("a", "b")}


@pytest.mark.parametrize(
    "text",
    [
        "GRANT SELECT ON t TO u",
        "CREATE TABLE",
        "ALTER TABLE t SHRINK",
        "SHOW FUNCTIONS",
        "DROP TABLE t now",
        "CREATE EXTERNAL TABLE t (a int) LOCATED 's3://x/'",
        "",
    ],
)
def test_what_athena_does_not_know_is_a_syntax_error_with_its_place(text: str):
    with pytest.raises(QueryError, match=r"^SYNTAX_ERROR: line 1:\d+: mismatched input"):
        parse_statement(text)


def test_another_catalog_is_not_found():
    with pytest.raises(QueryError, match="CATALOG_NOT_FOUND: Catalog 'other' does not exist"):
        parse_statement("DROP TABLE other.db.t")
