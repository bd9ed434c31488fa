"""Spans. The core knows OpenTelemetry's API only: without its SDK every call here does nothing.

No text enters a span before `finks.redact.hidden` cleaned it: attributes, and what an exception says.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from finks.observe.correlation import TRACE_VARIABLE, naming_run
from finks.redact import hidden

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context

Value = str | bool | int | float
"""What an attribute may be; None leaves it out."""


class Span:
    """A span that takes attributes.

    A name without a dot is finks' own and gets `finks.` before it: `span("x", rows=3)` has `finks.rows`.
    """

    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner

    def set(self, **attributes: Value | None) -> None:
        """Add attributes."""
        if self._inner.is_recording():
            self._inner.set_attributes(_named(attributes))

    def fail(self, reason: str) -> None:
        """Say that what the span stands for did not succeed."""
        from opentelemetry.trace import StatusCode

        if self._inner.is_recording():
            self._inner.set_status(StatusCode.ERROR, hidden(reason))


@contextmanager
def span(name: str, /, **attributes: Value | None) -> Generator[Span]:
    """A span around the block, below the current one. An exception that leaves the block fails it.

    Args:
        name: What is done, of few different names: `commit`, not the table's rows.
        attributes: See `Span`.
    """
    with _entered(name, attributes, None) as opened:
        yield opened


@contextmanager
def run_context(run_id: str, /, name: str = "finks run", **attributes: Value | None) -> Generator[Span]:
    """The run that everything within the block belongs to, and its root span, which carries `finks.run_id`.

    The span goes on below the current one, else below that of the variable TRACEPARENT, else it begins a trace.

    Raises:
        ConfigurationError: The id holds characters that a header or a comment cannot carry.
    """
    with naming_run(run_id), _entered(name, {"run_id": run_id, **attributes}, _inherited()) as opened:
        yield opened


def record_span(
    name: str, begin: datetime, end: datetime, /, failure: str | None = None, **attributes: Value | None
) -> None:
    """Add a span of something that is over already, below the current one.

    Args:
        begin, end: Aware.
        failure: Why it failed; None where it did not.
    """
    inner = _tracer().start_span(name, attributes=_named(attributes), start_time=_nanoseconds(begin))
    if failure is not None:
        Span(inner).fail(failure)
    inner.end(_nanoseconds(end))


def current_span() -> Span:
    """The span that the running code is in."""
    from opentelemetry import trace

    return Span(trace.get_current_span())


@contextmanager
def _entered(name: str, attributes: dict[str, Value | None], within: Context | None) -> Generator[Span]:
    # The SDK would write the exception's text and traceback as they are, so that is switched off.
    opening = _tracer().start_as_current_span(
        name, context=within, record_exception=False, set_status_on_exception=False
    )
    with opening as inner:
        opened = Span(inner)
        opened.set(**attributes)
        try:
            yield opened
        except BaseException as error:
            opened.set(**{"error.type": type(error).__qualname__})
            opened.fail(str(error))
            raise


@cache
def _tracer() -> trace.Tracer:
    from opentelemetry import trace

    # Made before a provider is set, it still uses that provider afterwards.
    return trace.get_tracer("finks")


def _inherited() -> Context | None:
    """The context of the environment's TRACEPARENT; None where the process has a span or no valid variable."""
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    given = os.environ.get(TRACE_VARIABLE)
    if given is None or trace.get_current_span().get_span_context().is_valid:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": given})


def _named(attributes: dict[str, Value | None]) -> dict[str, Value]:
    return {
        name if "." in name else f"finks.{name}": hidden(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def _nanoseconds(time: datetime) -> int:
    whole = int(time.timestamp())
    return whole * 1_000_000_000 + time.microsecond * 1000
