"""What every execution has: parameters, prepared statements, limits, cancellation, neighbours, permissions."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from finks_local.backend import Backend
from finks_local.emulator import Emulator, EmulatorOptions
from finks_local.engine import Engine, Limits
from finks_local.sql.errors import QueryError

pytestmark = pytest.mark.aws

LONG = (
    "SELECT count(*) FROM UNNEST(SEQUENCE(1, 10000)) AS a(x), UNNEST(SEQUENCE(1, 10000)) AS b(y),"
    " UNNEST(SEQUENCE(1, 1000)) AS c(z) WHERE sin(x * y + z) > 2"
)


def test_the_clock_is_the_requests(athena):
    now = datetime(2001, 2, 3, tzinfo=UTC)
    assert athena.rows("SELECT current_date, year(current_timestamp)", now=now) == [(now.date(), 2001)]


def test_parameters_are_values(athena):
    parameters = ("'it''s'", "date '2024-01-02'", "5")
    assert athena.rows("SELECT ? || '?', year(?), ? - 1", parameters=parameters) == [("it's?", 2024, 4)]


def test_a_prepared_statement_runs_with_its_values(athena):
    made = athena.run("PREPARE q FROM SELECT ? + 1 AS a").outcome
    assert made.prepare == ("q", "SELECT ? + 1 AS a")
    prepared = {"q": "SELECT ? + 1 AS a"}
    assert athena.rows("EXECUTE q USING 41", prepared=prepared) == [(42,)]
    assert athena.rows("EXECUTE q", prepared=prepared, parameters=("1",)) == [(2,)]
    assert athena.run("DEALLOCATE PREPARE q", prepared=prepared).outcome.prepare == ("q", "")
    with pytest.raises(QueryError, match="Prepared statement not found: nope"):
        athena.run("EXECUTE nope")


def test_a_query_that_reads_too_much_is_ended(athena):
    athena.put("t/1", pa.table({"id": list(range(200_000))}))
    athena.run("CREATE EXTERNAL TABLE t (id bigint) STORED AS PARQUET LOCATION '{root}/t/'")
    with pytest.raises(QueryError, match="Bytes scanned limit was exceeded"):
        athena.rows("SELECT sum(id) FROM t", scan_limit=10_000)
    assert athena.run("SELECT sum(id) FROM t", scan_limit=10_000_000).scanned > 10_000


@pytest.mark.parametrize("statement", [LONG, f"CREATE TABLE t AS SELECT * FROM ({LONG}) AS q(n)"])
def test_a_cancelled_statement_ends_and_leaves_nothing(athena, cancel, statement):
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(QueryError, match="USER_CANCELED"):
        athena.run(statement, cancel=cancel)
    assert athena.run("SHOW TABLES").values == []


def test_rows_stop_coming_after_a_cancellation(athena, cancel):
    query = "SELECT x, y FROM UNNEST(SEQUENCE(1, 10000)) AS a(x), UNNEST(SEQUENCE(1, 10000)) AS b(y)"
    outcome = athena.engine.run(query, athena.request(cancel=cancel))
    next(outcome.batches)
    cancel.set()
    with pytest.raises(QueryError, match="USER_CANCELED"):
        list(outcome.batches)
    outcome.close()


def test_many_queries_run_at_once(athena):
    athena.run("CREATE TABLE t AS SELECT x FROM UNNEST(SEQUENCE(1, 1000)) AS s(x)")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: athena.rows(f"SELECT sum(x) + {i} FROM t"), range(16)))
    assert found == [[(500_500 + i,)] for i in range(16)]


def test_a_sort_larger_than_its_memory_succeeds(athena):
    athena.engine = Engine(athena.backend, Limits(memory="150MB"))
    query = (
        "SELECT x * 10007 % 1000003 AS k, y, CAST(x AS varchar) || '-' || CAST(y AS varchar) AS t"
        " FROM UNNEST(SEQUENCE(1, 3000)) AS a(x), UNNEST(SEQUENCE(1, 1000)) AS b(y) ORDER BY k, y"
    )
    outcome = athena.engine.run(query, athena.request())
    rows = sum(batch.num_rows for batch in outcome.batches)
    outcome.close()
    assert rows == 3_000_000


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT * FROM nowhere.t", "SCHEMA_NOT_FOUND: .*'nowhere' does not exist"),
        ("SELECT * FROM missing", "TABLE_NOT_FOUND: .*missing' does not exist"),
        ("SELECT missing FROM (VALUES 1) AS t(a)", "COLUMN_NOT_FOUND: .*Column 'missing' cannot be resolved"),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO"),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT"),
        ("SELEC 1", "SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'"),
        ("SELECT * FROM t FOR VERSION AS OF 1", "TABLE_NOT_FOUND"),
    ],
)
def test_a_failure_has_athenas_code(athena, statement: str, error: str):
    with pytest.raises(QueryError, match=error):
        athena.rows(statement)


def test_a_bucket_that_is_not_there_is_named(athena):
    athena.run("CREATE EXTERNAL TABLE t (id bigint) STORED AS PARQUET LOCATION 's3://no-such-bucket/t/'")
    with pytest.raises(QueryError, match="HIVE_CURSOR_ERROR: The specified bucket does not exist: s3://no-such-bucket"):
        athena.rows("SELECT * FROM t")


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory):
    """An emulator that checks permissions."""
    running = Emulator.start(EmulatorOptions(tmp_path_factory.mktemp("iam"), enforce_iam=True))
    yield running
    running.stop()


def limited(enforcing: Emulator, root: Backend, statements: list[dict[str, object]]) -> Backend:
    """The backend as a user with these permissions only."""
    iam = root.client("iam")
    name = f"user{time.monotonic_ns()}"
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Backend(endpoint=enforcing.url, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


def test_a_missing_permission_is_named(enforcing, athena):
    root = Backend(endpoint=enforcing.url, access_key="test", secret_key="test")
    root.s3.create_bucket(Bucket="lake")
    engine = Engine(root)
    engine.run("CREATE DATABASE d", athena.request())
    engine.run("CREATE TABLE d.t WITH (external_location = 's3://lake/t/') AS SELECT 1 AS a", athena.request())

    blind = limited(enforcing, root, [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    with pytest.raises(QueryError, match=r"PERMISSION_DENIED: Insufficient permissions.*GetTable on d\.t"):
        Engine(blind).run("SELECT * FROM d.t", athena.request())

    allowed = [
        {"Effect": "Allow", "Action": ["glue:*", "s3:ListBucket"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::lake/mine/*"},
    ]
    reader = Engine(limited(enforcing, root, allowed))
    with pytest.raises(QueryError, match=r"PERMISSION_DENIED: .*s3://lake/t/"):
        list(reader.run("SELECT * FROM d.t", athena.request()).batches)
    with pytest.raises(QueryError, match=r"PERMISSION_DENIED: .*s3://lake/theirs/"):
        reader.run("CREATE TABLE d.u WITH (external_location = 's3://lake/theirs/') AS SELECT 1 AS a", athena.request())
    assert [one["Name"] for one in root.glue.get_tables(DatabaseName="d")["TableList"]] == ["t"]
