"""What one record of each FMP stream must be.

Numbers are decimals, read from the vendor's text: FMP mixes integers, short decimals and the full digits
of a double within one field, and volumes are not always whole. The scales hold every digit of a double
down to 0.01 (`yield` came with 17 decimals), so nothing is rounded and float noise rejects no record.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from finks.contract import Contract, Currency, Symbol, check, field, key, price, quantity, ratio, text

LICENCE = "fmp-terms"

PRICE_SCALE = 18
PERCENT_SCALE = 24


class DailyBar(Contract, version="1.0", licence=LICENCE):
    """One session of one security, as traded: no split or dividend changes it later.

    From `historical-price-eod/non-split-adjusted`, whose fields are named `adjOpen` to `adjClose` although
    their values are the unadjusted ones. Rows whose open or close lies outside low to high do occur at the
    vendor; they go to quarantine.
    """

    symbol: Symbol = key(description="The vendor's symbol, for example `AAPL` or `BRK-B`.")
    session: date = key(event_time=True, description="The trading day in the exchange's calendar.")
    open: Decimal = price(scale=PRICE_SCALE, gt=0, description="First price of the session, in the profile's currency.")
    high: Decimal = price(scale=PRICE_SCALE, gt=0, description="Highest price of the session.")
    low: Decimal = price(scale=PRICE_SCALE, gt=0, description="Lowest price of the session.")
    close: Decimal = price(scale=PRICE_SCALE, gt=0, description="Last price of the session.")
    volume: Decimal = quantity(scale=PRICE_SCALE, ge=0, unit="shares", description="Shares traded; may be fractional.")

    _ohlc = check("low <= open and low <= close and high >= open and high >= close")


class AdjustedDailyBar(Contract, version="1.0", licence=LICENCE):
    """One session of one security, restated for every later split (not for dividends).

    From `historical-price-eod/full`. The vendor rewrites the whole history at each new split.
    """

    symbol: Symbol = key(description="The vendor's symbol.")
    session: date = key(event_time=True, description="The trading day in the exchange's calendar.")
    open: Decimal = price(scale=PRICE_SCALE, gt=0, description="First price, split-adjusted.")
    high: Decimal = price(scale=PRICE_SCALE, gt=0, description="Highest price, split-adjusted.")
    low: Decimal = price(scale=PRICE_SCALE, gt=0, description="Lowest price, split-adjusted.")
    close: Decimal = price(scale=PRICE_SCALE, gt=0, description="Last price, split-adjusted.")
    volume: Decimal = quantity(scale=PRICE_SCALE, ge=0, unit="shares", description="Shares traded, split-adjusted.")
    change: Decimal | None = price(
        scale=PRICE_SCALE, description="close - open of the same session: not the move from the previous close."
    )
    change_percent: Decimal | None = ratio(
        scale=PERCENT_SCALE, unit="percent", description="100 * (close - open) / open, rounded by the vendor."
    )
    vwap: Decimal | None = price(
        scale=PRICE_SCALE, description="(open + high + low + close) / 4: no volume-weighted price, despite its name."
    )

    _ohlc = check("low <= open and low <= close and high >= open and high >= close")


class Dividend(Contract, version="1.0", licence=LICENCE):
    """One cash dividend of one security, by its ex-date. From `dividends`.

    The vendor states no currency; it is that of the profile. `amount` is as paid but rounded to three
    decimals; `adjusted_amount` is restated at each later split.
    """

    symbol: Symbol = key(description="The vendor's symbol.")
    ex_date: date = key(event_time=True, description="The first session that trades without the dividend.")
    record_date: date | None = field(description="The day on which holders are recorded.")
    payment_date: date | None = field(description="The day on which it is paid.")
    declaration_date: date | None = field(description="The day on which it was declared.")
    amount: Decimal = price(scale=PRICE_SCALE, ge=0, description="Per share as paid (vendor: `dividend`).")
    adjusted_amount: Decimal | None = price(
        scale=PRICE_SCALE, ge=0, description="Per share, restated for later splits (vendor: `adjDividend`)."
    )
    yield_percent: Decimal | None = ratio(
        scale=PERCENT_SCALE, unit="percent", description="Dividends of the past year over the ex-date's close."
    )
    frequency: str | None = text(description="For example `Quarterly`.")


class Split(Contract, version="1.0", licence=LICENCE):
    """One split of one security, by its ex-date. From `splits`.

    A holding of `q` before the ex-date is `q * numerator / denominator` from that day on. The vendor lists
    stock dividends, rights and spin-offs here too (1057/1000), and reverse splits (1/10).
    """

    symbol: Symbol = key(description="The vendor's symbol.")
    ex_date: date = key(event_time=True, description="The first session that trades on the new basis.")
    numerator: Decimal = quantity(gt=0, unit="shares", description="New shares.")
    denominator: Decimal = quantity(gt=0, unit="shares", description="Old shares.")
    split_type: str | None = text(description="`stock-split`, `stock-dividend`, `spin-off`; absent in older answers.")


class Profile(Contract, version="1.0", licence=LICENCE):
    """What a security is: the slow-moving part of the vendor's `profile`."""

    symbol: Symbol = key(description="The vendor's symbol.")
    name: str = text(min_length=1, description="The issuer's name.")
    currency: Currency = field(description="ISO 4217 code of the currency that its prices are quoted in.")
    exchange: str | None = text(description="Short name of the exchange, for example `NASDAQ`.")
    exchange_name: str | None = text(description="Full name of the exchange.")
    cik: str | None = text(description="SEC central index key, ten digits.")
    isin: str | None = text(description="International securities identification number.")
    cusip: str | None = text(description="CUSIP.")
    industry: str | None = text(description="The vendor's industry.")
    sector: str | None = text(description="The vendor's sector.")
    country: str | None = text(description="ISO 3166 code of the issuer's country.")
    ipo_date: date | None = field(description="First day of trading; the vendor has placeholders here.")
    is_etf: bool | None = field(description="Whether it is an exchange-traded fund.")
    is_fund: bool | None = field(description="Whether it is a fund.")
    is_adr: bool | None = field(description="Whether it is a depositary receipt.")
    is_actively_trading: bool | None = field(description="False once it is delisted.")


class ForexBar(Contract, version="1.0", licence=LICENCE):
    """One day of one currency pair. From `historical-price-eod/full`.

    The price is units of the second currency for one of the first: EURUSD 1.07 means USD 1.07 for EUR 1.
    """

    pair: str = key(pattern="[A-Z]{6}", description="Base and quote currency, for example `EURUSD`.")
    session: date = key(event_time=True, description="The day; weekends have none.")
    open: Decimal = price(scale=PRICE_SCALE, gt=0, description="First rate, mostly the previous close.")
    high: Decimal = price(scale=PRICE_SCALE, gt=0, description="Highest rate.")
    low: Decimal = price(scale=PRICE_SCALE, gt=0, description="Lowest rate.")
    close: Decimal = price(scale=PRICE_SCALE, gt=0, description="Last rate.")
    volume: Decimal | None = quantity(scale=PRICE_SCALE, ge=0, description="The vendor does not say of what.")

    _ohlc = check("low <= open and low <= close and high >= open and high >= close")
