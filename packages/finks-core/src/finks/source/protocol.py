"""What a source plugin is: two required members, and a base class with the rest.

The easy door is declarative: list `Stream`s and stop. The full door is `fetch`, a generator that
yields requests and receives responses and does no I/O of its own, so a list of canned responses
tests it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from finks.source.model import Action, Limits, Outcome, Rate, Request, Response, Slice, Stream, Verdict
from finks.source.strict_json import Shape, peek


@runtime_checkable
class Source(Protocol):
    """What the core requires of a source. Subclass `BaseSource` to get the rest."""

    name: str

    def streams(self) -> Sequence[Stream]:
        """The streams that this source offers under its configuration. No I/O."""
        ...


class SourceConfig(BaseModel):
    """The settings of a source; a plugin subclasses it. Unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path = Field(
        default=Path(), description="The directory against which relative paths resolve; set from the file."
    )
    deadline: float | None = Field(
        default=None, gt=0, description="Seconds for one call, retries and waits included; the source's own if absent."
    )
    attempts: int | None = Field(default=None, ge=1, description="The most calls for one page.")
    select: tuple[str, ...] | None = Field(
        None, description="The streams to run; all that the source offers if absent."
    )


class BaseSource:
    """A source over HTTP or files with safe defaults. Override what differs.

    Args:
        config: The validated settings of this source.
    """

    name: str = ""
    version: str = "0"
    Config: ClassVar[type[SourceConfig]] = SourceConfig
    base_url: str = ""

    def __init__(self, config: SourceConfig | None = None) -> None:
        self.config = config if config is not None else self.Config.model_validate({})

    def streams(self) -> Sequence[Stream]:
        """The streams on offer. A plugin overrides this."""
        raise NotImplementedError

    def request(self, stream: Stream, slice: Slice) -> Request:
        """The first request of a slice."""
        params = dict(stream.params)
        return Request(f"{self.base_url.rstrip('/')}/{stream.path}", params)

    def fetch(self, stream: Stream, slice: Slice) -> Generator[Request, Response, None]:
        """Yield each request of a slice and receive its response. Called once per slice; pure."""
        yield self.request(stream, slice)

    def classify(self, stream: Stream, slice: Slice, response: Response) -> Verdict:
        """What a response means. The default trusts HTTP status; vendors that do not, override it."""
        return classify_by_status(response)

    def secret_headers(self) -> Mapping[str, str]:
        """Headers that carry secrets; added by the driver at the last moment and redacted everywhere."""
        return {}

    def rates(self) -> Mapping[str, Rate]:
        """The vendor's budget per endpoint class. `default` serves the classes that are not listed."""
        return {"default": Rate(calls=600, seconds=60, burst=20)}

    def call_limits(self) -> Limits:
        """`limits`, with what the settings say instead."""
        said = {"deadline": self.config.deadline, "attempts": self.config.attempts}
        return replace(self.limits(), **{name: value for name, value in said.items() if value is not None})

    def limits(self) -> Limits:
        """What one call may cost."""
        return Limits()


def classify_by_status(response: Response) -> Verdict:
    """What a response means when the vendor uses HTTP status as RFC 9110 does.

    A page of markup is never data: proxies answer so, with status 200 too, when the service is away.
    """
    status = response.status
    if response.fault:
        # Waiting does not bring a missing file.
        passing = response.fault in _PASSING_FAULTS and not response.request.url.startswith("file:")
        return _failed(response.detail or response.fault, retry=passing)
    if status in {200, 203, 204}:
        return _classify_success(response)
    if status == 304:
        return Verdict(Outcome.UNCHANGED)
    if status == 429:
        return _failed("HTTP 429: too many calls", retry=True, error="QuotaExhaustedError")
    if status in {408, 425} or status >= 500:
        return _failed(f"HTTP {status}", retry=True)
    if status in {401, 403}:
        return Verdict(Outcome.FAILED, Action.STOP_SOURCE, f"HTTP {status}", "CredentialsError")
    if status == 402:
        return Verdict(Outcome.NOT_ENTITLED, Action.ACCEPT, "HTTP 402", "EntitlementError")
    if status in {404, 410}:
        return Verdict(Outcome.UNKNOWN_KEY, Action.ACCEPT, f"HTTP {status}")
    if 300 <= status < 400:
        return _failed(f"HTTP {status}: redirects are not followed; correct the address")
    return _failed(f"HTTP {status}")


_PASSING_FAULTS = frozenset({"timeout", "truncated", "unreachable", "bad_encoding"})


def _classify_success(response: Response) -> Verdict:
    shape = peek(response.body)
    if shape in {Shape.NOTHING, Shape.EMPTY_ARRAY}:
        return Verdict(Outcome.EMPTY)
    if response.content_type == "text/html" or (shape is Shape.MARKUP and "xml" not in response.content_type):
        return _failed(f"HTTP {response.status} with a page of markup instead of data", retry=True)
    return Verdict(Outcome.OK)


def _failed(reason: str, *, retry: bool = False, error: str = "SourceUnavailableError") -> Verdict:
    return Verdict(Outcome.FAILED, Action.RETRY if retry else Action.ACCEPT, reason, error)


__all__ = ["BaseSource", "Source", "SourceConfig", "classify_by_status"]
