"""The streams of FMP: which path, which record, how it is cut, what the vendor's names mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from finks.source.model import Snapshot, Stream, Windows

from finks_connectors.fmp.contracts import AdjustedDailyBar, DailyBar, Dividend, ForexBar, Profile, Split
from finks_connectors.fmp.statements import IncomeStatement, vendor_names

Reporting = Literal["annual", "quarter"]
"""How often statements are made, in the vendor's words."""

# The vendor writes an absent value in each of these ways, sometimes several in one answer.
NULLS = ("", "N/A", "None", "NULL")

# An answer is cut silently at this number of rows; the newest are kept.
MAX_ROWS = 5000

# Fewer days than MAX_ROWS, so that a window never reaches the cap, whatever the calendar.
WINDOW_DAYS = 4900

# The vendor sends five statements unless told otherwise, and knows no upper limit: a hundred years of quarters.
MAX_STATEMENTS = 400

_BAR_BYTES = 230
_STATEMENT_BYTES = 1_400

_DIVIDEND_NAMES = {
    "date": "ex_date",
    "recordDate": "record_date",
    "paymentDate": "payment_date",
    "declarationDate": "declaration_date",
    "dividend": "amount",
    "adjDividend": "adjusted_amount",
    "yield": "yield_percent",
}

_PROFILE_NAMES = {
    "companyName": "name",
    "exchangeFullName": "exchange_name",
    "ipoDate": "ipo_date",
    "isEtf": "is_etf",
    "isFund": "is_fund",
    "isAdr": "is_adr",
    "isActivelyTrading": "is_actively_trading",
}

_AS_TRADED_NAMES = {"date": "session", "adjOpen": "open", "adjHigh": "high", "adjLow": "low", "adjClose": "close"}


# Each has a table of its own: an answer tells all that there is of its symbol, but of one kind only.
_INCOME_STATEMENTS: Mapping[Reporting, str] = {
    "annual": "income_statements",
    "quarter": "quarterly_income_statements",
}


def streams(
    symbols: Sequence[str],
    pairs: Sequence[str],
    start: date,
    statements: Sequence[Reporting] = ("annual", "quarter"),
    max_statements: int = MAX_STATEMENTS,
) -> list[Stream]:
    """Every stream, for these securities and currency pairs, bars from `start` on.

    Args:
        statements: Which income statements.
        max_statements: The most statements that the plan lets one ask for.
    """
    securities = tuple(symbols)
    income = [_income_statements(securities, reporting, max_statements) for reporting in statements]
    return [*_bars(securities, start), *_corporate_actions(securities), *income, _forex(tuple(pairs), start)]


def _bars(symbols: tuple[str, ...], start: date) -> list[Stream]:
    as_traded = Stream(
        name="daily_bars",
        contract=DailyBar,
        path="historical-price-eod/non-split-adjusted",
        policy=Windows(max_days=WINDOW_DAYS),
        keys=symbols,
        start=start,
        rename=_AS_TRADED_NAMES,
        nulls=NULLS,
        max_rows=MAX_ROWS,
        expected_bytes=1260 * _BAR_BYTES,
    )
    adjusted = Stream(
        name="adjusted_daily_bars",
        contract=AdjustedDailyBar,
        path="historical-price-eod/full",
        policy=Windows(max_days=WINDOW_DAYS),
        keys=symbols,
        start=start,
        rename={"date": "session", "changePercent": "change_percent"},
        nulls=NULLS,
        invalidated_by="splits",
        max_rows=MAX_ROWS,
        expected_bytes=1260 * _BAR_BYTES,
    )
    return [as_traded, adjusted]


def _corporate_actions(symbols: tuple[str, ...]) -> list[Stream]:
    dividends = Stream(
        name="dividends",
        contract=Dividend,
        path="dividends",
        policy=Snapshot(every_days=1),
        keys=symbols,
        rename=_DIVIDEND_NAMES,
        nulls=NULLS,
        expected_bytes=80 * 250,
    )
    splits = Stream(
        name="splits",
        contract=Split,
        path="splits",
        policy=Snapshot(every_days=1),
        keys=symbols,
        rename={"date": "ex_date", "splitType": "split_type"},
        nulls=NULLS,
        expected_bytes=1_000,
    )
    profiles = Stream(
        name="profiles",
        contract=Profile,
        path="profile",
        policy=Snapshot(every_days=7),
        keys=symbols,
        rename=_PROFILE_NAMES,
        nulls=NULLS,
        expected_bytes=3_000,
    )
    return [dividends, splits, profiles]


def _income_statements(symbols: tuple[str, ...], reporting: Reporting, limit: int) -> Stream:
    return Stream(
        name=_INCOME_STATEMENTS[reporting],
        contract=IncomeStatement,
        path="income-statement",
        policy=Snapshot(every_days=7),
        keys=symbols,
        params={"period": reporting, "limit": str(limit)},
        rename=vendor_names(IncomeStatement),
        nulls=NULLS,
        max_rows=limit,
        expected_bytes=min(limit, 80) * _STATEMENT_BYTES,
    )


def _forex(pairs: tuple[str, ...], start: date) -> Stream:
    return Stream(
        name="forex_daily_bars",
        contract=ForexBar,
        path="historical-price-eod/full",
        policy=Windows(max_days=WINDOW_DAYS),
        keys=pairs,
        start=start,
        rename={"symbol": "pair", "date": "session"},
        nulls=NULLS,
        max_rows=MAX_ROWS,
        expected_bytes=1260 * _BAR_BYTES,
    )
