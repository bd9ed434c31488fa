"""CTAS and INSERT into Hive tables: the files, Glue's rows, and what is refused."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finks_local.engine import Engine, Limits
from finks_local.engine.write import hive
from finks_local.sql.errors import QueryError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.aws

PARQUET = "STORED AS PARQUET LOCATION '{root}/t/'"


def test_a_table_is_made_of_a_query_in_its_own_folder(athena):
    result = athena.run("CREATE TABLE t AS SELECT 1 AS id, 'a' AS name, CAST(2.50 AS decimal(10,2)) AS price")
    assert result.outcome.substatement_type == "CREATE_TABLE_AS_SELECT"
    assert result.outcome.update_count == 1
    row = athena.table("t")
    assert [(c["Name"], c["Type"]) for c in row["StorageDescriptor"]["Columns"]] == [
        ("id", "int"),
        ("name", "varchar(1)"),
        ("price", "decimal(10,2)"),
    ]
    assert row["TableType"] == "EXTERNAL_TABLE"
    assert row["Parameters"]["EXTERNAL"] == "TRUE"
    assert row["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert row["StorageDescriptor"]["Location"].startswith(f"{athena.root}/staging/tables/")
    assert list(result.outcome.data_manifest) == [f"{athena.root}/staging/{key}" for key in athena.objects("staging/")]
    assert athena.rows("SELECT * FROM t") == [(1, "a", Decimal("2.50"))]


def test_partitions_get_folders_and_rows_in_glue(athena):
    athena.run(
        "CREATE TABLE t WITH (external_location = '{root}/t/', partitioned_by = ARRAY['dt', 'n'], format = 'PARQUET',"
        " write_compression = 'ZSTD') AS SELECT * FROM (VALUES (1, DATE '2024-01-02', 7), (2, NULL, 8)) AS v(id, dt, n)"
    )
    folders = {key.rpartition("/")[0] for key in athena.objects("t/")}
    assert folders == {"dt=2024-01-02/n=7", "dt=__HIVE_DEFAULT_PARTITION__/n=8"}
    assert athena.run("SHOW PARTITIONS t").values == ["dt=2024-01-02/n=7", "dt=__HIVE_DEFAULT_PARTITION__/n=8"]
    assert athena.rows("SELECT id, dt, n FROM t ORDER BY id") == [(1, date(2024, 1, 2), 7), (2, None, 8)]
    body = athena.backend.s3.get_object(Bucket="lake", Key=f"{athena.database}/t/{athena.objects('t/')[0]}")[
        "Body"
    ].read()
    file = pq.ParquetFile(io.BytesIO(body))
    assert file.schema_arrow.names == ["id"]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_more_than_a_hundred_partitions_are_refused_and_leave_nothing(athena):
    query = "SELECT n AS id, n AS part FROM UNNEST(SEQUENCE(1, {top})) AS s(n)"
    create = "CREATE TABLE t WITH (external_location = '{root}/t/', partitioned_by = ARRAY['part']) AS "
    with pytest.raises(QueryError, match="HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers"):
        athena.run(create.replace("{root}", athena.root) + query.format(top=101))
    assert athena.objects("t/") == []
    assert athena.run("SHOW TABLES").values == []
    athena.run(create.replace("{root}", athena.root) + query.format(top=100))
    assert len(athena.run("SHOW PARTITIONS t").values) == hive.MAX_PARTITIONS


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE TABLE t AS SELECT 1", "MISSING_COLUMN_NAME: Column name not specified at position 1"),
        ("CREATE TABLE t AS SELECT 1 AS a, 2 AS A", "DUPLICATE_COLUMN_NAME: Column name 'a' specified more than once"),
        ("CREATE TABLE t AS SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN: Column type is unknown at position 1"),
        (
            "CREATE TABLE t AS SELECT current_timestamp AS a",
            r"NOT_SUPPORTED: Unsupported Hive type: timestamp\(3\) with time zone",
        ),
        (
            "CREATE TABLE t AS SELECT CAST(TIMESTAMP '2024-01-01 00:00:00' AS timestamp(6)) AS a",
            "NOT_SUPPORTED: Incorrect timestamp precision",
        ),
        (
            "CREATE TABLE t WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b",
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns",
        ),
        (
            "CREATE TABLE t WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a",
            "INVALID_TABLE_PROPERTY: Table contains only partition columns",
        ),
        ("CREATE TABLE t WITH (format = 'ORC') AS SELECT 1 AS a", "NOT_SUPPORTED: .*ORC"),
        (
            "CREATE TABLE t WITH (bucketed_by = ARRAY['a'], bucket_count = 2) AS SELECT 1 AS a",
            "NOT_SUPPORTED: .*bucket",
        ),
        ("CREATE TABLE nowhere.t AS SELECT 1 AS a", "SCHEMA_NOT_FOUND: Schema 'nowhere' does not exist"),
        ("CREATE TABLE t AS SELECT * FROM missing", "TABLE_NOT_FOUND"),
        ("CREATE TABLE t AS SELECT 1 / (1 - 1) AS a", "DIVISION_BY_ZERO"),
    ],
)
def test_a_table_that_cannot_be_made_leaves_nothing(athena, statement: str, error: str):
    with pytest.raises(QueryError, match=error):
        athena.run(statement)
    assert athena.run("SHOW TABLES").values == []
    assert athena.objects("staging/") == []


def test_a_second_table_of_a_name_is_refused_unless_told_otherwise(athena):
    athena.run("CREATE TABLE t AS SELECT 1 AS a")
    with pytest.raises(QueryError, match="TABLE_ALREADY_EXISTS"):
        athena.run("CREATE TABLE t AS SELECT 2 AS a")
    athena.run("CREATE TABLE IF NOT EXISTS t AS SELECT 2 AS a")
    assert athena.rows("SELECT a FROM t") == [(1,)]


def test_a_folder_with_data_is_not_taken(athena):
    athena.put("t/old", b"x")
    with pytest.raises(QueryError, match="HIVE_PATH_ALREADY_EXISTS: Target directory for table"):
        athena.run("CREATE TABLE t WITH (external_location = '{root}/t/') AS SELECT 1 AS a")


def test_with_no_data_the_table_is_empty(athena):
    athena.run("CREATE TABLE t AS SELECT 1 AS a WITH NO DATA")
    assert athena.rows("SELECT * FROM t") == []


def test_a_large_result_becomes_several_files(athena):
    athena.engine = Engine(athena.backend, Limits(group_bytes=400_000, file_bytes=400_000))
    result = athena.run(
        "CREATE TABLE t AS SELECT a * 1000 + b AS n, a * 7919 + b AS m"
        " FROM UNNEST(SEQUENCE(0, 199)) AS s(a), UNNEST(SEQUENCE(0, 999)) AS u(b)"
    )
    assert result.outcome.update_count == 200_000
    assert len(result.outcome.data_manifest) > 2
    assert athena.rows("SELECT count(*), sum(n) FROM t") == [(200_000, 200_000 * 199_999 // 2)]


def test_inserted_rows_are_seen_and_their_partitions_registered(athena):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint, note string) PARTITIONED BY (dt string) {PARQUET}")
    first = athena.run("INSERT INTO t VALUES (1, 'a', 'x/y'), (2, 'b', NULL)")
    athena.run("INSERT INTO t (dt, id) SELECT 'x/y', 3")
    assert (first.outcome.statement_type, first.outcome.update_count) == ("DML", 2)
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, "a", "x/y"), (2, "b", None), (3, None, "x/y")]
    assert {key.rpartition("/")[0] for key in athena.objects("t/")} == {"dt=x%2Fy", "dt=__HIVE_DEFAULT_PARTITION__"}


def test_rows_go_where_glue_has_their_partition(athena):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (n int) {PARQUET}")
    athena.run("ALTER TABLE t ADD PARTITION (n = 1) LOCATION '{root}/elsewhere/'")
    athena.run("INSERT INTO t VALUES (5, 1)")
    assert len(athena.objects("elsewhere/")) == 1
    assert athena.rows("SELECT id, n FROM t") == [(5, 1)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (
            "INSERT INTO t SELECT 1",
            r"TYPE_MISMATCH: Insert query has mismatched column types: Table: \[bigint, varchar\]",
        ),
        ("INSERT INTO t VALUES ('x', 'y')", "TYPE_MISMATCH: Insert query has mismatched column types"),
        ("INSERT INTO t (id, other) VALUES (1, 2)", "COLUMN_NOT_FOUND: Insert column name does not exist"),
        ("INSERT INTO t (id, id) VALUES (1, 2)", "Insert column name is specified more than once: id"),
        ("INSERT INTO missing VALUES (1)", "TABLE_NOT_FOUND"),
        ("INSERT INTO v VALUES (1)", "NOT_SUPPORTED: Inserting into views"),
        ("INSERT OVERWRITE t SELECT 1, 'a'", "NOT_SUPPORTED: INSERT OVERWRITE"),
    ],
)
def test_an_insert_that_does_not_fit_is_refused(athena, statement: str, error: str):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint, note string) {PARQUET}")
    athena.run("CREATE VIEW v AS SELECT 1 AS a")
    with pytest.raises(QueryError, match=error):
        athena.run(statement)


moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
rows = st.fixed_dictionaries(
    {
        "b": st.none() | st.booleans(),
        "t": st.none() | st.integers(-(2**7), 2**7 - 1),
        "s": st.none() | st.integers(-(2**15), 2**15 - 1),
        "i": st.none() | st.integers(-(2**31), 2**31 - 1),
        "l": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(width=32, allow_nan=False),
        "d": st.none() | st.floats(allow_nan=False),
        "x": st.none() | st.decimals(-(10**29), 10**29, places=8, allow_nan=False),
        "v": st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
        "y": st.none() | st.binary(max_size=5),
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
        "at": st.none() | moments,
        "a": st.none() | st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=3),
        "r": st.none()
        | st.fixed_dictionaries({"p": st.none() | st.integers(-9, 9), "q": st.none() | st.text("ab\x00", max_size=2)}),
    }
)
TYPES = {
    "b": ("boolean", pa.bool_()),
    "t": ("tinyint", pa.int8()),
    "s": ("smallint", pa.int16()),
    "i": ("int", pa.int32()),
    "l": ("bigint", pa.int64()),
    "f": ("float", pa.float32()),
    "d": ("double", pa.float64()),
    "x": ("decimal(38,8)", pa.decimal128(38, 8)),
    "v": ("string", pa.string()),
    "y": ("binary", pa.binary()),
    "day": ("date", pa.date32()),
    "at": ("timestamp", pa.timestamp("us")),
    "a": ("array<int>", pa.list_(pa.int32())),
    "r": ("struct<p:int,q:string>", pa.struct([("p", pa.int32()), ("q", pa.string())])),
}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(rows, min_size=1, max_size=8))
def test_values_of_every_type_survive_reading_and_writing(athena, records):
    schema = pa.schema([("n", pa.int64()), *((name, kind) for name, (_, kind) in TYPES.items())])
    table = pa.Table.from_pylist([{"n": i, **record} for i, record in enumerate(records)], schema)
    columns = ", ".join(f"`{name}` {hive_type}" for name, (hive_type, _) in TYPES.items())
    for name in ("t", "u"):
        athena.run(f"DROP TABLE IF EXISTS {name}")
    for key in athena.objects():
        athena.backend.s3.delete_object(Bucket="lake", Key=f"{athena.database}/{key}")
    athena.put("t/1", table)
    athena.run(f"CREATE EXTERNAL TABLE t (n bigint, {columns}) {PARQUET}")
    athena.run("CREATE TABLE u WITH (external_location = '{root}/u/') AS SELECT * FROM t")
    expected = [tuple(row.values()) for row in table.to_pylist()]
    assert athena.rows("SELECT * FROM t ORDER BY n") == expected
    assert athena.rows("SELECT * FROM u ORDER BY n") == expected


@pytest.mark.parametrize("value", ["'a,b'", r"'\N'", "'a' || chr(10) || 'b'"])
def test_a_text_that_would_read_back_as_another_is_not_written(athena, value: str):
    athena.run(
        "CREATE EXTERNAL TABLE t (id int, note string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
        " LOCATION '{root}/t/'"
    )
    athena.run("INSERT INTO t VALUES (1, ''), (2, NULL)")
    with pytest.raises(QueryError, match="NOT_SUPPORTED: INSERT INTO a text table"):
        athena.run(f"INSERT INTO t VALUES (3, {value})")
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, ""), (2, None)]
