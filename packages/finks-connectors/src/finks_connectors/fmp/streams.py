"""The streams of FMP: which path, which record, how it is cut, what the vendor's names mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from finks.source.model import Snapshot, Stream, Windows

from finks_connectors.fmp.contracts import AdjustedDailyBar, DailyBar, Dividend, ForexBar, Profile, Split

# The vendor writes an absent value in each of these ways, sometimes several in one answer.
NULLS = ("", "N/A", "None", "NULL")

# An answer is cut silently at this number of rows; the newest are kept.
MAX_ROWS = 5000

# Fewer days than MAX_ROWS, so that a window never reaches the cap, whatever the calendar.
WINDOW_DAYS = 4900

_BAR_BYTES = 230

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


def streams(symbols: Sequence[str], pairs: Sequence[str], start: date) -> list[Stream]:
    """Every stream, for these securities and currency pairs, bars from `start` on."""
    securities = tuple(symbols)
    return [*_bars(securities, start), *_corporate_actions(securities), _forex(tuple(pairs), start)]


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
