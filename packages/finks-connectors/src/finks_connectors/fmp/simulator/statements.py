"""Income statements of the simulated issuers: made up, of a plausible size, the same on every machine.

Only the names and the calendars of the fiscal years are real. Revenue grows by a fixed rate and a few per mille of
noise that follow from symbol and year; the other lines are fixed shares of it, so the statements add up. A year is
the sum of its quarters. The lines that many issuers do not report are 0, as the vendor's are.

IBM restates the last quarter of 2011, and with it the year, on 2013-01-22. As at the vendor, the new numbers stand
where the old ones stood, and the day of filing stays.
"""

from __future__ import annotations

import json
from calendar import SATURDAY, monthrange
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zlib import crc32

from finks_connectors.fmp.simulator.market import History
from finks_connectors.fmp.simulator.profiles import ISSUERS
from finks_connectors.fmp.simulator.shapes import Row, literal, render

DEFAULT_LIMIT = 5

_MILLION = 1_000_000
_QUARTERS = (1, 2, 3, 4)
# Parts of a year's revenue, in percent.
_SEASONS = {1: 26, 2: 23, 3: 23, 4: 28}
# The year's report tells the fourth quarter too. It takes longer.
_IN_ANNUAL_REPORT = {"Q4", "FY"}
_DAYS_TO_ANNUAL_REPORT, _DAYS_TO_QUARTERLY_REPORT = 55, 30


@dataclass(frozen=True, slots=True)
class _Books:
    """What an issuer's statements are made of.

    Attributes:
        first_year: The first fiscal year told.
        last_month: The month in which the fiscal year ends.
        ends_on_saturday: On its last Saturday instead of its last day.
        revenue: Of the first year, in millions.
        growth, cost, research, overhead, tax: Per mille.
        shares: In millions.
    """

    symbol: str
    first_year: int
    last_month: int
    ends_on_saturday: bool
    revenue: int
    growth: int
    cost: int
    research: int
    overhead: int
    tax: int
    shares: int


_ISSUERS = (
    _Books("AAPL", 2000, 9, True, 8_000, 270, 620, 35, 90, 250, 940),
    _Books("MSFT", 2000, 6, False, 23_000, 100, 230, 140, 250, 240, 8_400),
    _Books("IBM", 2000, 12, False, 85_000, 17, 560, 60, 210, 250, 1_200),
    _Books("GOOG", 2004, 12, False, 3_200, 380, 420, 120, 150, 220, 330),
    _Books("FB", 2012, 12, False, 5_000, 500, 270, 270, 250, 400, 2_100),
)
_BOOKS = {books.symbol: books for books in _ISSUERS}


@dataclass(frozen=True, slots=True)
class _Restatement:
    """From `day` on the revenue of a quarter is told as `millions` more."""

    day: date
    millions: int


_RESTATED = {("IBM", 2011, 4): _Restatement(date(2013, 1, 22), -310)}


def income_statements(symbol: str, _history: History, params: Mapping[str, str], today: date) -> bytes:
    """`income-statement`: newest first, five unless `limit` says otherwise, years unless `period` does."""
    period = params.get("period", "")
    if period == "quarter":
        wanted = {"Q1", "Q2", "Q3", "Q4"}
    else:  # an unknown period is taken for a year without a word
        wanted = {period} if period in {"Q1", "Q2", "Q3", "Q4"} else {"FY"}
    limit = params.get("limit", "")
    books = _BOOKS.get(symbol)
    rows = [row for name, row in _published(books, today) if name in wanted] if books else []
    return render(rows[::-1][: int(limit) if limit.isdigit() else DEFAULT_LIMIT])


def _published(books: _Books, today: date) -> Iterator[tuple[str, Row]]:
    """Name of the period and statement of all that was filed until `today`, oldest first."""
    for year in range(books.first_year, today.year + 2):
        for name in ("Q1", "Q2", "Q3", "Q4", "FY"):
            quarters = _QUARTERS if name == "FY" else (int(name[1]),)
            ended = _period_end(books, year, quarters[-1])
            filed = _filing_day(ended, name)
            if filed <= today:
                lines: Counter[str] = Counter()
                for quarter in quarters:
                    lines.update(_lines(books, _revenue(books, year, quarter, today)))
                yield name, (*_head(books, ended, filed, year, name), *_amounts(lines), *_per_share(lines, books, year))


def _period_end(books: _Books, year: int, quarter: int) -> date:
    """The last day of a fiscal quarter."""
    months = year * 12 + books.last_month - 1 - 3 * (4 - quarter)
    last = date(months // 12, months % 12 + 1, monthrange(months // 12, months % 12 + 1)[1])
    return last - timedelta(days=(last.weekday() - SATURDAY) % 7) if books.ends_on_saturday else last


def _filing_day(ended: date, name: str) -> date:
    """A working day some weeks after the period."""
    days = _DAYS_TO_ANNUAL_REPORT if name in _IN_ANNUAL_REPORT else _DAYS_TO_QUARTERLY_REPORT
    day = ended + timedelta(days=days)
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= SATURDAY else day


def _revenue(books: _Books, year: int, quarter: int, today: date) -> int:
    """A quarter's revenue in millions, as told on `today`."""
    years = year - books.first_year
    noise = crc32(f"{books.symbol}{year}".encode()) % 41 - 20
    grown = books.revenue * (1000 + books.growth) ** years // 1000**years
    told = grown * (1000 + noise) * _SEASONS[quarter] // 100_000
    restated = _RESTATED.get((books.symbol, year, quarter))
    return told + restated.millions if restated and restated.day <= today else told


def _lines(books: _Books, revenue: int) -> dict[str, int]:
    """A quarter's statement, in millions."""
    cost, research, overhead = (revenue * share // 1000 for share in (books.cost, books.research, books.overhead))
    operating = revenue - cost - research - overhead
    written_off, other = revenue * 30 // 1000, revenue * 4 // 1000
    tax = (operating + other) * books.tax // 1000
    return {
        "revenue": revenue,
        "costOfRevenue": cost,
        "grossProfit": revenue - cost,
        "researchAndDevelopmentExpenses": research,
        "generalAndAdministrativeExpenses": 0,
        "sellingAndMarketingExpenses": 0,
        "sellingGeneralAndAdministrativeExpenses": overhead,
        "otherExpenses": 0,
        "operatingExpenses": research + overhead,
        "costAndExpenses": cost + research + overhead,
        "netInterestIncome": 0,
        "interestIncome": 0,
        "interestExpense": 0,
        "depreciationAndAmortization": written_off,
        "ebitda": operating + written_off,
        "ebit": operating,
        "nonOperatingIncomeExcludingInterest": 0,
        "operatingIncome": operating,
        "totalOtherIncomeExpensesNet": other,
        "incomeBeforeTax": operating + other,
        "incomeTaxExpense": tax,
        "netIncomeFromContinuingOperations": operating + other - tax,
        "netIncomeFromDiscontinuedOperations": 0,
        "otherAdjustmentsToNetIncome": 0,
        "netIncome": operating + other - tax,
        "netIncomeDeductions": 0,
        "bottomLineNetIncome": operating + other - tax,
    }


def _head(books: _Books, ended: date, filed: date, year: int, name: str) -> Row:
    """A year's report is accepted on the evening of the working day before its day of filing."""
    evening = filed - timedelta(days=1 if filed.weekday() else 3)
    accepted = f"{evening} 18:08:27" if name in _IN_ANNUAL_REPORT else f"{filed} 06:01:36"
    values = {
        "date": ended.isoformat(),
        "symbol": books.symbol,
        "reportedCurrency": "USD",
        "cik": ISSUERS[books.symbol].cik,
        "filingDate": filed.isoformat(),
        "acceptedDate": accepted,
        "fiscalYear": str(year),
        "period": name,
    }
    return [(field, json.dumps(value)) for field, value in values.items()]


def _amounts(lines: Mapping[str, int]) -> Row:
    return [(name, str(millions * _MILLION)) for name, millions in lines.items()]


def _per_share(lines: Mapping[str, int], books: _Books, year: int) -> Row:
    """The shares grow by half a percent a year; two in a hundred more may come."""
    shares = books.shares * (200 + year - books.first_year) * _MILLION // 200
    diluted = shares * 102 // 100
    earned = Decimal(lines["netIncome"] * _MILLION)
    eps, eps_diluted = ((earned / number).quantize(Decimal("0.01"), ROUND_HALF_UP) for number in (shares, diluted))
    return [
        ("eps", literal(eps)),
        ("epsDiluted", literal(eps_diluted)),
        ("weightedAverageShsOut", str(shares)),
        ("weightedAverageShsOutDil", str(diluted)),
    ]
