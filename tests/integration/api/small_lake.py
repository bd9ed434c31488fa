"""A lake made in a second: two portfolios with positions, two securities with bars; published as releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from finks.contract import Contract, filter
from finks.lake import Lake, Release
from finks.lake.sink import LakeSink
from finks_api.records import POSITION, SECURITY, SUMMARY, Record
from finks_connectors.files.contracts import Portfolio, Transaction
from finks_connectors.fmp.contracts import DailyBar, Dividend, Split
from finks_connectors.fmp.statements import IncomeStatement

FIRST = date(2020, 1, 1)
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)
PORTFOLIOS = {"alpha": "USD", "o'hara; drop table": "EUR"}
SYMBOLS = ("AAPL", "BRK-B")


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass
class SmallLake:
    """A lake, and how it is filled."""

    lake: Lake

    def silver(self, table: str, contract: type[Contract], rows: list[dict[str, Any]], known_at: datetime) -> None:
        """Write records as a run would."""
        said = {"response_id": f"{table}-{known_at:%Y%m%d%H%M%S}", "fetched_at": known_at}
        result = filter(json.dumps(rows).encode(), contract, **said)
        assert not result.rejects.num_rows, result.rejects.to_pylist()
        LakeSink(self.lake, "files").write(table, result.good, contract.compiled(), run_id="run-1")

    def fill(self, days: int = 10) -> None:
        """Write Silver."""
        names = [{"portfolio_id": name, "name": name.title(), "base_currency": of} for name, of in PORTFOLIOS.items()]
        self.silver("files_portfolios", Portfolio, names, KNOWN)
        self.silver("files_transactions", Transaction, [_deposit(name, 1) for name in PORTFOLIOS], KNOWN)
        bars = [_bar(symbol, day(number), 100 + number) for symbol in SYMBOLS for number in range(days)]
        self.silver("fmp_daily_bars", DailyBar, bars, KNOWN)
        split = {"symbol": "AAPL", "ex_date": "2020-01-05", "numerator": 4, "denominator": 1}
        self.silver("fmp_splits", Split, [split], KNOWN)
        dividend = {"symbol": "AAPL", "ex_date": "2020-01-03", "amount": "0.205"}
        self.silver("fmp_dividends", Dividend, [dividend], KNOWN)
        year = {"symbol": "AAPL", "period_end": "2020-01-04", "fiscal_period": "FY", "fiscal_year": 2019}
        statement = {**year, "currency": "USD", "revenue": "10.5", "net_income": "0.25"}
        self.silver("fmp_income_statements", IncomeStatement, [statement], KNOWN)

    def publish(self, value: Decimal, days: int = 10) -> Release:
        """Publish a release in which every portfolio is worth this on every date."""
        dates = [(name, of, number) for name, of in PORTFOLIOS.items() for number in range(days)]
        positions = [_position(*where, symbol, value) for where in dates for symbol in SYMBOLS]
        return self._publish(
            {
                "daily_portfolio_summary": _rows(SUMMARY, [_summary(*where, value) for where in dates]),
                "fct_position_daily": _rows(POSITION, positions),
                "dim_security": _rows(SECURITY, [_security(symbol, days) for symbol in SYMBOLS]),
            }
        )

    def publish_summaries(self, value: Decimal, days: int) -> Release:
        """Publish a release of the summaries of one portfolio alone."""
        rows = [_summary("alpha", "USD", number, value) for number in range(days)]
        return self._publish({"daily_portfolio_summary": _rows(SUMMARY, rows)})

    def _publish(self, tables: Mapping[str, pa.Table]) -> Release:
        with self.lake.hold(run_id="run-1", command="a test"):
            return self.lake.publish(tables, run_id="run-1", silver_snapshots=self.lake.silver_snapshots())


def _rows(record: Record, rows: list[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=record.arrow)


def _summary(portfolio: str, currency: str, number: int, value: Decimal) -> dict[str, Any]:
    amounts = dict.fromkeys((field.name for field in SUMMARY.fields if field.type == pa.decimal128(38, 10)), Decimal(0))
    return {
        **amounts, "portfolio_id": portfolio, "date": day(number), "base_currency": currency, "total_value": value,
        "market_value": value, "daily_return": None if number == 0 else 0.1 / number, "cumulative_return": 1e-7,
        "coverage": 1.0, "positions": 2, "oldest_price_age_days": None,
    }  # fmt: skip


def _position(portfolio: str, currency: str, number: int, symbol: str, value: Decimal) -> dict[str, Any]:
    return {
        "portfolio_id": portfolio, "date": day(number), "symbol": symbol, "quantity": Decimal("1.5"), "currency": "USD",
        "price": Decimal("129.04"), "price_session": day(number), "price_age_days": 0, "market_value_local": value,
        "fx_rate": Decimal(1), "fx_age_days": 0, "base_currency": currency, "market_value": value,
        "cost_basis": Decimal(100), "unrealised_pnl": value - 100,
    }  # fmt: skip


def _security(symbol: str, days: int) -> dict[str, Any]:
    return {
        "symbol": symbol, "name": f"{symbol}, Inc.", "currency": "USD", "exchange": None, "sessions": days,
        "first_session": day(0), "last_session": day(days - 1),
    }  # fmt: skip


def _bar(symbol: str, session: date, close: int) -> dict[str, Any]:
    return {
        "symbol": symbol, "session": session.isoformat(), "open": close, "high": close + 1, "low": close - 1,
        "close": close, "volume": "1000.5",
    }  # fmt: skip


def _deposit(portfolio: str, number: int) -> dict[str, Any]:
    return {
        "portfolio_id": portfolio, "transaction_id": str(number), "trade_date": "2020-01-01", "kind": "deposit",
        "amount": "1000", "currency": "USD",
    }  # fmt: skip
