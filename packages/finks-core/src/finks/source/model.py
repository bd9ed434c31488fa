"""The vocabulary of fetching: streams, slices, requests, responses, outcomes. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finks.contract import Contract


class Outcome(StrEnum):
    """What one response means for its slice."""

    OK = "ok"
    EMPTY = "empty"
    UNCHANGED = "unchanged"
    NOT_ENTITLED = "not_entitled"
    UNKNOWN_KEY = "unknown_key"
    FAILED = "failed"


class Action(StrEnum):
    """What the driver does after a response."""

    ACCEPT = "accept"
    RETRY = "retry"
    SKIP_STREAM = "skip_stream"
    STOP_SOURCE = "stop_source"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classification of one response.

    Attributes:
        outcome: What the ledger records.
        action: What the driver does next.
        reason: A short text for the ledger and the report; empty when all is well.
        error: The class in `finks.errors` that a stopped run raises, by its name.
    """

    outcome: Outcome
    action: Action = Action.ACCEPT
    reason: str = ""
    error: str = "SourceUnavailableError"


@dataclass(frozen=True, slots=True)
class Windows:
    """Slice policy: each key's history in windows of days, its tail read again every logical date.

    Attributes:
        max_days: The longest window that the vendor answers whole.
        reread_days: How many days back from the logical date are fetched again.
    """

    max_days: int
    reread_days: int = 14


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Slice policy: one answer holds everything of a key.

    Attributes:
        every_days: It is fetched again after so many days; 0 for on every run.
    """

    every_days: int = 1


SlicePolicy = Windows | Snapshot


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record from one place.

    Attributes:
        name: The stream's name within its source, for example `daily_bars`.
        contract: What one record must be.
        path: Where it is, relative to the source's base address (or a file path or pattern).
        policy: How the history is cut into slices.
        keys: The keys to fetch, for example symbols; one slice line each. `("",)` for a stream without keys.
        start: The first day wanted; None for a snapshot.
        params: Query parameters sent with every request.
        rename: Vendor field name to contract field name; a name that is not listed stays.
        from_key: The contract field that takes the slice's key where the body does not carry it.
        nulls: Texts that stand for an absent value in this vendor's bodies.
        endpoint_class: The budget that a call draws on.
        invalidated_by: A stream of the same source; a new version there for a key makes this
            stream's whole history of that key wanted again.
        authoritative: An answer is believed whatever it no longer holds. Otherwise a loss of more than max(3, 10 %)
            of what was known is reported and nothing is retracted.
        max_rows: The number of rows at which the vendor cuts an answer silently, or that were asked for; 0 for no
            such cap. A record beyond them is not taken for gone.
        expected_bytes: Bytes of a typical response, for the plan's estimate.
    """

    name: str
    contract: type[Contract]
    path: str
    policy: SlicePolicy
    keys: tuple[str, ...] = ("",)
    start: date | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    from_key: str | None = None
    nulls: tuple[str, ...] = ("",)
    endpoint_class: str = "default"
    invalidated_by: str | None = None
    authoritative: bool = False
    max_rows: int = 0
    expected_bytes: int = 20_000


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """The unit of work and of resumption: a stream, a key and a window of days (both ends inclusive)."""

    stream: str
    key: str
    start: date | None = None
    end: date | None = None

    @property
    def id(self) -> str:
        """A stable text, for example `daily_bars/AAPL/2020-01-01..2020-12-31`."""
        window = f"{self.start}..{self.end}" if self.start and self.end else "all"
        return f"{self.stream}/{self.key}/{window}"


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `url` is absolute (`https:`, `http:` or `file:`); secrets are added by the driver, never here."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, its body already decoded from the transfer's compression.

    Attributes:
        status: The HTTP status; 0 when there was no answer at all.
        body: The bytes; empty when the call failed before it was whole.
        fault: Why there is no whole answer (`timeout`, `truncated`, `too_large`, `unreachable`,
            `bad_encoding`), or empty.
        detail: One redacted sentence about the fault.
        received_at: When the answer was complete, in UTC.
        wire_bytes: Bytes of bodies read from the network, over all attempts.
        attempts: How many calls were made until this answer.
    """

    request: Request
    status: int
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    fault: str = ""
    detail: str = ""
    wire_bytes: int = 0
    attempts: int = 1

    @property
    def content_type(self) -> str:
        """The declared media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Page:
    """One response of a slice with its classification: what becomes one Bronze row."""

    slice: Slice
    number: int
    response: Response
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost.

    Attributes:
        deadline: Seconds for one page from its first call on, retries and the waits between them
            included; the queue for the budget before the first call is not.
        wire_bytes: The most bytes read from the network for one response.
        decoded_bytes: The most bytes after decompression.
        expansion: How many times larger than its wire bytes an answer may unfold, once it is beyond
            16 MiB. Text compresses 5 to 50 times; a bomb 1,000 times.
        allow_unframed: Accept a body without a declared length, chunks or compression. Its end is
            only the end of the connection, so nothing shows whether it was cut.
        attempts: The most calls for one page.
    """

    deadline: float = 300.0
    wire_bytes: int = 64 * 2**20
    decoded_bytes: int = 256 * 2**20
    attempts: int = 5
    expansion: int = 200
    allow_unframed: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """A budget: `calls` per `seconds`, at most `burst` at once; optionally `per_day` calls."""

    calls: float
    seconds: float = 60.0
    burst: int = 10
    per_day: int | None = None


def split_window(start: date, end: date, max_days: int) -> list[tuple[date, date]]:
    """Cut the days `start` to `end` (inclusive) into consecutive windows of at most `max_days`."""
    windows: list[tuple[date, date]] = []
    while start <= end:
        last = min(end, start + timedelta(days=max_days - 1))
        windows.append((start, last))
        start = last + timedelta(days=1)
    return windows
