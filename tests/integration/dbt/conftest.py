"""A Silver of plain tables in a DuckDB file, and dbt run over it as its users run it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "dbt"

KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)

SILVER: Mapping[str, Mapping[str, str]] = {
    "fmp_daily_bars": {
        "symbol": "varchar",
        "session": "date",
        "open": "decimal(38, 18)",
        "high": "decimal(38, 18)",
        "low": "decimal(38, 18)",
        "close": "decimal(38, 18)",
        "volume": "decimal(38, 18)",
    },
    "fmp_dividends": {
        "symbol": "varchar",
        "ex_date": "date",
        "record_date": "date",
        "payment_date": "date",
        "declaration_date": "date",
        "amount": "decimal(38, 18)",
        "adjusted_amount": "decimal(38, 18)",
        "yield_percent": "decimal(38, 24)",
        "frequency": "varchar",
    },
    "fmp_splits": {
        "symbol": "varchar",
        "ex_date": "date",
        "numerator": "decimal(38, 10)",
        "denominator": "decimal(38, 10)",
        "split_type": "varchar",
    },
    "fmp_profiles": {"symbol": "varchar", "name": "varchar", "currency": "varchar", "exchange": "varchar"},
    "fmp_forex_daily_bars": {
        "pair": "varchar",
        "session": "date",
        "open": "decimal(38, 18)",
        "high": "decimal(38, 18)",
        "low": "decimal(38, 18)",
        "close": "decimal(38, 18)",
        "volume": "decimal(38, 18)",
    },
    "files_transactions": {
        "portfolio_id": "varchar",
        "transaction_id": "varchar",
        "trade_date": "date",
        "kind": "varchar",
        "symbol": "varchar",
        "quantity": "decimal(38, 10)",
        "price": "decimal(38, 12)",
        "amount": "decimal(38, 10)",
        "currency": "varchar",
        "fee": "decimal(38, 10)",
        "note": "varchar",
    },
    "files_portfolios": {"portfolio_id": "varchar", "name": "varchar", "base_currency": "varchar"},
}

SYSTEM: Mapping[str, str] = {
    "_known_at": "timestamp with time zone",
    "_source": "varchar",
    "_run_id": "varchar",
    "_row_hash": "bigint",
    "_retracted": "boolean",
    "_bronze_ref": "varchar",
    "_seq": "integer",
}

PROFILES = """\
finks:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{{ env_var('FINKS_GOLD_DATABASE') }}"
      schema: finks
      threads: 2
      settings:
        TimeZone: UTC
"""


@dataclass
class Silver:
    """Rows of Silver tables, to be gathered and then written to a DuckDB file."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in SILVER})

    def add(self, table: str, known_at: datetime = KNOWN_AT, retracted: bool = False, **values: Any) -> None:
        """One version of one record."""
        system = {
            "_known_at": known_at,
            "_source": table.split("_")[0],
            "_run_id": "r1",
            "_row_hash": 0,
            "_retracted": retracted,
            "_bronze_ref": "b1",
            "_seq": len(self.rows[table]),
        }
        self.rows[table].append(values | system)

    def portfolio(self, portfolio_id: str, base_currency: str = "USD") -> None:
        self.add("files_portfolios", portfolio_id=portfolio_id, name=portfolio_id, base_currency=base_currency)

    def security(self, symbol: str, currency: str = "USD") -> None:
        self.add("fmp_profiles", symbol=symbol, name=symbol, currency=currency, exchange="TEST")

    def bars(self, symbol: str, closes: Mapping[str, Any]) -> None:
        for session, close in closes.items():
            ohlc = dict.fromkeys(("open", "high", "low", "close"), close)
            self.add("fmp_daily_bars", symbol=symbol, session=session, volume=1, **ohlc)

    def fx(self, pair: str, closes: Mapping[str, Any]) -> None:
        for session, close in closes.items():
            ohlc = dict.fromkeys(("open", "high", "low", "close"), close)
            self.add("fmp_forex_daily_bars", pair=pair, session=session, **ohlc)

    def split(self, symbol: str, ex_date: str, numerator: Any, denominator: Any) -> None:
        self.add("fmp_splits", symbol=symbol, ex_date=ex_date, numerator=numerator, denominator=denominator)

    def dividend(self, symbol: str, ex_date: str, amount: Any, payment_date: str | None = None) -> None:
        self.add("fmp_dividends", symbol=symbol, ex_date=ex_date, amount=amount, payment_date=payment_date)

    def trade(
        self, portfolio_id: str, day: str, kind: str, symbol: str, quantity: Any, price: Any, **more: Any
    ) -> None:
        self._transact(portfolio_id, day, kind, symbol=symbol, quantity=quantity, price=price, **more)

    def cash(self, portfolio_id: str, day: str, kind: str, amount: Any, **more: Any) -> None:
        self._transact(portfolio_id, day, kind, amount=amount, **more)

    def _transact(self, portfolio_id: str, day: str, kind: str, **more: Any) -> None:
        number = f"t{len(self.rows['files_transactions']):05d}"
        values = {"currency": "USD"} | more
        self.add(
            "files_transactions", portfolio_id=portfolio_id, transaction_id=number, trade_date=day, kind=kind, **values
        )

    def write(self, database: Path) -> Path:
        """Create the tables in schema `silver` of a DuckDB file."""
        with duckdb.connect(str(database)) as connection:
            connection.execute("create schema silver")
            for table, columns in SILVER.items():
                every = {**columns, **SYSTEM}
                spec = ", ".join(f'"{name}" {kind}' for name, kind in every.items())
                connection.execute(f"create table silver.{table} ({spec})")
                _insert(connection, table, every, self.rows[table])
        return database


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    texts = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in columns}
    schema = pa.schema([(name, pa.string()) for name in texts])
    connection.register("texts", pa.table(texts, schema=schema))
    connection.execute(f"insert into silver.{table} select * from texts")
    connection.unregister("texts")


@dataclass(frozen=True)
class Built:
    """What a dbt command left behind."""

    database: Path
    target: Path
    exit_code: int
    output: str
    failures: Mapping[str, int]
    """Number of offending rows, by the name of the failed test."""

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


def _failures(target: Path) -> dict[str, int]:
    results = json.loads((target / "run_results.json").read_text())["results"]
    return {result["unique_id"].split(".")[2]: result["failures"] for result in results if result["status"] == "fail"}


@pytest.fixture(scope="module")
def silver() -> Silver:
    """An empty Silver to fill."""
    return Silver()


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Runs `dbt COMMAND ...` over a Silver file, in a subprocess."""
    profiles, target = tmp_path_factory.mktemp("profiles"), tmp_path_factory.mktemp("target")
    (profiles / "profiles.yml").write_text(PROFILES)

    def run(database: Path, *arguments: str) -> Built:
        places = ["--project-dir", PROJECT, "--profiles-dir", profiles, "--target-path", target, "--log-path", target]
        done = subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), *arguments, *map(str, places)],
            env=os.environ | {"FINKS_GOLD_DATABASE": str(database), "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return Built(database, target, done.returncode, done.stdout + done.stderr, _failures(target))

    return run
