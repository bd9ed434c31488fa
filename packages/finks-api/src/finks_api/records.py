"""What the API answers: each record's fields, from which the queries, the Arrow schemas and the OpenAPI schemas come.

The types are those of the marts and of the contracts; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from finks_api.keys.model import Dataset
from finks_api.query import INSTANT, KNOWN_AT

MONEY: Final = pa.decimal128(38, 10)
PRICE: Final = pa.decimal128(38, 12)
RATE: Final = pa.decimal128(38, 14)
QUOTE: Final = pa.decimal128(38, 18)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Its OpenAPI schema in an answer as JSON."""
        kind = _json_type(self.type)
        typed = {**kind, "type": [kind["type"], "null"]} if self.nullable else kind
        return {**typed, "description": self.description}


@dataclass(frozen=True, slots=True)
class Record:
    """One kind of record.

    Attributes:
        name: Of the OpenAPI schema.
        dataset: What the settings call its table.
        scope: What a key must be allowed to read.
        key: What makes a record unique, and its order.
    """

    name: str
    description: str
    dataset: str
    scope: Dataset
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of its rows."""
        return pa.schema([pa.field(each.name, each.type, each.nullable) for each in self.fields])

    @property
    def schema(self) -> dict[str, Any]:
        """The OpenAPI schema of one record as JSON."""
        return {
            "type": "object",
            "title": self.name,
            "description": self.description,
            "properties": {each.name: each.schema for each in self.fields},
            "required": [each.name for each in self.fields],
            "additionalProperties": False,
        }


DECIMAL_PATTERN: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$"


def _json_type(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_decimal(kind):
        return {"type": "string", "format": "decimal", "pattern": DECIMAL_PATTERN}
    if pa.types.is_date(kind):
        return {"type": "string", "format": "date"}
    if pa.types.is_timestamp(kind):
        return {"type": "string", "format": "date-time"}
    return dict(_PLAIN[str(kind)])


_PLAIN: Final[Mapping[str, Mapping[str, Any]]] = {
    "string": {"type": "string"},
    "int64": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "bool": {"type": "boolean"},
}

_KNOWN: Final = Field(KNOWN_AT, INSTANT, "When this version became known.")
_PORTFOLIO: Final = Field("portfolio_id", pa.string(), "The portfolio.")
_SYMBOL: Final = Field("symbol", pa.string(), "The vendor's symbol.")
_BASE: Final = Field("base_currency", pa.string(), "ISO 4217 code of the currency that the portfolio is valued in.")

PORTFOLIO: Final = Record(
    "Portfolio",
    "One portfolio.",
    "portfolios",
    "portfolios",
    ("portfolio_id",),
    (_PORTFOLIO, Field("name", pa.string(), "What people call it."), _BASE, _KNOWN),
)

SUMMARY: Final = Record(
    "DailySummary",
    "One portfolio on one date, from its first transaction on. Amounts are in base currency.",
    "summaries",
    "portfolios",
    ("portfolio_id", "date"),
    (
        _PORTFOLIO,
        Field("date", pa.date32(), "The date."),
        _BASE,
        Field("total_value", MONEY, "market_value + cash + dividends_receivable."),
        Field("market_value", MONEY, "Of all positions with a price."),
        Field("cash", MONEY, "Of all currencies; negative when it is owed."),
        Field("dividends_receivable", MONEY, "Dividends gone ex and not yet paid."),
        Field("external_inflow", MONEY, "Deposits of the date."),
        Field("external_outflow", MONEY, "Withdrawals of the date."),
        Field("income", MONEY, "Dividends that went ex on the date."),
        Field("fees", MONEY, "Fees of the date: those of trades and others."),
        Field("cost_basis", MONEY, "Of all positions."),
        Field("realised_pnl", MONEY, "Of the sales of the date, first in, first out, without fees."),
        Field("unrealised_pnl", MONEY, "Of all positions with a price."),
        Field("pnl", MONEY, "Change of total_value that no external flow explains."),
        Field(
            "daily_return",
            pa.float64(),
            "Time-weighted: (V + outflow) / (previous V + inflow) - 1. Null when no money was at work.",
            nullable=True,
        ),
        Field("cumulative_return", pa.float64(), "Product of 1 + daily_return since the first transaction, less 1."),
        Field("coverage", pa.float64(), "Share of the positions that have a price; 1 without positions."),
        Field("positions", pa.int64(), "Number of securities held."),
        Field("oldest_price_age_days", pa.int64(), "Age of the oldest price used; null without positions.", True),
    ),
)

POSITION: Final = Record(
    "Position",
    "One security in one portfolio on one date.",
    "positions",
    "portfolios",
    ("portfolio_id", "date", "symbol"),
    (
        _PORTFOLIO,
        Field("date", pa.date32(), "The date."),
        _SYMBOL,
        Field("quantity", MONEY, "Shares held at the end of the date."),
        Field("currency", pa.string(), "Of the price."),
        Field("price", PRICE, "The last close until the date; null without one.", nullable=True),
        Field("price_session", pa.date32(), "The session of that close.", nullable=True),
        Field("price_age_days", pa.int64(), "Days from that session to the date.", nullable=True),
        Field("market_value_local", MONEY, "In the currency of the price.", nullable=True),
        Field("fx_rate", RATE, "Units of base currency for one unit of the price's currency."),
        Field("fx_age_days", pa.int64(), "Days from the rate's session to the date."),
        _BASE,
        Field("market_value", MONEY, "In base currency.", nullable=True),
        Field("cost_basis", MONEY, "In base currency, first in, first out."),
        Field("unrealised_pnl", MONEY, "market_value - cost_basis.", nullable=True),
    ),
)

TRANSACTION: Final = Record(
    "Transaction",
    "One booking in a portfolio.",
    "transactions",
    "transactions",
    ("portfolio_id", "transaction_id"),
    (
        _PORTFOLIO,
        Field("transaction_id", pa.string(), "The booking's number, unique within its portfolio."),
        Field("trade_date", pa.date32(), "The day of the trade or of the cash movement."),
        Field("kind", pa.string(), "buy, sell, deposit, withdrawal or fee."),
        Field("symbol", pa.string(), "The security bought or sold; optional for a fee.", nullable=True),
        Field("quantity", MONEY, "Shares bought or sold; always positive.", nullable=True),
        Field("price", PRICE, "Price per share, as traded.", nullable=True),
        Field("amount", MONEY, "Cash of a deposit, a withdrawal or a fee; always positive.", nullable=True),
        Field("currency", pa.string(), "ISO 4217 code of price, amount and fee."),
        Field("fee", MONEY, "Fee of a trade; none when null.", nullable=True),
        Field("note", pa.string(), "Free text.", nullable=True),
        _KNOWN,
    ),
)

SECURITY: Final = Record(
    "Security",
    "One security that has a profile.",
    "securities",
    "securities",
    ("symbol",),
    (
        _SYMBOL,
        Field("name", pa.string(), "The issuer's name.", nullable=True),
        Field("currency", pa.string(), "ISO 4217 code of the currency of its prices."),
        Field("exchange", pa.string(), "Short name of the exchange.", nullable=True),
        Field("sessions", pa.int64(), "Sessions with a bar."),
        Field("first_session", pa.date32(), "The first of them.", nullable=True),
        Field("last_session", pa.date32(), "The last of them.", nullable=True),
    ),
)

BAR: Final = Record(
    "DailyBar",
    "One session of one security, as traded: no split or dividend changes it later.",
    "bars",
    "bars",
    ("symbol", "session"),
    (
        _SYMBOL,
        Field("session", pa.date32(), "The trading day in the exchange's calendar."),
        Field("open", QUOTE, "First price of the session."),
        Field("high", QUOTE, "Highest price of the session."),
        Field("low", QUOTE, "Lowest price of the session."),
        Field("close", QUOTE, "Last price of the session."),
        Field("volume", QUOTE, "Shares traded; may be fractional."),
        _KNOWN,
    ),
)

DIVIDEND: Final = Record(
    "Dividend",
    "One cash dividend of one security, by its ex-date.",
    "dividends",
    "dividends",
    ("symbol", "ex_date"),
    (
        _SYMBOL,
        Field("ex_date", pa.date32(), "The first session that trades without the dividend."),
        Field("record_date", pa.date32(), "The day on which holders are recorded.", nullable=True),
        Field("payment_date", pa.date32(), "The day on which it is paid.", nullable=True),
        Field("declaration_date", pa.date32(), "The day on which it was declared.", nullable=True),
        Field("amount", QUOTE, "Per share as paid."),
        Field("adjusted_amount", QUOTE, "Per share, restated for later splits.", nullable=True),
        Field("frequency", pa.string(), "For example Quarterly.", nullable=True),
        _KNOWN,
    ),
)

SPLIT: Final = Record(
    "Split",
    "One split of one security: a holding of q is q * numerator / denominator from its ex-date on.",
    "splits",
    "splits",
    ("symbol", "ex_date"),
    (
        _SYMBOL,
        Field("ex_date", pa.date32(), "The first session that trades on the new basis."),
        Field("numerator", MONEY, "New shares."),
        Field("denominator", MONEY, "Old shares."),
        Field("split_type", pa.string(), "The vendor's kind of split.", nullable=True),
        _KNOWN,
    ),
)

INCOME_STATEMENT: Final = Record(
    "IncomeStatement",
    "One fiscal year or quarter of one issuer. Amounts are in whole units of `currency`; expenses are positive. Zero "
    "often means not reported. Only `known_at` tells what was known when.",
    "fundamentals",
    "fundamentals",
    ("symbol", "period_end", "fiscal_period"),
    (
        _SYMBOL,
        Field("period_end", pa.date32(), "The last day of the period."),
        Field("fiscal_period", pa.string(), "FY for the year, Q1 to Q4 for its quarters."),
        Field("fiscal_year", pa.int64(), "The issuer's fiscal year."),
        Field("currency", pa.string(), "ISO 4217 code of the currency that the issuer reports in."),
        Field("cik", pa.string(), "SEC central index key, ten digits.", nullable=True),
        Field("filing_date", pa.date32(), "When it was filed, as the vendor says.", nullable=True),
        Field("accepted_at", INSTANT, "When the SEC accepted it.", nullable=True),
        Field("revenue", QUOTE, "Revenue."),
        Field("cost_of_revenue", QUOTE, "Cost of revenue.", nullable=True),
        Field("gross_profit", QUOTE, "Revenue less its cost.", nullable=True),
        Field("research_and_development_expenses", QUOTE, "Research and development.", nullable=True),
        Field(
            "general_and_administrative_expenses", QUOTE, "General and administrative, where told apart.", nullable=True
        ),
        Field("selling_and_marketing_expenses", QUOTE, "Selling and marketing, where told apart.", nullable=True),
        Field(
            "selling_general_and_administrative_expenses", QUOTE, "Selling, general and administrative.", nullable=True
        ),
        Field("other_expenses", QUOTE, "Other operating expenses.", nullable=True),
        Field("operating_expenses", QUOTE, "Operating expenses without the cost of revenue.", nullable=True),
        Field("cost_and_expenses", QUOTE, "Cost of revenue and operating expenses.", nullable=True),
        Field("net_interest_income", QUOTE, "Interest income less expense.", nullable=True),
        Field("interest_income", QUOTE, "Interest income.", nullable=True),
        Field("interest_expense", QUOTE, "Interest expense.", nullable=True),
        Field("depreciation_and_amortization", QUOTE, "Depreciation and amortization.", nullable=True),
        Field("ebitda", QUOTE, "Earnings before interest, taxes, depreciation and amortization.", nullable=True),
        Field("ebit", QUOTE, "Earnings before interest and taxes.", nullable=True),
        Field(
            "non_operating_income_excluding_interest", QUOTE, "Non-operating income without interest.", nullable=True
        ),
        Field("operating_income", QUOTE, "Gross profit less operating expenses.", nullable=True),
        Field("total_other_income_expenses_net", QUOTE, "Other income less other expenses.", nullable=True),
        Field("income_before_tax", QUOTE, "Income before tax.", nullable=True),
        Field("income_tax_expense", QUOTE, "Income tax.", nullable=True),
        Field(
            "net_income_from_continuing_operations", QUOTE, "Net income of what the issuer goes on with.", nullable=True
        ),
        Field("net_income_from_discontinued_operations", QUOTE, "Net income of what it gave up.", nullable=True),
        Field("other_adjustments_to_net_income", QUOTE, "Other adjustments to net income.", nullable=True),
        Field("net_income", QUOTE, "Net income."),
        Field(
            "net_income_deductions", QUOTE, "What is deducted from it, for example for preferred shares.", nullable=True
        ),
        Field("bottom_line_net_income", QUOTE, "Net income less deductions.", nullable=True),
        Field("eps", QUOTE, "Earnings per share, in `currency`.", nullable=True),
        Field("eps_diluted", QUOTE, "Diluted earnings per share, in `currency`.", nullable=True),
        Field("weighted_average_shares", QUOTE, "Shares outstanding, averaged over the period.", nullable=True),
        Field("weighted_average_shares_diluted", QUOTE, "The same with what may become shares.", nullable=True),
        _KNOWN,
    ),
)

QUARTERLY_STATEMENT: Final = replace(INCOME_STATEMENT, dataset="quarterly_fundamentals")

RECORDS: Final = (
    PORTFOLIO, SUMMARY, POSITION, TRANSACTION, SECURITY, BAR, DIVIDEND, SPLIT, INCOME_STATEMENT, QUARTERLY_STATEMENT,
)  # fmt: skip
