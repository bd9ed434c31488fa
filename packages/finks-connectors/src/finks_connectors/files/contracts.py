"""What one record of each file must be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from finks.contract import Contract, Currency, Symbol, check, field, key, money, price, quantity, text


class Transaction(Contract, version="1.0"):
    """One booking in a portfolio.

    A `buy` or `sell` states symbol, quantity (always positive, in shares as of its day) and price; its cash is
    quantity * price, plus the fee for a buy, less the fee for a sell. A `deposit`, `withdrawal` or `fee` states
    an amount (always positive). All of it is in `currency`. Dividends are not booked here: they follow from the
    vendor's dividends and the holding.
    """

    portfolio_id: str = key(min_length=1, description="The portfolio that the booking belongs to.")
    transaction_id: str = key(min_length=1, description="The booking's number, unique within its portfolio.")
    trade_date: date = field(description="The day of the trade or of the cash movement.")
    kind: Literal["buy", "sell", "deposit", "withdrawal", "fee"] = field(description="What happened.")
    symbol: Symbol | None = field(description="The security bought or sold; optional for a fee.")
    quantity: Decimal | None = quantity(gt=0, unit="shares", description="Shares bought or sold.")
    price: Decimal | None = price(ge=0, description="Price per share, as traded.")
    amount: Decimal | None = money(gt=0, description="Cash of a deposit, a withdrawal or a fee.")
    currency: Currency = field(description="ISO 4217 code of price, amount and fee.")
    fee: Decimal | None = money(ge=0, description="Fee of a trade; none when absent.")
    note: str | None = text(description="Free text.")

    _trade_is_whole = check(
        "(kind != 'buy' and kind != 'sell')"
        " or (symbol is not None and quantity is not None and price is not None and amount is None)"
    )
    _cash_is_whole = check(
        "kind == 'buy' or kind == 'sell' or (amount is not None and quantity is None and price is None and fee is None)"
    )


class Portfolio(Contract, version="1.0"):
    """One portfolio."""

    portfolio_id: str = key(min_length=1, description="The portfolio's identifier.")
    name: str = text(min_length=1, description="What people call it.")
    base_currency: Currency = field(description="ISO 4217 code of the currency that it is valued in.")
