"""What a run leaves to be looked at: which run it was, spans, metrics, log lines."""

from __future__ import annotations

from finks.observe.correlation import RUN_ID, child_environment, current_run, provenance, query_comment, traceparent
from finks.observe.metrics import MemoryMetrics, Metric, MetricSink
from finks.observe.tracing import Span, current_span, record_span, run_context, span

__all__ = [
    "RUN_ID", "MemoryMetrics", "Metric", "MetricSink", "Span", "child_environment", "current_run", "current_span",
    "provenance", "query_comment", "record_span", "run_context", "span", "traceparent",
]  # fmt: skip
