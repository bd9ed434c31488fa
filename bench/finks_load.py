"""The work through finks: fetch, Bronze (every byte), the contract, Silver.

Arguments: base URL, symbols, directory, and a file for spans where they are wanted.
"""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from finks.contract import Contract, field, key, price, quantity
from finks.observe.export import configure_tracing
from finks.run.runner import Runner, RunOptions
from finks.run.sections import LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.source import BaseSource, Request, Slice, Stream, Windows


class Bar(Contract, version="1.0"):
    """One session of one security, all ten fields."""

    symbol: str = key()
    session: date = key(event_time=True)
    open: Decimal = price(gt=0)
    high: Decimal = price(gt=0)
    low: Decimal = price(gt=0)
    close: Decimal = price(gt=0)
    volume: Decimal = quantity(ge=0)
    change: Decimal = price()
    change_percent: Decimal = field(precision=38, scale=18)
    vwap: Decimal = price(gt=0)


class Vendor(BaseSource):
    """The benchmark's vendor, declared as a plugin author would."""

    name = "vendor"

    def __init__(self, url: str, symbols: int) -> None:
        super().__init__()
        self.base_url = url
        self.symbols = tuple(f"S{n:03}" for n in range(symbols))

    def streams(self) -> list[Stream]:
        """One stream."""
        return [
            Stream(
                "bars", Bar, "historical-price-eod/full", Windows(max_days=4000), self.symbols, date(2020, 1, 1),
                rename={"date": "session", "changePercent": "change_percent"}, nulls=(),
            )
        ]  # fmt: skip

    def request(self, stream: Stream, slice: Slice) -> Request:
        """The symbol as a query parameter."""
        return Request(f"{self.base_url}/{stream.path}", {"symbol": slice.key})

    def rates(self) -> dict:
        """No limit: the tool is measured, not the vendor."""
        from finks.source import Rate

        return {"default": Rate(calls=1_000_000, seconds=1, burst=1000)}


def main() -> None:
    """Load once and print the number of new Silver rows."""
    url, symbols, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    settings = Settings(lake=LakeSettings(path=directory / "lake"), run=RunSettings(logical_date=date(2024, 12, 31)))
    configure_tracing(Path(sys.argv[4]) if len(sys.argv) > 4 else None, environment="bench")
    report = Runner(settings, RunOptions(gold=False), given=[Vendor(url, symbols)]).run()
    print(report.total("new"))


if __name__ == "__main__":
    main()
