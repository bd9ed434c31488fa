"""Hive tables are read as Athena reads them."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from finks_local.sql.errors import QueryError

pytestmark = pytest.mark.aws

PARQUET = "STORED AS PARQUET LOCATION '{root}/t/'"


def test_parquet_columns_go_by_name_in_any_case_and_missing_ones_are_null(athena):
    athena.put("t/1", pa.table({"B": ["x"], "ID": pa.array([1], pa.int32()), "extra": [0]}))
    athena.put("t/2", pa.table({"id": pa.array([2], pa.int64())}))
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint, b string, c date) {PARQUET}")
    assert athena.rows("SELECT * FROM t ORDER BY id") == [(1, "x", None), (2, None, None)]


def test_hidden_and_empty_objects_are_no_data(athena):
    athena.put("t/1", pa.table({"id": [1]}))
    athena.put("t/_SUCCESS", b"junk")
    athena.put("t/.part.crc", b"junk")
    athena.put("t/_temporary/0/part", b"junk")
    athena.put("t/empty", b"")
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) {PARQUET}")
    assert athena.rows("SELECT id FROM t") == [(1,)]


def test_only_the_partitions_that_a_condition_allows_are_opened(athena):
    rows = pa.table({"id": list(range(20_000))})
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (dt date, region string) {PARQUET}")
    for day in range(1, 5):
        athena.put(f"t/dt=2024-01-0{day}/region=e u/f", rows)
    athena.run("MSCK REPAIR TABLE t")
    whole = athena.run("SELECT count(id), min(id) FROM t")
    one = athena.run("SELECT count(id), min(id) FROM t WHERE dt = DATE '2024-01-03' AND region = 'e u'")
    assert (whole.rows, one.rows) == ([(80_000, 0)], [(20_000, 0)])
    assert one.scanned * 3 < whole.scanned


def test_a_column_that_is_not_asked_for_is_not_read(athena):
    athena.put("t/1", pa.table({"id": list(range(50_000)), "wide": [f"text {i}" for i in range(50_000)]}))
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint, wide string) {PARQUET}")
    assert athena.run("SELECT sum(id) FROM t").scanned < athena.run("SELECT max(wide) FROM t").scanned


def test_the_default_partition_is_null_and_values_have_their_type(athena):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (n int, s string) {PARQUET}")
    athena.put("t/n=07/s=a%2Fb/f", pa.table({"id": [1]}))
    athena.put("t/n=__HIVE_DEFAULT_PARTITION__/s=x/f", pa.table({"id": [2]}))
    athena.run("MSCK REPAIR TABLE t")
    assert athena.rows("SELECT id, n, s FROM t ORDER BY id") == [(1, 7, "a/b"), (2, None, "x")]
    assert athena.rows("SELECT id FROM t WHERE n IS NULL") == [(2,)]


def test_a_partition_may_lie_elsewhere(athena):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (n int) {PARQUET}")
    athena.put("elsewhere/f", pa.table({"id": [1]}))
    athena.run("ALTER TABLE t ADD PARTITION (n = 1) LOCATION '{root}/elsewhere/'")
    athena.put("t/n=2/f", pa.table({"id": [2]}))
    assert athena.rows("SELECT id, n FROM t") == [(1, 1)]


def test_a_partition_value_of_another_type_is_refused(athena):
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (n int) {PARQUET}")
    athena.put("t/n=abc/f", pa.table({"id": [1]}))
    athena.run("MSCK REPAIR TABLE t")
    with pytest.raises(QueryError, match="HIVE_INVALID_PARTITION_VALUE: Invalid partition value 'abc' for integer"):
        athena.rows("SELECT * FROM t")


def test_rows_tell_their_file(athena):
    athena.put("t/a b%=1", pa.table({"id": [1]}))
    athena.run(f"CREATE EXTERNAL TABLE t (id bigint) {PARQUET}")
    path, size = athena.rows('SELECT "$path", "$file_size" FROM t')[0]
    assert path == f"{athena.root}/t/a b%=1"
    assert size == athena.backend.s3.head_object(Bucket="lake", Key=f"{athena.database}/t/a b%=1")["ContentLength"]
    assert athena.rows("SELECT * FROM t") == [(1,)]


def test_nested_types_are_read(athena):
    rows = pa.table(
        {"a": [[1, 2]], "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "s": [{"x": 1, "y": "z"}]}
    )
    athena.put("t/1", rows)
    athena.run(
        f"CREATE EXTERNAL TABLE t (a array<bigint>, m map<string,bigint>, s struct<x:bigint,y:string>) {PARQUET}"
    )
    assert athena.rows("SELECT a[2], m['k'], s.y FROM t") == [(2, 1, "z")]


def test_timestamps_have_milliseconds_rounded(athena):
    moment = datetime(2024, 1, 2, 3, 4, 5, 678_600)
    athena.put("t/1", pa.table({"at": pa.array([moment], pa.timestamp("us"))}))
    athena.run(f"CREATE EXTERNAL TABLE t (at timestamp) {PARQUET}")
    assert athena.rows("SELECT at FROM t WHERE at = TIMESTAMP '2024-01-02 03:04:05.679'") != []


def test_delimited_text_is_split_without_quotes(athena):
    athena.put("t/1", b'head\n1|"a"|x,y\n2|\\N|\noops|b|z\n')
    athena.run(
        "CREATE EXTERNAL TABLE t (id int, b string, c array<string>) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|'"
        " COLLECTION ITEMS TERMINATED BY ',' LOCATION '{root}/t/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    found = athena.rows("SELECT * FROM t ORDER BY id NULLS LAST")
    assert found == [(1, '"a"', ["x", "y"]), (2, None, [""]), (None, "b", ["z"])]


def test_what_is_inserted_into_a_text_table_reads_back(athena):
    athena.run("CREATE EXTERNAL TABLE t (id int, city string, share decimal(4,2), at timestamp) LOCATION '{root}/t/'")
    athena.run(
        "INSERT INTO t VALUES (1, 'St. John''s', 1.50, TIMESTAMP '2024-01-02 03:04:05.678'), (2, 'Zürich', NULL, NULL),"
        " (NULL, '', 0.25, NULL)"
    )
    assert athena.rows("SELECT * FROM t ORDER BY id NULLS LAST") == [
        (1, "St. John's", Decimal("1.50"), datetime(2024, 1, 2, 3, 4, 5, 678_000)),
        (2, "Zürich", None, None),
        (None, "", Decimal("0.25"), None),
    ]


def test_a_text_that_would_break_its_line_is_refused(athena):
    athena.run("CREATE EXTERNAL TABLE t (note string) LOCATION '{root}/t/'")
    with pytest.raises(QueryError, match="NOT_SUPPORTED: INSERT INTO a text table"):
        athena.run("INSERT INTO t VALUES ('one' || chr(10) || 'two')")
    assert athena.rows("SELECT * FROM t") == []


def test_csv_knows_quotes_and_header_lines_of_every_file(athena):
    for name in ("1.csv", "2.csv.gz"):
        body = b'id,note\r\n1,"a, ""b"" c"\r\n2,\r\n'
        athena.put(f"t/{name}", gzip.compress(body) if name.endswith("gz") else body)
    athena.run(
        "CREATE EXTERNAL TABLE t (id int, note string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
        " LOCATION '{root}/t/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert athena.rows("SELECT id, note, count(*) FROM t GROUP BY id, note ORDER BY id") == [
        (1, 'a, "b" c', 2),
        (2, "", 2),
    ]


def test_csv_of_a_wrong_number_is_bad_data(athena):
    athena.put("t/1", b"one\n")
    athena.run(
        "CREATE EXTERNAL TABLE t (id int) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
        " LOCATION '{root}/t/'"
    )
    with pytest.raises(QueryError, match="HIVE_BAD_DATA: Error parsing field value 'one' for field 0"):
        athena.rows("SELECT id FROM t")


@pytest.mark.parametrize("serde", ["org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe"])
def test_json_lines_go_by_name_in_any_case(athena, serde):
    athena.put("t/1", b'{"ID": 1, "Day": "2024-01-02", "in": {"Price": 1.10}, "tags": ["a"]}\n{"id": 2}\n')
    athena.run(
        "CREATE EXTERNAL TABLE t (id bigint, day date, `in` struct<price:decimal(10,2)>, tags array<string>)"
        f" ROW FORMAT SERDE '{serde}' LOCATION '{{root}}/t/'"
    )
    found = athena.rows('SELECT id, day, "in".price, tags FROM t ORDER BY id')
    assert found == [(1, date(2024, 1, 2), Decimal("1.10"), ["a"]), (2, None, None, None)]


def test_a_format_that_nobody_reads_is_refused_by_name(athena):
    athena.put("t/1", b"x")
    athena.run("CREATE EXTERNAL TABLE t (id int) STORED AS AVRO LOCATION '{root}/t/'")
    with pytest.raises(QueryError, match=r"NOT_SUPPORTED: .*AvroSerDe"):
        athena.rows("SELECT * FROM t")


def test_a_file_that_is_no_parquet_is_bad_data(athena):
    athena.put("t/1", b"this is not Parquet at all")
    athena.run(f"CREATE EXTERNAL TABLE t (id int) {PARQUET}")
    with pytest.raises(QueryError, match="HIVE_BAD_DATA"):
        athena.rows("SELECT * FROM t")


def test_projected_partitions_need_no_rows_in_glue(athena):
    athena.run(
        f"CREATE EXTERNAL TABLE t (id bigint) PARTITIONED BY (n int) {PARQUET} TBLPROPERTIES"
        " ('projection.enabled'='true', 'projection.n.type'='integer', 'projection.n.range'='1,3')"
    )
    athena.put("t/n=2/f", pa.table({"id": [7]}))
    athena.put("t/n=9/f", pa.table({"id": [8]}))
    assert athena.rows("SELECT id, n FROM t") == [(7, 2)]


def test_a_file_whose_values_are_not_of_the_tables_type_is_bad_data(athena):
    athena.put("t/1", pa.table({"id": ["abc"]}))
    athena.run(f"CREATE EXTERNAL TABLE t (id int) {PARQUET}")
    with pytest.raises(QueryError, match=r"(?s)HIVE_BAD_DATA: .*s3://lake/.*/t/1"):
        athena.rows("SELECT id FROM t")
