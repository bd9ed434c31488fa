"""The responses behind a number as text."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finks.lineage.trace import Response, Trace

PROVEN = "The same comes out of the records of these responses alone. Some of them may have made no difference."
NOT_PROVEN = (
    "Not narrowed to rows: these are all responses that any record of these tables was read from. "
    "Most had no part in the number."
)


def described(trace: Trace) -> str:
    """The rows asked for, and table by table the responses, each with its id, time, run and request."""
    lines = [f"{trace.mart}, release {trace.release}, made by run {trace.run_id}"]
    lines += ["  " + ", ".join(f"{name} = {value}" for name, value in row.items()) for row in trace.rows]
    tables: dict[str, list[Response]] = defaultdict(list)
    for response in trace.responses:
        tables[response.table].append(response)
    for table, found in tables.items():
        records = sum(response.versions for response in found)
        lines.append("")
        what = f"{_counted(records, 'record')} of {_counted(len(found), 'response')}"
        lines.append(f"{table}: {what} (Silver snapshot {trace.silver_snapshots[table]})")
        for response in found:
            at = f"{response.fetched_at:%Y-%m-%d %H:%M:%S} UTC"
            lines.append(f"  {response.response_id}  {at}  run {response.run_id}")
            lines.append(f"    {response.request}")
            read = _counted(response.versions, "record")
            lines.append(f"    status {response.status}, sha256 {response.body_sha256}, {read}")
    lines += ["", f"{_counted(len(trace.responses), 'response')}. {PROVEN if trace.proven else NOT_PROVEN}"]
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
