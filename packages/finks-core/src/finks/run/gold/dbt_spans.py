"""What dbt says of a build (run_results.json, schema v6), as spans: one for every model, test and other node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FAILED = frozenset({"error", "fail", "runtime error"})


@dataclass(frozen=True, slots=True)
class NodeSpan:
    """One node of a build that is over.

    Attributes:
        name: For example `dbt model daily_portfolio_summary`.
        begin, end: Aware. Both are the time of the report where the node was skipped.
        failure: What dbt says of a failure; None where there was none.
        attributes: As `finks.observe.record_span` takes them.
    """

    name: str
    begin: datetime
    end: datetime
    failure: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def dbt_spans(results: Mapping[str, Any]) -> list[NodeSpan]:
    """The nodes of a build, in dbt's order. Pure.

    Args:
        results: run_results.json.
    """
    reported = time_of(results["metadata"]["generated_at"])
    return [_span(row, reported) for row in results["results"]]


def _span(row: Mapping[str, Any], reported: datetime) -> NodeSpan:
    kind, _, *names = row["unique_id"].split(".")
    # A generic test's last part is a hash; a unit test's is its name, after its model's.
    name = ".".join(names) if kind == "unit_test" else names[0]
    begins = [time_of(part["started_at"]) for part in row["timing"] if part["started_at"]]
    ends = [time_of(part["completed_at"]) for part in row["timing"] if part["completed_at"]]
    failed = row["status"] in FAILED
    return NodeSpan(
        f"dbt {kind} {name}",
        min(begins, default=reported),
        max([*begins, *ends], default=reported),
        str(row.get("message") or row["status"]) if failed else None,
        {"node": row["unique_id"], "status": row["status"]},
    )


def time_of(text: str) -> datetime:
    """A time in dbt's artifacts. dbt writes UTC, with a `Z` or, before 1.10, without."""
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(tzinfo=UTC)
