"""One page's calls: budget, transport, classification, and the only layer of retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from finks.errors import ConfigurationError, FinksError, InvariantError, QuotaExhaustedError
from finks.observe import Span, span, traceparent
from finks.redact import Redactor
from finks.source.budget import Budgets
from finks.source.model import Action, Outcome, Request, Response, Slice, Stream, Verdict
from finks.source.protocol import BaseSource
from finks.source.retry import THROTTLED, Backoff, retry_after
from finks.source.transport import Clock, Transport


@dataclass(frozen=True, slots=True)
class Answer:
    """The last response of a page and what it means."""

    response: Response
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Timing:
    """The injected time: the wall clock, a clock that never goes back, a sleep on it, and the jitter's dice."""

    clock: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class StoppedError(Exception):
    """No call was made, because the stream or the source was stopped. Never leaves `finks.source`."""


@dataclass(slots=True)
class _Call:
    """The attempts of one page."""

    stream: Stream
    slice: Slice
    request: Request
    ends_at: float = float("inf")
    attempts: int = 0
    wire_bytes: int = 0
    wait: float = 0.0
    last: Answer | None = None


class Caller:
    """Makes the calls of one source and remembers what stopped it.

    Args:
        source: The plugin.
        redactor: Hides secrets in all that is returned; the source's secret headers are added to it.
        transport: Carries the calls.
        budgets: The vendor's budgets.
        backoff: The waits between attempts.
        timing: The injected time.
    """

    def __init__(
        self,
        source: BaseSource,
        redactor: Redactor,
        transport: Transport,
        budgets: Budgets,
        backoff: Backoff,
        timing: Timing,
    ) -> None:
        self._source = source
        self._secrets = _sendable(source)
        self._redactor = redactor
        self._redactor.add(self._secrets.values())
        self._transport = transport
        self._budgets = budgets
        self._backoff = backoff
        self._timing = timing
        self._limits = source.call_limits()
        self._stopped_streams: dict[str, Verdict] = {}
        self._stopped_source: Verdict | None = None

    def stopped(self, stream: str) -> Verdict | None:
        """The verdict that stopped a stream or the whole source; None while it goes on."""
        return self._stopped_source or self._stopped_streams.get(stream)

    async def call(self, stream: Stream, slice: Slice, request: Request) -> Answer:
        """Call until the verdict is no longer to retry, or the attempts or the time are used up.

        Raises:
            StoppedError: The stream or the source is stopped, so nothing was sent.
        """
        call = _Call(stream, slice, request)
        with span(f"{request.method} {stream.name}", **self._asked(call)) as told:
            try:
                answer = await self._retrying(call)(self._attempt, call)
            except StoppedError:
                if call.last is None:
                    raise
                answer = call.last
            if answer.verdict.action is Action.RETRY:
                answer = replace(answer, verdict=self._given_up(answer))
            _tell(told, answer)
        self._remember(stream, answer.verdict)
        return answer

    @contextmanager
    def plugin_code(self, stream: Stream, slice: Slice) -> Generator[None, None, None]:
        """Name the plugin when its code fails; its own `FinksError`s pass."""
        try:
            yield
        except FinksError:
            raise
        except Exception as error:
            text = str(error)
            shown = self._redactor.redact(text)
            wrapped = InvariantError(
                f"The code of the source plugin {self._source.name!r} failed.",
                where=f"stream {stream.name}, slice {slice.id}",
                got=f"{type(error).__name__}: {shown}",
                hint="This is a defect of the plugin.",
            )
            # A traceback prints the cause too, so a cause that holds a secret is left out.
            raise wrapped from (error if shown == text else None)

    def _retrying(self, call: _Call) -> AsyncRetrying:
        def is_over(_: RetryCallState) -> bool:
            left = call.ends_at - self._timing.monotonic()
            return call.attempts >= self._limits.attempts or call.wait >= left

        return AsyncRetrying(
            sleep=self._timing.sleep,
            retry=retry_if_result(_is_to_retry),
            wait=lambda state: self._wait(call, _answer_of(state)),
            stop=is_over,
            retry_error_callback=_answer_of,
        )

    async def _attempt(self, call: _Call) -> Answer:
        await self._admit(call)
        call.attempts += 1
        response = await self._transport.send(
            call.request,
            headers={**_trace_header(), **call.request.headers, **self._secrets_for(call.request)},
            limits=self._limits,
            deadline=max(0.0, call.ends_at - self._timing.monotonic()),
        )
        call.wire_bytes += response.wire_bytes
        response = self._cleaned(replace(response, attempts=call.attempts, wire_bytes=call.wire_bytes))
        with self.plugin_code(call.stream, call.slice):
            verdict = self._source.classify(call.stream, call.slice, response)
        call.last = Answer(response, replace(verdict, reason=self._redactor.redact(verdict.reason)))
        return call.last

    async def _admit(self, call: _Call) -> None:
        """Wait for the budget. The deadline begins with the first call, not in the queue before it."""
        if self.stopped(call.stream.name) is None:
            try:
                await self._budgets.acquire(call.stream.endpoint_class)
            except QuotaExhaustedError as error:
                verdict = Verdict(Outcome.FAILED, Action.STOP_SOURCE, error.message, "QuotaExhaustedError")
                self._remember(call.stream, verdict)
        # Another call may have stopped the source while this one waited.
        if self.stopped(call.stream.name) is not None:
            raise StoppedError
        if call.attempts == 0:
            call.ends_at = self._timing.monotonic() + self._limits.deadline

    def _wait(self, call: _Call, answer: Answer) -> float:
        """The wait before the next attempt; a vendor that asks for less gets less from the whole class."""
        response, now = answer.response, self._timing.clock()
        endpoint_class = call.stream.endpoint_class
        call.wait = self._backoff.wait(response, self._budgets.rate(endpoint_class), self._timing.random, now)
        throttled = response.status == THROTTLED or retry_after(response, now) is not None
        if throttled and call.wait < self._limits.deadline:
            self._budgets.pause(endpoint_class, call.wait)
        return call.wait

    def _given_up(self, answer: Answer) -> Verdict:
        """A retry that is over is a failure; a wait beyond every deadline stops the source for this run."""
        asked = retry_after(answer.response, self._timing.clock())
        if asked is not None and asked >= self._limits.deadline:
            reason = f"the vendor asks to wait {asked:,.0f} s"
            return Verdict(Outcome.FAILED, Action.STOP_SOURCE, reason, "QuotaExhaustedError")
        return replace(answer.verdict, outcome=Outcome.FAILED, action=Action.ACCEPT)

    def _remember(self, stream: Stream, verdict: Verdict) -> None:
        if verdict.action is Action.STOP_SOURCE and self._stopped_source is None:
            self._stopped_source = verdict
        elif verdict.action is Action.SKIP_STREAM:
            self._stopped_streams.setdefault(stream.name, verdict)

    def _asked(self, call: _Call) -> dict[str, str]:
        """What a span says of a call. The query is left out: some vendors want the key there."""
        parts = urlsplit(call.request.url)
        return {
            "source": self._source.name,
            "stream": call.stream.name,
            "slice": self._redactor.redact(call.slice.id),
            "endpoint_class": call.stream.endpoint_class,
            "http.request.method": call.request.method,
            "server.address": parts.hostname or "",
            "url.scheme": parts.scheme,
            "url.path": self._redactor.redact(parts.path),
        }

    def _secrets_for(self, request: Request) -> dict[str, str]:
        """The key goes to the source's own host only, whatever address a response led to."""
        base = self._source.base_url
        return self._secrets if not base or _origin(base) == _origin(request.url) else {}

    def _cleaned(self, response: Response) -> Response:
        redact = self._redactor.redact
        return replace(
            response,
            body=self._redactor.redact_bytes(response.body),
            headers={name: redact(value) for name, value in response.headers.items()},
            detail=redact(response.detail),
        )


def _tell(told: Span, answer: Answer) -> None:
    """What a span says of the answer. A failed outcome fails it; an empty answer or an unknown key does not."""
    response, verdict = answer.response, answer.verdict
    told.set(
        outcome=str(verdict.outcome),
        attempts=response.attempts,
        wire_bytes=response.wire_bytes,
        fault=response.fault or None,
        **{"http.response.status_code": response.status or None},
    )
    if verdict.outcome is Outcome.FAILED:
        told.fail(verdict.reason)


def _trace_header() -> dict[str, str]:
    found = traceparent()
    return {} if found is None else {"traceparent": found}


def _is_to_retry(answer: Answer) -> bool:
    return answer.verdict.action is Action.RETRY


def _answer_of(state: RetryCallState) -> Answer:
    """The answer of the last attempt; what it raised is raised."""
    if state.outcome is None:
        raise InvariantError("The retry layer asked for an answer before there was an attempt.")
    return state.outcome.result()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _sendable(source: BaseSource) -> dict[str, str]:
    headers = dict(source.secret_headers())
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ConfigurationError(
                "A secret holds characters that a header cannot carry.",
                where=f"source {source.name}, header {name}",
                expected="printable ASCII without blanks or line breaks around it",
                hint="Copy the key again.",
            )
    return headers


__all__ = ["Answer", "Caller", "StoppedError", "Timing"]
