"""The embedded metric format, held against the rules that AWS publishes."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import jsonschema
import pytest
from finks.errors import InvariantError
from finks.observe.metrics import DIMENSIONS, EmfMetrics, MemoryMetrics, Metric
from finks.redact import Redactor
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2024, 2, 29, 12, 0, 0, 123000, UTC)

UNITS = ["Seconds", "Bytes", "Percent", "Count", "None"]
"""Those of CloudWatch's that finks uses."""

NAME = {"type": "string", "minLength": 1, "maxLength": 255}
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": NAME,
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "array", "maxItems": 9, "items": NAME},
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {"Name": NAME, "Unit": {"enum": UNITS}},
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The rules of the CloudWatch User Guide, Specification: Embedded metric format, at their strictest."""

METRICS = st.lists(
    st.builds(
        Metric,
        st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**53),
        st.sampled_from(UNITS),
        st.dictionaries(st.sampled_from(DIMENSIONS), st.sampled_from(["a", "b"])),
    ),
    max_size=300,
    unique_by=lambda metric: (metric.name, tuple(sorted(metric.dimensions.items()))),
).filter(lambda metrics: not {metric.name for metric in metrics} & {*DIMENSIONS, "run_id"})


def lines(metrics, **properties) -> list[dict]:
    stream = io.StringIO()
    EmfMetrics(stream).write(metrics, at=AT, properties=properties)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def read(line: dict) -> list[tuple]:
    """What CloudWatch makes of a line: the metrics that it refers to, with the values of its dimensions."""
    found = []
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            assert all(isinstance(value, str) for value in dimensions.values())
            for metric in directive["Metrics"]:
                found.append((metric["Name"], line[metric["Name"]], metric["Unit"], tuple(sorted(dimensions.items()))))
    return found


@given(METRICS)
def test_every_metric_is_in_a_valid_document_once(metrics):
    documents = lines(metrics, run_id="run-1")
    for document in documents:
        jsonschema.validate(document, SCHEMA)
        assert document["_aws"]["Timestamp"] == 1709208000123
        assert document["run_id"] == "run-1"
    wanted = [(m.name, m.value, m.unit, tuple(sorted(m.dimensions.items()))) for m in metrics]
    assert sorted(found for document in documents for found in read(document)) == sorted(wanted)


def test_no_secret_comes_out_of_a_metric():
    canary = "canary+key/0123456789"
    with Redactor([canary]).guarding_logs():
        (line,) = lines([Metric("calls", 1, dimensions={"dataset": canary})], status=f"refused {canary}")
    assert canary not in json.dumps(line)


@pytest.mark.parametrize(
    ("value", "dimensions"), [(float("nan"), {}), (float("inf"), {}), (1, {"symbol": "AAPL"}), (1, {"dataset": ""})]
)
def test_what_cloudwatch_would_drop_is_no_metric(value, dimensions):
    with pytest.raises(InvariantError):
        Metric("calls", value, dimensions=dimensions)


def test_one_member_of_a_line_never_replaces_another():
    with pytest.raises(InvariantError):
        lines([Metric("calls", 1), Metric("calls", 2)])


def test_memory_keeps_what_it_is_given():
    sink = MemoryMetrics()
    sink.write([Metric("calls", 1)], at=AT, properties={"run_id": "run-1"})
    assert (sink.metrics, sink.properties) == ([Metric("calls", 1)], [{"run_id": "run-1"}])
