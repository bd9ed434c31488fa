"""What one income statement of FMP must be, and what the vendor calls its fields."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from finks.contract import Contract, Currency, Symbol, field, key, money, price, quantity, text

from finks_connectors.fmp.contracts import LICENCE, PRICE_SCALE

FiscalPeriod = Literal["FY", "Q1", "Q2", "Q3", "Q4"]

# The vendor's names that are more than another spelling of ours.
_OTHER_NAMES = {
    "period_end": "date",
    "fiscal_period": "period",
    "currency": "reportedCurrency",
    "accepted_at": "acceptedDate",
    "weighted_average_shares": "weightedAverageShsOut",
    "weighted_average_shares_diluted": "weightedAverageShsOutDil",
}


def _amount(description: str) -> Any:
    return money(scale=PRICE_SCALE, description=description)


class IncomeStatement(Contract, version="1.0", licence=LICENCE):
    """One fiscal year or quarter of one issuer. From `income-statement`.

    A record is one symbol's period, told by its last day and its name: the fourth quarter ends with the year, so the
    day alone is not enough. Two statements of one period that differ are ambiguous and go to quarantine.

    Amounts are in whole units of `currency`, which may differ from the currency of the prices. Expenses are positive.
    Zero often means "not reported". A restated number overwrites the old one, and the filing date may stay as it is:
    only `_known_at`, when finks saw a version, tells what was known when.
    """

    symbol: Symbol = key(description="The vendor's symbol.")
    period_end: date = key(event_time=True, description="The last day of the period (vendor: `date`).")
    fiscal_period: FiscalPeriod = key(description="`FY` for the year, `Q1` to `Q4` for its quarters.")
    fiscal_year: int = field(description="The issuer's fiscal year; it may begin in the calendar year before.")
    currency: Currency = field(description="ISO 4217 code of the currency that the issuer reports in.")
    cik: str | None = text(description="SEC central index key, ten digits; zeros for an issuer that has none.")
    filing_date: date | None = field(
        description="When it was filed, as the vendor says; made up (`period_end`) for issuers without a CIK."
    )
    accepted_at: datetime | None = field(
        zone="America/New_York",
        description="When the SEC accepted it, which may be the evening before `filing_date`; see there.",
    )
    # A field that the vendor renames would be absent everywhere: these two say so.
    revenue: Decimal = _amount("Revenue.")
    cost_of_revenue: Decimal | None = _amount("Cost of revenue.")
    gross_profit: Decimal | None = _amount("Revenue less its cost.")
    research_and_development_expenses: Decimal | None = _amount("Research and development.")
    general_and_administrative_expenses: Decimal | None = _amount("General and administrative, where told apart.")
    selling_and_marketing_expenses: Decimal | None = _amount("Selling and marketing, where told apart.")
    selling_general_and_administrative_expenses: Decimal | None = _amount("Selling, general and administrative.")
    other_expenses: Decimal | None = _amount("Other operating expenses.")
    operating_expenses: Decimal | None = _amount("Operating expenses without the cost of revenue.")
    cost_and_expenses: Decimal | None = _amount("Cost of revenue and operating expenses.")
    net_interest_income: Decimal | None = _amount("Interest income less expense.")
    interest_income: Decimal | None = _amount("Interest income.")
    interest_expense: Decimal | None = _amount("Interest expense.")
    depreciation_and_amortization: Decimal | None = _amount("Depreciation and amortization.")
    ebitda: Decimal | None = _amount("Earnings before interest, taxes, depreciation and amortization.")
    ebit: Decimal | None = _amount("Earnings before interest and taxes.")
    non_operating_income_excluding_interest: Decimal | None = _amount("Non-operating income without interest.")
    operating_income: Decimal | None = _amount("Gross profit less operating expenses.")
    total_other_income_expenses_net: Decimal | None = _amount("Other income less other expenses.")
    income_before_tax: Decimal | None = _amount("Income before tax.")
    income_tax_expense: Decimal | None = _amount("Income tax.")
    net_income_from_continuing_operations: Decimal | None = _amount("Net income of what the issuer goes on with.")
    net_income_from_discontinued_operations: Decimal | None = _amount("Net income of what it gave up.")
    other_adjustments_to_net_income: Decimal | None = _amount("Other adjustments to net income.")
    net_income: Decimal = _amount("Net income.")
    net_income_deductions: Decimal | None = _amount("What is deducted from it, for example for preferred shares.")
    bottom_line_net_income: Decimal | None = _amount("Net income less deductions.")
    eps: Decimal | None = price(scale=PRICE_SCALE, description="Earnings per share, in `currency`.")
    eps_diluted: Decimal | None = price(scale=PRICE_SCALE, description="Diluted earnings per share, in `currency`.")
    weighted_average_shares: Decimal | None = quantity(
        scale=PRICE_SCALE, ge=0, unit="shares", description="Shares outstanding, averaged over the period."
    )
    weighted_average_shares_diluted: Decimal | None = quantity(
        scale=PRICE_SCALE, ge=0, unit="shares", description="The same with what may become shares."
    )


def vendor_names(contract: type[Contract]) -> dict[str, str]:
    """The vendor's name of each field, where it is another one, to the contract's: `grossProfit` to `gross_profit`."""
    ours = [spec.name for spec in contract.compiled().fields]
    names = {_OTHER_NAMES.get(name, _camel_case(name)): name for name in ours}
    return {theirs: name for theirs, name in names.items() if theirs != name}


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
