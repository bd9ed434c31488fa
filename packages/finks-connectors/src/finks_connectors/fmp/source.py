"""The FMP source: settings, requests, paging past the silent cap."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from datetime import date, timedelta
from importlib.metadata import version
from typing import Annotated, ClassVar, Literal

from finks.source.model import Limits, Rate, Request, Response, Slice, Stream, Verdict
from finks.source.protocol import BaseSource, SourceConfig
from pydantic import AfterValidator, Field, SecretStr, field_validator

from finks_connectors.fmp import errors
from finks_connectors.fmp.streams import MAX_STATEMENTS, Reporting, streams

Plan = Literal["basic", "starter", "premium", "ultimate"]

# Calls per minute and per day by plan (research of 2026-08: basic and starter by clients, the rest measured).
RATES: Mapping[Plan, Rate] = {
    "basic": Rate(calls=300, seconds=60, burst=5, per_day=250),
    "starter": Rate(calls=300, seconds=60, burst=10),
    "premium": Rate(calls=750, seconds=60, burst=20),
    "ultimate": Rate(calls=3000, seconds=60, burst=50),
}

# The free plan refuses a greater `limit` on statements (402, seen in public clients of 2026).
FREE_STATEMENTS = 5

_SYMBOL = re.compile(r"\^?[A-Z0-9][A-Z0-9.-]*")
_CLASS_SHARE = re.compile(r"([A-Z]{1,5})\.([A-C])")
_ROW_DATE = re.compile(rb'"date"\s*:\s*"(\d{4}-\d{2}-\d{2})"')


def _normal_symbol(value: str) -> str:
    symbol = value.strip().upper()
    share = _CLASS_SHARE.fullmatch(symbol)
    if share:
        raise ValueError(f"FMP writes share classes with a hyphen and knows no {symbol}: write {share[1]}-{share[2]}")
    if not _SYMBOL.fullmatch(symbol):
        raise ValueError(f"not a symbol: {value!r}; expected one symbol, for example AAPL, BRK-B, ^GSPC or VOD.L")
    return symbol


SymbolName = Annotated[str, AfterValidator(_normal_symbol)]
PairName = Annotated[str, AfterValidator(str.upper), Field(pattern=r"^[A-Za-z]{6}$")]


class FmpConfig(SourceConfig):
    """Settings of `[sources.fmp]`.

    Attributes:
        api_key: The vendor's key. It travels in a header and appears nowhere else.
        symbols: Securities, in the vendor's spelling (`BRK-B`).
        pairs: Currency pairs, for example `EURUSD`.
        start: The first day of bars wanted.
        base_url: The address of the `stable` API, or of a simulator.
        plan: The subscription; it sets the calls per minute and per day, and how many statements are asked for.
        statements: Which income statements to fetch: `annual`, `quarter`, both or none. The plan
            `basic` has no quarters.
    """

    api_key: SecretStr = Field(min_length=1)
    symbols: tuple[SymbolName, ...] = ()
    pairs: tuple[PairName, ...] = ()
    start: date = date(2000, 1, 1)
    base_url: str = Field(default="https://financialmodelingprep.com/stable", pattern=r"^https?://")
    plan: Plan = "basic"
    statements: tuple[Reporting, ...] = ("annual",)

    @field_validator("symbols", "pairs", "statements")
    @classmethod
    def _distinct(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Each key once, in the order given."""
        return tuple(dict.fromkeys(values))


class Fmp(BaseSource):
    """Financial Modeling Prep, `stable` API."""

    name = "fmp"
    version = version("finks-connectors")
    Config: ClassVar[type[SourceConfig]] = FmpConfig

    def __init__(self, config: FmpConfig) -> None:
        super().__init__(config)
        self.settings = config
        self.base_url = config.base_url.rstrip("/")

    def streams(self) -> Sequence[Stream]:
        """Daily bars as traded and split-adjusted, dividends, splits, profiles, income statements, forex bars."""
        said = self.settings
        limit = FREE_STATEMENTS if said.plan == "basic" else MAX_STATEMENTS
        return streams(said.symbols, said.pairs, said.start, said.statements, limit)

    def request(self, stream: Stream, slice: Slice) -> Request:
        """One symbol, and the window's days where the slice has one."""
        params = {**stream.params, "symbol": slice.key}
        if slice.start is not None and slice.end is not None:
            params |= {"from": slice.start.isoformat(), "to": slice.end.isoformat()}
        return Request(f"{self.base_url}/{stream.path}", params)

    def fetch(self, stream: Stream, slice: Slice) -> Generator[Request, Response, None]:
        """The slice's window; an answer that reached the cap is continued backwards from its oldest row.

        The vendor keeps the newest `max_rows` rows and drops the others without a word, so the only proof of
        completeness is an answer below the cap.
        """
        request = self.request(stream, slice)
        while True:
            response = yield request
            oldest = cut_off_before(response, stream.max_rows)
            if oldest is None or slice.start is None or oldest <= slice.start:
                return
            to = (oldest - timedelta(days=1)).isoformat()
            if to >= request.params["to"]:
                return
            request = Request(request.url, {**request.params, "to": to})

    def classify(self, stream: Stream, slice: Slice, response: Response) -> Verdict:
        """By body first, then by status; see `finks_connectors.fmp.errors`."""
        return errors.classify(response, slice.key, self.call_limits().attempts)

    def secret_headers(self) -> Mapping[str, str]:
        """The key goes into a header: as a query parameter it would reach logs."""
        return {"apikey": self.settings.api_key.get_secret_value()}

    def rates(self) -> Mapping[str, Rate]:
        """The plan's budget."""
        return {"default": RATES[self.settings.plan]}

    def limits(self) -> Limits:
        """Ten minutes a call: one of 37 s was measured, and a minute's limit has to pass within it.

        The largest answer of these streams, 5,000 bars, has about 1 MB.
        """
        return Limits(deadline=600.0, attempts=errors.LIMIT_ATTEMPTS, wire_bytes=16 * 2**20, decoded_bytes=32 * 2**20)


def cut_off_before(response: Response, max_rows: int) -> date | None:
    """The oldest day of an answer that has `max_rows` rows or more; None when it was not cut."""
    if response.status != 200 or max_rows == 0:
        return None
    days = _ROW_DATE.findall(response.body)
    return date.fromisoformat(min(days).decode()) if len(days) >= max_rows else None
