"""A sample connector: end-of-day quotes of an imaginary vendor, one list of records per symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import ClassVar

from finks.contract import Contract, check, key, price
from finks.source import BaseSource, Request, Slice, Snapshot, SourceConfig, Stream
from pydantic import Field


class Quote(Contract, version="1.0"):
    """The last bid and ask of one security on one day."""

    symbol: str = key(pattern="[A-Z.-]+")
    day: date = key(event_time=True)
    bid: Decimal = price(gt=0)
    ask: Decimal = price(gt=0)
    _spread = check("bid <= ask")


class SampleConfig(SourceConfig):
    """Settings of `[sources.sample]`."""

    base_url: str = Field(pattern="^https?://", description="The address of the API.")
    symbols: tuple[str, ...] = Field(min_length=1, description="The securities to fetch.")


class Sample(BaseSource):
    """Quotes, fetched whole once a day for each symbol."""

    name = "sample"
    version = version("finks-sample")
    Config: ClassVar[type[SourceConfig]] = SampleConfig

    def __init__(self, config: SampleConfig) -> None:
        super().__init__(config)
        self.settings = config
        self.base_url = config.base_url

    def streams(self) -> Sequence[Stream]:
        """The only stream."""
        return [Stream("quotes", Quote, "quotes", Snapshot(), keys=self.settings.symbols)]

    def request(self, stream: Stream, slice: Slice) -> Request:
        """The request for one symbol."""
        return replace(super().request(stream, slice), params={"symbol": slice.key})
