"""Metrics, and where they go: lines of CloudWatch's embedded metric format, CloudWatch itself, or memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TextIO, TypeVar

from finks.errors import InvariantError
from finks.redact import hidden

NAMESPACE: Final = "finks"
DIMENSIONS: Final = ("environment", "dataset", "stage")
"""All that there are. CloudWatch bills each combination of values as a metric of its own, so a run, a key or a day
is a property of the log line and never a dimension."""

LINE_METRICS: Final = 100
"""The most metrics of one line (Amazon CloudWatch User Guide, Embedded metric format, MetricDirective)."""

CALL_METRICS: Final = 1000
"""The most metrics of one PutMetricData call (Amazon CloudWatch API Reference)."""

T = TypeVar("T")
Unit = Literal["Count", "Bytes", "Seconds", "Percent", "None"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement.

    Attributes:
        name: For example `records_new`.
        value: Finite.
        unit: One of CloudWatch's units.
        dimensions: What it is of; names of `DIMENSIONS`, values not empty.

    Raises:
        InvariantError: A value or a dimension is none of these.
    """

    name: str
    value: float
    unit: Unit = "Count"
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not all(self.dimensions.values()) or set(self.dimensions) - {*DIMENSIONS}:
            raise InvariantError("A metric is not one.", where=self.name, got=f"{self.value} of {self.dimensions}")


class MetricSink(Protocol):
    """Takes the metrics of a run."""

    def write(self, metrics: Sequence[Metric], *, at: datetime, properties: Mapping[str, str]) -> None:
        """Keep or send them, all at once.

        Args:
            at: The time that they are of, aware.
            properties: What is worth knowing beside them, for example the run's id; not a dimension.

        Raises:
            FinksError: They could not be delivered.
        """
        ...


@dataclass(slots=True)
class MemoryMetrics:
    """Keeps them, for tests and for whoever has a use of their own."""

    metrics: list[Metric] = field(default_factory=list)
    properties: list[Mapping[str, str]] = field(default_factory=list)

    def write(self, metrics: Sequence[Metric], *, at: datetime, properties: Mapping[str, str]) -> None:
        """See `MetricSink`."""
        self.metrics.extend(metrics)
        self.properties.append(properties)


@dataclass(frozen=True, slots=True)
class EmfMetrics:
    """Writes one line of JSON for every combination of dimensions. No call, and no permission but that to log.

    Where CloudWatch Logs gets the process's output as embedded metrics (Lambda does; elsewhere the CloudWatch agent),
    it makes metrics of these lines.

    Args:
        stream: Gets the lines.
    """

    stream: TextIO

    def write(self, metrics: Sequence[Metric], *, at: datetime, properties: Mapping[str, str]) -> None:
        """See `MetricSink`."""
        for line in emf_lines(metrics, at=at, properties=properties):
            print(line, file=self.stream, flush=True)


@dataclass(frozen=True, slots=True)
class CloudWatchMetrics:
    """Sends them with PutMetricData: one call for up to 1,000.

    Args:
        client: boto3's client of CloudWatch, which repeats a failed call itself.
    """

    client: Any

    def write(self, metrics: Sequence[Metric], *, at: datetime, properties: Mapping[str, str]) -> None:
        """See `MetricSink`. CloudWatch has no place for the properties."""
        data = [
            {
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
                "Timestamp": at,
                "Value": metric.value,
                "Unit": metric.unit,
            }
            for metric in metrics
        ]
        for part in _parts(data, CALL_METRICS):
            self.client.put_metric_data(Namespace=NAMESPACE, MetricData=part)


def emf_lines(metrics: Sequence[Metric], *, at: datetime, properties: Mapping[str, str]) -> Iterator[str]:
    """The metrics as documents of the embedded metric format (Amazon CloudWatch User Guide), one per line.

    Raises:
        InvariantError: Two metrics of the same dimensions have one name, so that one would replace the other.
    """
    alike: dict[tuple[tuple[str, str], ...], list[Metric]] = {}
    for metric in metrics:
        alike.setdefault(tuple(sorted(metric.dimensions.items())), []).append(metric)
    for dimensions, group in alike.items():
        for part in _parts(group, LINE_METRICS):
            yield _emf_line(dict(dimensions), part, at, properties)


def _emf_line(dimensions: Mapping[str, str], metrics: Sequence[Metric], at: datetime, said: Mapping[str, str]) -> str:
    values = {metric.name: metric.value for metric in metrics}
    if len(values) != len(metrics) or values.keys() & {*dimensions, *said}:
        raise InvariantError("Two members of a line of metrics have one name.", got=", ".join(values))
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in metrics],
    }
    metadata = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    texts = {name: hidden(value) for name, value in {**said, **dimensions}.items()}
    return json.dumps({"_aws": metadata, **texts, **values}, allow_nan=False)


def _parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
