"""Log records as lines of JSON, with run and trace, and without secrets. Needs the extra `observe`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from finks.errors import MissingExtraError
from finks.observe.correlation import current_run
from finks.redact import hidden

try:
    import structlog
except ImportError:
    raise MissingExtraError("Logs as JSON need structlog.", hint="pip install 'finks-core[observe]'") from None
from structlog.typing import EventDict, Processor, WrappedLogger

_TALKATIVE = ("httpcore", "httpx", "pyiceberg.io")
"""They log every call and every file, which have their spans and their rows in the lake."""


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Formats any record of the standard library's `logging`, whoever made it, as one line of JSON.

    A logging configuration names it by its class: `{"formatters": {"json": {"()": "finks.observe.logs.JsonLines"}}}`.
    """

    def __init__(self) -> None:
        named: list[Processor] = [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _take_exception,
        ]
        super().__init__(
            foreign_pre_chain=named,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _correlate,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                # Nothing comes after it but the rendering, which gets nothing that it has to spell itself.
                _clean,
                structlog.processors.JSONRenderer(),
            ],
        )


def configure_logs(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Make every log record of this process, and every warning, a line of JSON.

    Args:
        stream: Gets the lines; standard error when None.
        level: The least grave level that is shown.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _take_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The exception as the record has it as text: `guarding_logs` leaves no other form of it."""
    record: logging.LogRecord = event["_record"]
    if record.exc_text and not record.exc_info:
        event["exception"] = record.exc_text
    return event


def _correlate(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    from opentelemetry import trace

    run, context = current_run(), trace.get_current_span().get_span_context()
    if run is not None:
        event["run_id"] = run
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {str(name): _cleaned(value) for name, value in event.items()}


def _cleaned(value: Any) -> Any:
    """The value as JSON's own types, without a secret in any of its texts."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {hidden(str(name)): _cleaned(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(part) for part in value]
    return hidden(value if isinstance(value, str) else str(value))
