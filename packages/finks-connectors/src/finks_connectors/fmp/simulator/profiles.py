"""Who the five securities are: public facts, in the 36 fields of the vendor's `profile`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from finks_connectors.fmp.simulator.market import History
from finks_connectors.fmp.simulator.shapes import Row, literal


@dataclass(frozen=True, slots=True)
class Issuer:
    """What does not change from day to day."""

    name: str
    exchange: str
    exchange_name: str
    cik: str
    isin: str
    industry: str
    sector: str
    listed: str


_NASDAQ = ("NASDAQ", "NASDAQ Global Select")
_NYSE = ("NYSE", "New York Stock Exchange")

ISSUERS = {
    "AAPL": Issuer(
        "Apple Inc.", *_NASDAQ, "0000320193", "US0378331005", "Consumer Electronics", "Technology", "1980-12-12"
    ),
    "MSFT": Issuer(
        "Microsoft Corporation", *_NASDAQ, "0000789019", "US5949181045", "Software", "Technology", "1986-03-13"
    ),
    "IBM": Issuer(
        "International Business Machines Corporation",
        *_NYSE,
        "0000051143",
        "US4592001014",
        "Information Technology Services",
        "Technology",
        "1962-01-02",
    ),
    "GOOG": Issuer("Google Inc.", *_NASDAQ, "0001288776", "US38259P5089", "Internet", "Technology", "2004-08-19"),
    "FB": Issuer("Facebook, Inc.", *_NASDAQ, "0001326801", "US30303M1027", "Internet", "Technology", "2012-05-18"),
}


def profile(symbol: str, history: History, today: date) -> Row | None:
    """The profile as of `today`; None for a security that is not known or not yet traded."""
    issuer = ISSUERS.get(symbol)
    bars = history.between(today - timedelta(days=365), today)
    if issuer is None or not bars:
        return None
    close = bars[-1].close
    before = bars[-2].close if len(bars) > 1 else close
    volume = sum((bar.volume for bar in bars), Decimal(0)) / len(bars)
    values: dict[str, str | bool | Decimal | None] = {
        "symbol": symbol,
        "price": close,
        "marketCap": None,
        "beta": None,
        "lastDividend": sum(
            (d.amount for d in history.dividends if today - timedelta(days=365) < d.ex_date <= today), Decimal(0)
        ),
        "range": f"{min(bar.low for bar in bars)}-{max(bar.high for bar in bars)}",
        "change": close - before,
        "changePercentage": (100 * (close - before) / before).quantize(Decimal("0.00001")),
        "volume": bars[-1].volume,
        "averageVolume": volume.quantize(Decimal(1)),
        "companyName": issuer.name,
        "currency": "USD",
        "cik": issuer.cik,
        "isin": issuer.isin,
        "cusip": issuer.isin[2:11],
        "exchangeFullName": issuer.exchange_name,
        "exchange": issuer.exchange,
        "industry": issuer.industry,
    }
    absent = ("website", "description", "ceo")
    values |= dict.fromkeys(absent, "") | {"sector": issuer.sector, "country": "US"}
    values |= dict.fromkeys(("fullTimeEmployees", "phone", "address", "city", "state", "zip", "image"), "")
    values |= {"ipoDate": issuer.listed, "defaultImage": True, "isEtf": False, "isActivelyTrading": True}
    values |= {"isAdr": False, "isFund": False}
    return [(name, literal(value)) for name, value in values.items()]
