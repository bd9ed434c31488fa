"""`Client`: the routes of the API as methods."""

from __future__ import annotations

from datetime import date, datetime
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import quote

from pydantic import SecretStr

from finks_api.client.answers import DatasetFacts, Rows, Served, read_datasets, read_model, read_pages
from finks_api.client.calls import Calls
from finks_api.paging import LONGEST_PAGE

DEADLINE: Final = 300.0

Day = date | str
Instant = datetime | str


class Client:
    """A reader of the API. Its methods block, and threads may share it.

    Each of them waits while the engine works, asks again where the API says that this helps, and reads all pages of
    one release. What it raises is a `finks.errors.FinksError`: ConfigurationError for a request that is wrong or asks
    for what there is not, CredentialsError, EntitlementError, QuotaExhaustedError, SourceUnavailableError,
    DeadlineExceededError, MalformedBodyError.

    Args:
        url: The address of the API, up to and without `/v1`.
        key: The key. It goes to this address alone, and into no error and no log.
        deadline: Seconds for one call of a method: all its pages, waits and retries.

    Raises:
        ConfigurationError: The address or the key cannot be used.
    """

    def __init__(self, url: str, key: str | SecretStr, *, deadline: float = DEADLINE) -> None:
        self._calls = Calls(url, key if isinstance(key, SecretStr) else SecretStr(key), deadline)

    def __repr__(self) -> str:
        return f"<finks API Client {self._calls.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Not needed at the end of a program."""
        self._calls.close()

    def portfolios(self, *, as_of: Instant | None = None) -> Rows:
        """The portfolios that the key may read.

        Args:
            as_of: Here and in the other methods: answer as it was known at this time; with its zone. Now when None.
        """
        return self._rows("portfolios", as_of=as_of)

    def summary(
        self, portfolio: str, start: Day | None = None, end: Day | None = None, *, as_of: Instant | None = None
    ) -> Rows:
        """What a portfolio was worth on each date.

        Args:
            portfolio: Its id.
            start, end: Here and in the other methods: the first and the last date wanted, each open when None.
            as_of: See `portfolios`.
        """
        return self._rows("portfolios", portfolio, "summary", start=start, end=end, as_of=as_of)

    def positions(self, portfolio: str, date: Day, *, as_of: Instant | None = None) -> Rows:
        """What a portfolio held at the end of a date."""
        return self._rows("portfolios", portfolio, "positions", date=date, as_of=as_of)

    def transactions(
        self, portfolio: str, start: Day | None = None, end: Day | None = None, *, as_of: Instant | None = None
    ) -> Rows:
        """What was booked in a portfolio."""
        return self._rows("portfolios", portfolio, "transactions", start=start, end=end, as_of=as_of)

    def securities(self, *, as_of: Instant | None = None) -> Rows:
        """Every security."""
        return self._rows("securities", as_of=as_of)

    def security(self, symbol: str, *, as_of: Instant | None = None) -> Rows:
        """One security: one row."""
        return self._rows("securities", symbol, as_of=as_of)

    def bars(
        self, symbol: str, start: Day | None = None, end: Day | None = None, *, as_of: Instant | None = None
    ) -> Rows:
        """The daily bars of a security, as traded."""
        return self._rows("securities", symbol, "bars", start=start, end=end, as_of=as_of)

    def dividends(
        self, symbol: str, start: Day | None = None, end: Day | None = None, *, as_of: Instant | None = None
    ) -> Rows:
        """The cash dividends of a security, by ex-date."""
        return self._rows("securities", symbol, "dividends", start=start, end=end, as_of=as_of)

    def splits(
        self, symbol: str, start: Day | None = None, end: Day | None = None, *, as_of: Instant | None = None
    ) -> Rows:
        """The splits of a security, by ex-date."""
        return self._rows("securities", symbol, "splits", start=start, end=end, as_of=as_of)

    def fundamentals(
        self,
        symbol: str,
        start: Day | None = None,
        end: Day | None = None,
        *,
        period: Literal["annual", "quarter"] = "annual",
        as_of: Instant | None = None,
    ) -> Rows:
        """The income statements of a security's issuer, of years or of quarters, by the last day of their periods."""
        return self._rows("securities", symbol, "fundamentals", start=start, end=end, period=period, as_of=as_of)

    def datasets(self, *, as_of: Instant | None = None) -> list[DatasetFacts]:
        """Every dataset that the key may read: its contract, how fresh and how complete it is, its licence."""
        return read_datasets(self._calls.one(_path("datasets"), _texts(as_of=as_of)))

    def dataset(self, name: str, *, as_of: Instant | None = None) -> DatasetFacts:
        """One dataset, for example `bars`."""
        return read_model(DatasetFacts, self._calls.one(_path("datasets", name), _texts(as_of=as_of)))

    def version(self) -> Served:
        """Which release is served, and how old it is."""
        return read_model(Served, self._calls.one(_path("version"), {}))

    def _rows(self, *path: str, **parameters: Day | Instant | None) -> Rows:
        asked = {**_texts(**parameters), "limit": str(LONGEST_PAGE), "format": "arrow"}
        return read_pages("/".join(path), self._calls.pages(_path(*path), asked))


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _texts(**parameters: Day | Instant | None) -> dict[str, str]:
    given = {name: value for name, value in parameters.items() if value is not None}
    return {name: value if isinstance(value, str) else value.isoformat() for name, value in given.items()}
