"""The marts against a plain day-by-day bookkeeper, on random portfolios with splits, dividends, FX and gaps."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

pytestmark = pytest.mark.slow

START = date(2020, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(90)]
SECURITIES = {"A": "USD", "B": "EUR", "C": "GBP", "LATE": "USD"}
PORTFOLIOS = {f"{base}-{number}": base for base in ("USD", "EUR", "GBP") for number in range(4)}


@dataclass
class World:
    """What happened, in plain dictionaries by day."""

    closes: dict[str, dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))
    fx: dict[tuple[str, str], dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))
    splits: dict[str, dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))
    dividends: dict[str, dict[date, tuple[Fraction, date]]] = field(default_factory=lambda: defaultdict(dict))
    trades: dict[str, list[tuple]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Book:
    """One portfolio, kept by hand: lots as [quantity, cost in base currency], money by currency."""

    world: World
    base: str
    lots: dict[str, list[list[Fraction]]] = field(default_factory=lambda: defaultdict(list))
    cash: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    owed: list[tuple[date, str, Fraction]] = field(default_factory=list)
    previous: Fraction = Fraction(0)
    growth: float = 1.0

    def rate(self, currency: str, day: date) -> Fraction:
        return Fraction(1) if currency == self.base else last(self.world.fx[currency, self.base], day)

    def held(self, symbol: str) -> Fraction:
        return sum((lot[0] for lot in self.lots[symbol]), Fraction(0))

    def price(self, symbol: str, day: date) -> Fraction | None:
        sessions = [session for session in self.world.closes[symbol] if session <= day]
        if not sessions:
            return None
        price = self.world.closes[symbol][max(sessions)]
        for ex_date, ratio in self.world.splits[symbol].items():
            if max(sessions) < ex_date <= day:
                price /= ratio
        return price

    def live(self, day: date, trades: list[tuple]) -> dict[str, float]:
        """One day: dividends and splits on what was held, then the trades, then the valuation."""
        seen = defaultdict(Fraction, income=self.actions(day))
        for kind, symbol, quantity, price, fee, currency in sorted(trades, key=lambda trade: trade[0] == "sell"):
            self.trade(day, (kind, symbol, quantity, price, fee, currency), seen)
        for payment in [entry for entry in self.owed if entry[0] <= day]:
            self.owed.remove(payment)
            self.cash[payment[1]] += payment[2]
        return self.value(day, seen)

    def actions(self, day: date) -> Fraction:
        income = Fraction(0)
        for symbol, currency in SECURITIES.items():
            held = self.held(symbol)
            if held and day in self.world.dividends[symbol]:
                amount, paid = self.world.dividends[symbol][day]
                self.owed.append((paid, currency, held * amount))
                income += held * amount * self.rate(currency, day)
            for lot in self.lots[symbol]:
                lot[0] *= self.world.splits[symbol].get(day, 1)
        return income

    def trade(self, day: date, trade: tuple, seen: dict[str, Fraction]) -> None:
        kind, symbol, quantity, price, fee, currency = trade
        rate, amount = self.rate(currency, day), quantity * price
        self.cash[currency] += amount * (1 if kind in ("deposit", "sell") else -1) - fee
        seen["fees"] += fee * rate + (amount * rate if kind == "fee" else 0)
        if kind == "deposit":
            seen["external_inflow"] += amount * rate
        elif kind == "withdrawal":
            seen["external_outflow"] += amount * rate
        elif kind == "buy":
            self.lots[symbol].append([quantity, amount * rate])
        elif kind == "sell":
            seen["realised_pnl"] += amount * rate - self.take(symbol, quantity)

    def take(self, symbol: str, quantity: Fraction) -> Fraction:
        cost = Fraction(0)
        while quantity > 0:
            lot = self.lots[symbol][0]
            part = min(quantity, lot[0])
            cost += lot[1] * part / lot[0]
            lot[1] -= lot[1] * part / lot[0]
            lot[0] -= part
            quantity -= part
            if lot[0] == 0:
                self.lots[symbol].pop(0)
        return cost

    def value(self, day: date, seen: dict[str, Fraction]) -> dict[str, float]:
        values = {s: self.price(s, day) for s in SECURITIES if self.held(s)}
        priced = {s: self.held(s) * p * self.rate(SECURITIES[s], day) for s, p in values.items() if p is not None}
        costs = {s: sum(lot[1] for lot in self.lots[s]) for s in values}
        cash = sum(amount * self.rate(currency, day) for currency, amount in self.cash.items())
        receivable = sum(amount * self.rate(currency, day) for _, currency, amount in self.owed)
        total = sum(priced.values()) + cash + receivable
        invested = self.previous + seen["external_inflow"]
        period = float((total + seen["external_outflow"]) / invested - 1) if invested > 0 else None
        self.growth *= 1 + (period or 0)
        self.previous = total
        row = {
            "market_value": sum(priced.values()),
            "cash": cash,
            "dividends_receivable": receivable,
            "cost_basis": sum(costs.values()),
            "unrealised_pnl": sum(priced[s] - costs[s] for s in priced),
            "cumulative_return": self.growth - 1,
            "coverage": Fraction(len(priced), len(values)) if values else 1,
            **{name: seen[name] for name in FLOWS},
        }
        return {name: float(number) for name, number in row.items()}


FLOWS = ("external_inflow", "external_outflow", "income", "fees", "realised_pnl")


def last(series: dict[date, Fraction], day: date) -> Fraction:
    return series[max(known for known in series if known <= day)]


def make_world(random: Random, silver) -> World:
    world = World()
    for symbol, currency in SECURITIES.items():
        silver.security(symbol, currency)
        for day in DAYS[40 if symbol == "LATE" else 0 :]:
            if random.random() < 0.6:
                close = Decimal(random.randrange(500, 5000)) / 100
                world.closes[symbol][day] = Fraction(close)
                silver.bars(symbol, {str(day): close})
        for day in random.sample(DAYS[5:], 3):
            numerator, denominator = random.choice([(2, 1), (1, 3), (3, 2), (7, 4)])
            world.splits[symbol][day] = Fraction(numerator, denominator)
            silver.split(symbol, str(day), numerator, denominator)
        for day in random.sample(DAYS[5:], 4):
            amount, paid = Decimal(random.randrange(1, 300)) / 100, random.choice([None, day + timedelta(days=12)])
            world.dividends[symbol][day] = (Fraction(amount), paid or day)
            silver.dividend(symbol, str(day), amount, paid and str(paid))
    for pair in ("EURUSD", "GBPUSD", "EURGBP"):
        for day in DAYS:
            if day == START or random.random() < 0.5:
                close = Decimal(random.randrange(7000, 15000)) / 10000
                world.fx[pair[:3], pair[3:]][day] = Fraction(close)
                world.fx[pair[3:], pair[:3]][day] = 1 / Fraction(close)
                silver.fx(pair, {str(day): close})
    return world


def live_through(random: Random, silver, world: World, name: str, base: str) -> list[tuple[date, dict[str, float]]]:
    """Trade at random for all days, telling Silver; the book's row of every day."""
    silver.portfolio(name, base)
    book, rows = Book(world, base), []
    for day in DAYS[random.randrange(8) :]:
        trades = [("deposit", None, Fraction(50000), Fraction(1), Fraction(0), base)] if not rows else []
        if random.random() < 0.25:
            trades.append(random_trade(random, book, day))
        for kind, symbol, quantity, price, fee, currency in trades:
            exact = [Decimal(number.numerator) / number.denominator for number in (quantity, price, fee)]
            if kind in ("buy", "sell"):
                silver.trade(name, str(day), kind, symbol, *exact[:2], fee=exact[2], currency=currency)
            else:
                silver.cash(name, str(day), kind, exact[0], currency=currency)
        rows.append((day, book.live(day, trades)))
    return rows


def random_trade(random: Random, book: Book, day: date) -> tuple:
    symbol = random.choice(list(SECURITIES))
    currency = SECURITIES[symbol]
    # What is left after today's split: a trade on an ex-date is on the new basis.
    most = int(book.held(symbol) * book.world.splits[symbol].get(day, 1))
    kind = random.choice(["buy", "buy", "sell", "withdrawal", "fee"])
    if kind == "sell" and most == 0:
        kind = "withdrawal"
    price, fee = Fraction(random.randrange(500, 5000), 100), Fraction(random.randrange(300), 100)
    if kind in ("withdrawal", "fee"):
        return (kind, None, price, Fraction(1), Fraction(0), "EUR")
    quantity = Fraction(random.randrange(1, 40) if kind == "buy" else random.randrange(1, most + 1))
    return (kind, symbol, quantity, price, fee, currency)


@pytest.fixture(scope="module")
def books(silver):
    random = Random(20200101)
    world = make_world(random, silver)
    return {name: live_through(random, silver, world, name, base) for name, base in PORTFOLIOS.items()}


@pytest.fixture(scope="module")
def marts(books, silver, dbt, tmp_path_factory):
    built = dbt(
        silver.write(tmp_path_factory.mktemp("random") / "random.duckdb"), "run", "--vars", f"logical_date: {DAYS[-1]}"
    )
    assert built.exit_code == 0, built.output
    return built


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_the_summary_of_every_day_is_what_a_bookkeeper_would_write(name, books, marts):
    expected = dict(books[name])
    columns = list(books[name][0][1])
    found = marts.query(
        f"select date, {', '.join(columns)} from finks.daily_portfolio_summary where portfolio_id = ? order by date",
        name,
    )
    assert len(found) > 60
    for day, *numbers in found:
        row = dict(zip(columns, map(float, numbers), strict=True))
        assert row == pytest.approx(expected[day], rel=1e-8, abs=1e-6), day
