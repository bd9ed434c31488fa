"""`[observe]` made so: where the spans, the log records and the metrics of a run go."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass

from finks.lake import Lake
from finks.lake.aws import aws
from finks.lake.aws_errors import told
from finks.observe import MetricSink
from finks.observe.export import configure_tracing
from finks.observe.metrics import CloudWatchMetrics, EmfMetrics
from finks.run.events import Event
from finks.run.listeners.metrics import run_metrics
from finks.run.report import RunReport
from finks.run.runner import RunListener
from finks.run.sections import ObserveSettings
from finks.run.settings import Settings

_log = logging.getLogger("finks.run")
_LEVELS = {"slice.fetched": logging.DEBUG, "step.failed": logging.ERROR}


def configure(settings: ObserveSettings) -> None:
    """Set this process up for traces and logs, once, before a run.

    Raises:
        MissingExtraError: The extra `observe` is needed and not installed.
        ConfigurationError: The file of traces cannot be written.
    """
    configure_tracing(None if settings.traces == "none" else settings.traces, environment=settings.environment)
    if settings.logs == "json":
        from finks.observe.logs import configure_logs

        configure_logs()


def log_event(event: Event) -> None:
    """The observer that makes a log record of every event."""
    said = {"subject": event.subject, "done": event.done, "total": event.total}
    _log.log(
        _LEVELS.get(event.name, logging.INFO), event.name, extra={name: value for name, value in said.items() if value}
    )


@dataclass(frozen=True, slots=True)
class MetricsListener:
    """Delivers the metrics of a run when it has ended.

    Args:
        sink: Takes them.
    """

    sink: MetricSink

    def run_ended(self, lake: Lake, settings: Settings, report: RunReport) -> None:
        """See `RunListener`."""
        self.sink.write(
            run_metrics(report, settings.observe.environment),
            at=report.finished_at or report.started_at,
            properties={"run_id": report.run_id, "logical_date": str(report.logical_date), "status": report.status},
        )


def metrics_listeners(settings: Settings) -> list[RunListener]:
    """The listener that `observe.metrics` asks for, if any.

    Raises:
        MissingExtraError: boto3 is needed and not installed.
        ConfigurationError: No AWS region is set.
    """
    match settings.observe.metrics:
        case "emf":
            # Standard output is the report's; what collects logs takes both streams.
            return [MetricsListener(EmfMetrics(sys.stderr))]
        case "cloudwatch":
            with told():
                return [MetricsListener(CloudWatchMetrics(aws().client("cloudwatch")))]
        case "none":
            return []
