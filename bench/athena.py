"""The local Athena: how long a query takes alone, how many are served at once, and what memory that needs.

    python bench/athena.py [--rows 1000000] [--queries 20]

Starts a local AWS of its own in a temporary directory, in processes of its own, writes a table of prices as Hive
Parquet and as Iceberg, and asks through boto3. Times are from StartQueryExecution to the first page of the result.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil
from finks_local import daemon
from rich.console import Console
from rich.table import Table

POLL_SECONDS = 0.01
REPEATS = 7
QUERIES = {
    "SELECT 1": "SELECT 1",
    "count of Parquet": "SELECT count(*) FROM prices",
    "one partition of Parquet": "SELECT symbol, max(price) FROM prices WHERE year = 2003 GROUP BY symbol",
    "aggregate of Parquet": "SELECT symbol, sum(price * quantity), count(*) FROM prices GROUP BY symbol ORDER BY 1",
    "aggregate of Iceberg": "SELECT symbol, sum(price * quantity), count(*) FROM trades GROUP BY symbol ORDER BY 1",
    "window over Iceberg": (
        "SELECT symbol, avg(r) FROM (SELECT symbol, price / lag(price) OVER (PARTITION BY symbol ORDER BY n) AS r "
        "FROM trades) AS x GROUP BY symbol"
    ),
    "10,000 rows": "SELECT n, symbol, price FROM trades LIMIT 10000",
}
SOURCE = """
SELECT a * 1000 + b AS n, 'S' || cast(b % 50 AS varchar) AS symbol,
       cast(100 + (a * 7 + b * 13) % 1000 / DECIMAL '10' AS decimal(18, 2)) AS price,
       cast(b % 97 AS bigint) AS quantity, 2000 + a % 5 AS year
FROM UNNEST(sequence(0, {thousands} - 1)) AS t (a), UNNEST(sequence(0, 999)) AS u (b)
"""


class Athena:
    """Statements through boto3."""

    def __init__(self, environment: dict[str, str]) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"], **keys)
        self._athena = boto3.client("athena", endpoint_url=environment["AWS_ENDPOINT_URL_ATHENA"], **keys)

    def run(self, statement: str) -> dict[str, Any]:
        """The execution once it has succeeded and its first page was read."""
        query = self._athena.start_query_execution(
            QueryString=statement,
            QueryExecutionContext={"Database": "bench"},
            ResultConfiguration={"OutputLocation": "s3://bench/results/"},
        )["QueryExecutionId"]
        while True:
            found = self._athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            state = found["Status"]["State"]
            if state == "SUCCEEDED":
                break
            if state not in ("QUEUED", "RUNNING"):
                raise RuntimeError(found["Status"]["StateChangeReason"])
            time.sleep(POLL_SECONDS)
        self._athena.get_query_results(QueryExecutionId=query)
        return found


@contextmanager
def local_aws() -> Iterator[daemon.State]:
    """A local AWS in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield daemon.up(daemon.Options(Path(folder), 0, 0))
        daemon.down(Path(folder))


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def memory(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss // 2**20


def prepare(athena: Athena, rows: int) -> None:
    athena.s3.create_bucket(Bucket="bench")
    athena.run("CREATE DATABASE bench LOCATION 's3://bench/bench/'")
    source = SOURCE.format(thousands=rows // 1000)
    athena.run(
        "CREATE TABLE prices WITH (external_location = 's3://bench/prices/', partitioned_by = ARRAY['year']) AS "
        + source
    )
    athena.run(
        "CREATE TABLE trades WITH (table_type = 'ICEBERG', is_external = false, location = 's3://bench/trades/') AS "
        + source
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each table, in thousands at least")
    parser.add_argument("--queries", type=int, default=20, help="queries at once")
    asked = parser.parse_args()
    console = Console()
    with local_aws() as state:
        athena = Athena(dict(state.environment))
        console.print(f"Two tables of {asked.rows:,} rows: {seconds(lambda: prepare(athena, asked.rows)):.1f} s")
        before = memory(state.pid)
        table = Table("query, alone", "median ms", "slowest ms", "scanned MB")
        for name, statement in QUERIES.items():
            scanned = athena.run(statement)["Statistics"]["DataScannedInBytes"]
            times = [seconds(lambda sql=statement: athena.run(sql)) * 1000 for _ in range(REPEATS)]
            table.add_row(name, f"{statistics.median(times):.0f}", f"{max(times):.0f}", f"{scanned / 2**20:.2f}")
        console.print(table)
        at_once(console, athena, state, asked.queries, before)


def at_once(console: Console, athena: Athena, state: daemon.State, queries: int, before: int) -> None:
    """Send the queries together, and watch the endpoint's memory meanwhile."""
    texts = [list(QUERIES.values())[number % len(QUERIES)] for number in range(queries)]
    alone = sum(seconds(lambda sql=text: athena.run(sql)) for text in texts)
    most = 0
    with ThreadPoolExecutor(queries) as pool:
        start = time.perf_counter()
        running = [pool.submit(athena.run, text) for text in texts]
        while not all(future.done() for future in running):
            most = max(most, memory(state.pid))
            time.sleep(0.02)
        [future.result() for future in running]
        took = time.perf_counter() - start
    console.print(f"{queries} queries one after another: {alone:.2f} s, {queries / alone:.1f} a second")
    console.print(f"{queries} queries at once: {took:.2f} s, {queries / took:.1f} a second")
    console.print(f"memory of the endpoint: {before} MB with its tables made, {most} MB at most, "
                  f"{memory(state.pid)} MB after; of the emulator: {memory(state.emulator_pid)} MB")  # fmt: skip


if __name__ == "__main__":
    main()
