"""Where spans go: to a file, or to an OTLP endpoint. Needs the extra `observe`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from finks.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

SERVICE = "finks"


def configure_tracing(destination: str | Path | None, *, environment: str) -> None:
    """Export this process's spans, unless the process has a tracer provider already: then that one gets them.

    Args:
        destination: A file, which gets one line of JSON for every span as it ends; the full http(s) address of an OTLP
            endpoint (`http://localhost:4318/v1/traces`), whose headers are set by OpenTelemetry's own variables; None
            for nowhere.
        environment: Becomes the resource attribute `deployment.environment.name`.

    Raises:
        MissingExtraError: The SDK is not installed.
        ConfigurationError: The file cannot be written.
    """
    from opentelemetry import trace

    if destination is None or not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError:
        raise MissingExtraError("Traces need OpenTelemetry's SDK.", hint="pip install 'finks-core[observe]'") from None
    processor = _to_file(destination) if isinstance(destination, Path) else _to_endpoint(destination)
    service = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    resource = Resource.create({"service.name": service, "deployment.environment.name": environment})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)


def _to_file(path: Path) -> SpanProcessor:
    """Each span is written when it ends, so that a killed process leaves what it had done."""
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Line by line: processes of one run may append to the same file.
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            "The file of traces cannot be written.", where=str(path), got=error.strerror or str(error)
        ) from None
    return SimpleSpanProcessor(ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n"))


def _to_endpoint(address: str) -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter(endpoint=address))
