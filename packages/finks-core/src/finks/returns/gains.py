"""Realised and unrealised gains of one security: first in, first out, or at average cost.

Amounts are what was paid or got for the shares. Fees are no part of them unless the caller adds them: to get gains
after fees, add a buy's fee to its amount and take a sell's fee from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from finks.errors import DataError
from finks.returns.number import Number, exact, require_positive

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """One buy or sell.

    Attributes:
        quantity: Shares, positive, as of the day of the trade.
        amount: Price of all of them in the security's currency, positive.
        fx_rate: Units of base currency for one of the security's, on the day of the trade.
    """

    kind: Literal["buy", "sell"]
    quantity: Number
    amount: Number
    fx_rate: Number = 1


@dataclass(frozen=True, slots=True)
class Split:
    """`denominator` shares held become `numerator` shares; what they cost stays."""

    numerator: Number
    denominator: Number


@dataclass(frozen=True, slots=True)
class Match:
    """Shares sold against one purchase; at average cost, against all of them.

    Attributes:
        quantity: Shares, as of the day of the sale.
        cost: Their cost in base currency.
        proceeds: What they brought in base currency.
        fx_gain: The part of the gain that comes from the currency: cost in the security's currency times the change
            of its rate since the purchase.
    """

    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    fx_gain: Decimal

    @property
    def gain(self) -> Decimal:
        """Proceeds - cost."""
        return self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class Gains:
    """Where a security stands after all its trades, in base currency.

    Attributes:
        quantity: Shares still held.
        cost_basis: What they had cost.
        matches: What was sold, in order.
        unrealised: Value less cost basis; None without a price.
        unrealised_fx: The part of it that comes from the currency; None without a price.
    """

    quantity: Decimal
    cost_basis: Decimal
    matches: tuple[Match, ...]
    unrealised: Decimal | None
    unrealised_fx: Decimal | None

    @property
    def realised(self) -> Decimal:
        """The gains of all sales."""
        return sum((match.gain for match in self.matches), ZERO)

    @property
    def realised_fx(self) -> Decimal:
        """The part of `realised` that comes from the currency."""
        return sum((match.fx_gain for match in self.matches), ZERO)

    @property
    def average_cost(self) -> Decimal | None:
        """Cost of one share still held; None without any."""
        return self.cost_basis / self.quantity if self.quantity else None


@dataclass(frozen=True, slots=True)
class _Lot:
    """Shares with their cost in the security's currency and in base currency."""

    quantity: Decimal
    local: Decimal
    base: Decimal

    def part(self, quantity: Decimal) -> _Lot:
        if quantity == self.quantity:
            return self
        return _Lot(quantity, self.local * quantity / self.quantity, self.base * quantity / self.quantity)

    def less(self, other: _Lot) -> _Lot:
        return _Lot(self.quantity - other.quantity, self.local - other.local, self.base - other.base)

    def plus(self, other: _Lot) -> _Lot:
        return _Lot(self.quantity + other.quantity, self.local + other.local, self.base + other.base)


def fifo_gains(events: Iterable[Trade | Split], *, price: Number | None = None, fx_rate: Number = 1) -> Gains:
    """Gains when the first shares bought are the first sold.

    Args:
        events: Trades and splits of one security in order of time.
        price: Value of one share in the security's currency; without it there is no unrealised gain.
        fx_rate: Units of base currency for one of the security's, at the valuation.

    Raises:
        DataError: More is sold than held, or a quantity is not positive.
    """
    return _gains(events, price, fx_rate, pool=False)


def average_cost_gains(events: Iterable[Trade | Split], *, price: Number | None = None, fx_rate: Number = 1) -> Gains:
    """Gains when every share sold has cost the average of those held. Arguments and errors as in `fifo_gains`."""
    return _gains(events, price, fx_rate, pool=True)


def _gains(events: Iterable[Trade | Split], price: Number | None, fx_rate: Number, *, pool: bool) -> Gains:
    lots: list[_Lot] = []
    matches: list[Match] = []
    for event in events:
        if isinstance(event, Split):
            lots = [_split(lot, event) for lot in lots]
        elif event.kind == "buy":
            lots = _bought(lots, event, pool=pool)
        else:
            lots = _sold(lots, event, matches)
    held = _total(lots)
    if price is None:
        return Gains(held.quantity, held.base, tuple(matches), None, None)
    rate = exact(fx_rate)
    value = held.quantity * exact(price) * rate
    return Gains(held.quantity, held.base, tuple(matches), value - held.base, held.local * rate - held.base)


def _total(lots: Iterable[_Lot]) -> _Lot:
    total = _Lot(ZERO, ZERO, ZERO)
    for lot in lots:
        total = total.plus(lot)
    return total


def _split(lot: _Lot, split: Split) -> _Lot:
    require_positive(split.numerator, "numerator")
    require_positive(split.denominator, "denominator")
    return replace(lot, quantity=lot.quantity * exact(split.numerator) / exact(split.denominator))


def _bought(lots: list[_Lot], trade: Trade, *, pool: bool) -> list[_Lot]:
    require_positive(trade.quantity, "quantity")
    amount = exact(trade.amount)
    lots = [*lots, _Lot(exact(trade.quantity), amount, amount * exact(trade.fx_rate))]
    return [_total(lots)] if pool else lots


def _sold(lots: list[_Lot], trade: Trade, matches: list[Match]) -> list[_Lot]:
    """The lots that a sale leaves; what it takes is added to the matches."""
    require_positive(trade.quantity, "quantity")
    sale = _Lot(exact(trade.quantity), exact(trade.amount), exact(trade.amount) * exact(trade.fx_rate))
    left = sale.quantity
    kept: list[_Lot] = []
    for lot in lots:
        taken = lot.part(min(left, lot.quantity))
        if taken.quantity > 0:
            fx_gain = taken.local * exact(trade.fx_rate) - taken.base
            matches.append(Match(taken.quantity, taken.base, sale.part(taken.quantity).base, fx_gain))
        if taken.quantity < lot.quantity:
            kept.append(lot.less(taken))
        left -= taken.quantity
    if left > 0:
        raise DataError(
            "more is sold than held",
            where="events",
            expected=f"at most {sale.quantity - left} shares",
            got=str(sale.quantity),
            hint="check the order of the trades and the splits between them",
        )
    return kept
