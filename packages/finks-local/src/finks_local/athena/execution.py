"""One query execution: everything that Athena tells of it, as a value that can be written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from finks_local.athena.statements import result_name
from finks_local.athena.workgroups import ENGINE

QUEUED: Final = "QUEUED"
RUNNING: Final = "RUNNING"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
CANCELLED: Final = "CANCELLED"
FINAL: Final = (SUCCEEDED, FAILED, CANCELLED)

Shape = dict[str, Any]


@dataclass
class Execution:
    """A query execution. Times are seconds since 1970.

    Attributes:
        token: The request's token, by which it is known again.
        settings: What the request said of results, context and reuse, as `QueryExecution` repeats it.
        location: Where its result goes, without the last slash; None where Athena keeps it itself.
        output: The result's file there, named by the statement's kind.
        columns: `ColumnInfo` entries of the result.
        spool: The query whose spooled result this one's is: its own, or the one that is reused.
        planned: When the first rows could be taken.
        ran: When the last row was taken.
    """

    id: str
    token: str
    statement: str
    workgroup: str
    settings: Shape
    location: str | None
    output: str | None
    statement_type: str
    submitted: float
    parameters: list[str] = field(default_factory=list)
    substatement_type: str | None = None
    state: str = QUEUED
    reason: str | None = None
    error: Shape | None = None
    started: float | None = None
    planned: float | None = None
    ran: float | None = None
    completed: float | None = None
    columns: list[Shape] = field(default_factory=list)
    spool: str | None = None
    reused: bool = False
    rows: int = 0
    update_count: int | None = None
    bytes_scanned: int = 0
    bytes_written: int = 0
    manifest: str | None = None

    def name_output(self) -> None:
        """Name the result's file by the statement's kind."""
        if self.location is not None:
            self.output = f"{self.location}/{result_name(self.id, self.statement_type, self.substatement_type)}"

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Execution:
        """One that was written down."""
        return cls(**{known.name: record[known.name] for known in fields(cls)})

    def record(self) -> Shape:
        """What is written down."""
        return asdict(self)

    @property
    def final(self) -> bool:
        """Whether its state does not change any more."""
        return self.state in FINAL

    @property
    def has_header(self) -> bool:
        """Whether the first page of the result begins with the names of the columns: that of a query does."""
        return self.statement_type == "DML" and self.spool is not None

    def shape(self) -> Shape:
        """`QueryExecution` of the API reference."""
        optional = {
            "SubstatementType": self.substatement_type,
            "ExecutionParameters": self.parameters or None,
        }
        results = _present({**self.settings["ResultConfiguration"], "OutputLocation": self.output})
        return {
            **self.settings,
            "QueryExecutionId": self.id,
            "Query": self.statement,
            "StatementType": self.statement_type,
            "ResultConfiguration": results,
            "Status": self._status(),
            "Statistics": self._statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": ENGINE,
            **_present(optional),
        }

    def timeline(self) -> Shape:
        """Milliseconds of each part, as far as it has come."""
        end = self.completed
        parts = {
            "QueryQueueTimeInMillis": _milliseconds(self.submitted, self.started or end),
            "QueryPlanningTimeInMillis": _milliseconds(self.started, self.planned),
            "EngineExecutionTimeInMillis": _milliseconds(self.started, self.ran or end),
            "ServiceProcessingTimeInMillis": _milliseconds(self.ran, end),
            "TotalExecutionTimeInMillis": _milliseconds(self.submitted, end),
        }
        return _present(parts)

    def _status(self) -> Shape:
        told = {"StateChangeReason": self.reason, "CompletionDateTime": self.completed, "AthenaError": self.error}
        return {"State": self.state, "SubmissionDateTime": self.submitted, **_present(told)}

    def _statistics(self) -> Shape:
        return {
            **self.timeline(),
            "DataScannedInBytes": self.bytes_scanned,
            "ResultReuseInformation": {"ReusedPreviousResult": self.reused},
            **_present({"DataManifestLocation": self.manifest}),
        }


def _milliseconds(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else max(0, round((end - start) * 1000))


def _present(members: Mapping[str, Any]) -> Shape:
    return {name: value for name, value in members.items() if value is not None}
