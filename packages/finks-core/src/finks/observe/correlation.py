"""Which run and which trace the running code belongs to, and the forms in which others are told.

Both travel in context variables: tasks and `asyncio.to_thread` inherit them, a bare thread does not.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from finks.errors import ConfigurationError

RUN_ID: Final = "finks.run-id"
"""The snapshot property that names the run."""

TRACEPARENT: Final = "finks.traceparent"
"""The snapshot property with the commit's place in its trace."""

RUN_VARIABLE: Final = "FINKS_RUN_ID"
TRACE_VARIABLE: Final = "TRACEPARENT"
"""The environment variable by which a process continues a trace (OpenTelemetry, Environment Variables as Context
Propagation Carriers)."""

# It goes into SQL comments, headers and environments, where other characters would have a meaning.
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_current: ContextVar[str | None] = ContextVar("finks_run", default=None)


def current_run() -> str | None:
    """The id of the run that this code is part of; None outside a run."""
    return _current.get()


@contextmanager
def naming_run(run_id: str) -> Generator[None]:
    """Make `run_id` the current run within the block.

    Raises:
        ConfigurationError: It holds characters that a header or a comment cannot carry.
    """
    if not _RUN.fullmatch(run_id):
        raise ConfigurationError(
            "The run's id is not valid.", expected="up to 100 letters, digits and . _ : -", got=repr(run_id)
        )
    token = _current.set(run_id)
    try:
        yield
    finally:
        _current.reset(token)


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`; None where there is no trace."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    # Of the flags, only `sampled` is defined at every version that readers know (W3C Trace Context, 3.2.2.5).
    sampled = context.trace_flags & trace.TraceFlags.SAMPLED
    return f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-{sampled:02x}"


def child_environment() -> dict[str, str]:
    """The variables by which a child process continues this run and its trace."""
    return _told(RUN_VARIABLE, TRACE_VARIABLE)


def provenance() -> dict[str, str]:
    """The snapshot properties that say which run and which span made a commit."""
    return _told(RUN_ID, TRACEPARENT)


def query_comment() -> str:
    """A leading SQL comment that names run and trace; empty outside a run, so that results can be reused there."""
    told = _told("run", "traceparent") if current_run() else {}
    return f"/* finks {' '.join(f'{name}={value}' for name, value in told.items())} */\n" if told else ""


def _told(run: str, trace: str) -> dict[str, str]:
    said = {run: current_run(), trace: traceparent()}
    return {name: value for name, value in said.items() if value is not None}
